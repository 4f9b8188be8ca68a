/** What a screen shows when it has nothing to show yet: waiting, with words, or empty, with what to do about it. */
import { IconLoader2 } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import styles from './placeholder.module.css';

export function Loading({ what }: { /** Words such as "Reading the bundles". */ what: string }) {
  return (
    <div role="status" className={styles.loading}>
      <IconLoader2 size={16} aria-hidden className={styles.turning} />
      {what}…
    </div>
  );
}

export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className={styles.empty}>
      <p className={styles.title}>{title}</p>
      {children !== undefined && <div className={styles.text}>{children}</div>}
      {action !== undefined && <div className={styles.action}>{action}</div>}
    </div>
  );
}
