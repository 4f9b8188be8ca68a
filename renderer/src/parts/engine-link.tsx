/** A link that the engine gave as a path of the screens: of a job, or of a line in the audit log. */
import type { ReactNode } from 'react';

export function EngineLink({ link, children }: { link: string | undefined; children: ReactNode }) {
  // Only paths of our own screens become links; anything else the engine might say stays text.
  if (link === undefined || !link.startsWith('/') || link.startsWith('//')) return <span>{children}</span>;
  return <a href={`#${link}`}>{children}</a>;
}
