import { Link, useRouterState } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { ErrorPanel } from '../parts/error-panel.tsx';
import { Empty } from '../parts/placeholder.tsx';
import { Page } from './page.tsx';

export function NotFound(): ReactNode {
  const path = useRouterState({ select: (state) => state.location.pathname });
  return (
    <Page title="No such page" status={`Nothing is at ${path}.`}>
      <Empty title="No such page">
        <p>
          The link may be of something that was removed. <Link to="/">Go to Home</Link>.
        </p>
      </Empty>
    </Page>
  );
}

/** A screen that failed to draw is a fault of ours; the rest of the window goes on. */
export function RouteFailed({ error }: { error: unknown }): ReactNode {
  return (
    <Page title="This screen failed" status="A fault in Edgewright; nothing in the workspace was changed by it." padded>
      <ErrorPanel error={error} />
    </Page>
  );
}
