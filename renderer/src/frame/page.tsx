/** The frame of a screen: where am I, how are things in one sentence, one primary action, and the content. */
import { IconChevronRight } from '@tabler/icons-react';
import { type ReactNode, useEffect } from 'react';
import styles from './page.module.css';

interface Props {
  title: string;
  /** Links to what this page is part of, outermost first. */
  crumbs?: readonly ReactNode[];
  /** One sentence that answers "how are things?". */
  status: ReactNode;
  /** One primary action, with at most a few quiet ones before it. */
  action?: ReactNode;
  /** Room around the content; tables and boards go without. */
  padded?: boolean;
  /** The content scrolls by itself (a table that fills the page). */
  fixed?: boolean;
  children: ReactNode;
}

export function Page({ title, crumbs = [], status, action, padded = false, fixed = false, children }: Props) {
  useEffect(() => {
    document.title = `${title} · Edgewright`;
  }, [title]);
  return (
    <>
      <header className={styles.header}>
        <div className={styles.where}>
          <div className={styles.crumbs}>
            {crumbs.length > 0 && (
              <nav aria-label="Breadcrumb">
                <ol>
                  {crumbs.map((crumb, index) => (
                    // The order of crumbs is their identity.
                    <li key={index}>
                      {crumb}
                      <IconChevronRight size={12} aria-hidden />
                    </li>
                  ))}
                </ol>
              </nav>
            )}
            <h1 title={title}>{title}</h1>
          </div>
          <p className={styles.status}>{status}</p>
        </div>
        {action !== undefined && <div className={styles.action}>{action}</div>}
      </header>
      <main id="content" tabIndex={-1} className={[styles.content, padded && styles.padded, fixed && styles.fixed].filter(Boolean).join(' ')}>
        {children}
      </main>
    </>
  );
}
