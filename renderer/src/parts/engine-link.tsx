/** A link that the engine gave as a path of the screens: of a job, or of a line in the audit log. */
import type { ReactNode } from 'react';
import styles from './engine-link.module.css';

export function EngineLink({
  link,
  quiet = false,
  children,
}: {
  link: string | undefined /** In the colour of text, where most lines are links. */;
  quiet?: boolean;
  children: ReactNode;
}) {
  // Only paths of our own screens become links; anything else the engine might say stays text.
  if (link === undefined || !link.startsWith('/') || link.startsWith('//')) return <span>{children}</span>;
  return (
    <a href={`#${link}`} className={quiet ? styles.quiet : undefined}>
      {children}
    </a>
  );
}
