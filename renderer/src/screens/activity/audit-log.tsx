/** The audit log: what was done, whether the log is still what was written, and the log as a file. */
import { useInfiniteQuery, useMutation, useQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo } from 'react';
import type { Activity, AuditVerdict } from '#contract';
import { saveFile } from '../../lib/csv.ts';
import { client, orpc } from '../../lib/engine.ts';
import { plural } from '../../lib/format.ts';
import { Button } from '../../parts/button.tsx';
import { Digest } from '../../parts/copy.tsx';
import { EngineLink } from '../../parts/engine-link.tsx';
import { ErrorPanel } from '../../parts/error-panel.tsx';
import type { GridColumn } from '../../parts/grid/columns.ts';
import { DataGrid } from '../../parts/grid/data-grid.tsx';
import { Meaning } from '../../parts/meaning.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty } from '../../parts/placeholder.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import styles from './activity.module.css';

/** Lines of the audit log read at once. */
const PAGE_LINES = 300;

const logColumns: GridColumn<Activity>[] = [
  { id: 'at', header: 'When', value: (row) => row.seq, cell: (row) => <Moment at={row.at} /> },
  { id: 'user', header: 'Who', facet: true, value: (row) => row.user },
  { id: 'actor', header: 'Through', facet: true, value: (row) => row.actor },
  { id: 'kind', header: 'Kind', facet: true, value: (row) => row.kind },
  {
    id: 'message',
    header: 'What happened',
    rowHeader: true,
    grow: true,
    value: (row) => row.message,
    cell: (row) => (
      <EngineLink link={row.link} quiet>
        {row.message}
      </EngineLink>
    ),
  },
  {
    id: 'digest',
    header: 'Digest',
    value: (row) => row.digest,
    cell: (row) => (row.digest === undefined ? <span className="dim">–</span> : <Digest digest={row.digest} of={row.message} />),
  },
  { id: 'seq', header: 'Number', align: 'right', exact: true, value: (row) => row.seq, hidden: true },
];

export function AuditLog(): ReactNode {
  const log = useInfiniteQuery(
    orpc.activity.list.infiniteOptions({
      input: (before: number | undefined) => ({ limit: PAGE_LINES, ...(before !== undefined && { before }) }),
      initialPageParam: undefined as number | undefined,
      getNextPageParam: (page) => (page.length < PAGE_LINES ? undefined : page.at(-1)?.seq),
    }),
  );
  const lines = useMemo(() => log.data?.pages.flat() ?? [], [log.data]);
  return (
    <div className={styles.log}>
      <LogState />
      <div className={styles.lines}>
        <QueryView query={log} what="Reading the audit log">
          {() => (
            <DataGrid
              label="Audit log"
              noun="line"
              fill
              rows={lines}
              columns={logColumns}
              rowId={(row) => String(row.seq)}
              initialSort={{ id: 'at', desc: true }}
              empty={
                <Empty title="Nothing is recorded yet">
                  <p>What is built, tried, deployed and rolled back is written here, with who did it.</p>
                </Empty>
              }
              {...(log.hasNextPage && {
                more: (
                  <Button busy={log.isFetchingNextPage && 'Reading'} onClick={() => void log.fetchNextPage()}>
                    Read {PAGE_LINES} earlier lines
                  </Button>
                ),
              })}
            />
          )}
        </QueryView>
      </div>
    </div>
  );
}

/** What checking every line and the signed head gave, and the log to save. */
function LogState(): ReactNode {
  const verdict = useQuery(orpc.audit.verify.queryOptions({ input: {} }));
  const save = useMutation({
    mutationFn: () => client.audit.export({}),
    onSuccess: ({ text = '', from, to }) => saveFile(`audit-log-${from}-${to}.jsonl`, new Blob([text], { type: 'application/jsonl' })),
  });
  return (
    <div className={styles.state}>
      <p role="status">
        {verdict.data ? (
          <Verdict verdict={verdict.data} />
        ) : verdict.isError ? (
          <Meaning tone="bad" word="Not checked" reason={verdict.error.message} inline />
        ) : (
          'Checking the log…'
        )}
      </p>
      <Button busy={save.isPending && 'Exporting'} onClick={() => save.mutate()}>
        Export the log
      </Button>
      {save.isError && <ErrorPanel error={save.error} title="The log was not exported." />}
    </div>
  );
}

function Verdict({ verdict }: { verdict: AuditVerdict }): ReactNode {
  const { problem, lines, signed, unsigned, missingArchives } = verdict;
  if (problem) return <Meaning tone="bad" word="Log broken" reason={`at line ${problem.seq}: ${problem.problem}. What stands before it is sound.`} inline />;
  return (
    <>
      <Meaning tone={unsigned > 0 ? 'notice' : 'good'} word={unsigned > 0 ? 'Log not signed to its end' : 'Log verified'} inline />
      <span className="dim">
        {plural(lines, 'line')}
        {signed && (
          <>
            , signed <Moment at={signed.at} />
          </>
        )}
        {unsigned > 0 && `; ${plural(unsigned, 'line')} written since, while the private keys were locked`}
        {missingArchives.length > 0 && `; ${plural(missingArchives.length, 'archive')} moved away`}
      </span>
    </>
  );
}
