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
    <Drawer
      opened={opened}
      onClose={onClose}
      title={title}
      size={size}
      closeButtonProps={{ 'aria-label': 'Close' }}
      classNames={{ content: styles.content ?? '', header: styles.header ?? '', title: styles.title ?? '', body: styles.body ?? '' }}
    >
      <div className={styles.scroll}>{children}</div>
      {footer !== undefined && <div className={styles.footer}>{footer}</div>}
    </Drawer>
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
  busy?: string | false;
  error?: unknown;
  onConfirm: () => void;
}

export function Confirm({ title, opened, onClose, children, action, busy, error, onConfirm }: ConfirmProps) {
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={title}
      size={480}
      closeButtonProps={{ 'aria-label': 'Close' }}
      classNames={{ header: styles.header ?? '', title: styles.title ?? '', body: styles.confirm ?? '' }}
    >
      <div className={styles.lost}>{children}</div>
      {error !== undefined && error !== null && <ErrorPanel error={error} />}
      <div className={styles.actions}>
        <Button onClick={onClose} data-autofocus>
          Keep it
        </Button>
        <Button kind="danger" busy={busy} onClick={onConfirm}>
          {action}
        </Button>
      </div>
    </Modal>
  );
}
