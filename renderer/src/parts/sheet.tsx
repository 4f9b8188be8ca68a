/** A side panel that keeps the list in view, and a question that is asked once. */
import { Drawer, Modal } from '@mantine/core';
import type { ReactNode } from 'react';
import { Button } from './button.tsx';
import { ErrorPanel } from './error-panel.tsx';
import styles from './sheet.module.css';

interface SheetProps {
  title: string;
  opened: boolean;
  onClose: () => void;
  children: ReactNode;
  /** The actions at the bottom, always in the same place. */
  footer?: ReactNode;
  size?: number;
}

export function Sheet({ title, opened, onClose, children, footer, size = 480 }: SheetProps) {
  return (
    <Drawer.Root
      classNames={{ content: styles.content ?? '' }}
      opened={opened}
      onClose={onClose}
      size={size}
      position="right"
      lockScroll={false}
      transitionProps={{ duration: 120 }}
    >
      <Drawer.Overlay />
      <Drawer.Content>
        <div className={styles.header}>
          <Drawer.Title className={styles.title}>{title}</Drawer.Title>
          <Drawer.CloseButton aria-label="Close" />
        </div>
        <div className={styles.scroll}>{children}</div>
        {footer !== undefined && <div className={styles.footer}>{footer}</div>}
      </Drawer.Content>
    </Drawer.Root>
  );
}

interface ConfirmProps {
  title: string;
  opened: boolean;
  onClose: () => void;
  /** What will be lost, and what will not. */
  children: ReactNode;
  /** The verb with its object. */
  action: string;
  /** What not doing it is called. */
  keep?: string;
  busy?: string | false;
  error?: unknown;
  onConfirm: () => void;
}

export function Confirm({ title, opened, onClose, children, action, keep = 'Keep it', busy, error, onConfirm }: ConfirmProps) {
  return (
    <Modal.Root opened={opened} onClose={onClose} size={480} yOffset="12vh" lockScroll={false} transitionProps={{ duration: 100, transition: 'fade' }}>
      <Modal.Overlay />
      <Modal.Content>
        <div className={styles.header}>
          <Modal.Title className={styles.title}>{title}</Modal.Title>
          <Modal.CloseButton aria-label="Close" />
        </div>
        <div className={styles.confirm}>
          <div className={styles.lost}>{children}</div>
          {error !== undefined && error !== null && <ErrorPanel error={error} />}
          <div className={styles.actions}>
            <Button onClick={onClose} data-autofocus>
              {keep}
            </Button>
            <Button kind="danger" busy={busy} onClick={onConfirm}>
              {action}
            </Button>
          </div>
        </div>
      </Modal.Content>
    </Modal.Root>
  );
}
