/** What a read gives: waiting with words, an error with what to do, or the content. */
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Button } from './button.tsx';
import { ErrorPanel } from './error-panel.tsx';
import styles from './query-view.module.css';
import { Loading } from './placeholder.tsx';

interface Props<Data> {
  query: Pick<UseQueryResult<Data, unknown>, 'data' | 'error' | 'isError' | 'isFetching' | 'fetchStatus' | 'refetch'>;
  /** Words such as "Reading the bundles". */
  what: string;
  children: (data: Data) => ReactNode;
}

export function QueryView<Data>({ query, what, children }: Props<Data>) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.isError) {
    return (
      <div className={styles.room}>
        <ErrorPanel error={query.error}>
          <Button onClick={() => void query.refetch()} busy={query.isFetching && 'Trying again'}>
            Try again
          </Button>
        </ErrorPanel>
      </div>
    );
  }
  return <Loading what={query.fetchStatus === 'paused' ? 'Waiting for the engine' : what} />;
}
