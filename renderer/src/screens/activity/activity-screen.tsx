import { useInfiniteQuery, useMutation, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Activity, Job } from '#contract';
import { Page } from '../../frame/page.tsx';
import { client, orpc } from '../../lib/engine.ts';
import { plural } from '../../lib/format.ts';
import { jobMeaning } from '../../lib/states.ts';
import { Button } from '../../parts/button.tsx';
import { Digest } from '../../parts/copy.tsx';
import { EngineLink } from '../../parts/engine-link.tsx';
import { ErrorPanel } from '../../parts/error-panel.tsx';
import { Section } from '../../parts/facts.tsx';
import type { GridColumn } from '../../parts/grid/columns.ts';
import { DataGrid } from '../../parts/grid/data-grid.tsx';
import { Meaning } from '../../parts/meaning.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Loading } from '../../parts/placeholder.tsx';
import { QueryView } from '../../parts/query-view.tsx';

/** Lines of the audit log read at once. */
const PAGE_LINES = 300;

const jobColumns: GridColumn<Job>[] = [
  { id: 'title', header: 'Job', rowHeader: true, grow: true, value: (row) => row.title, cell: (row) => <EngineLink link={row.link}>{row.title}</EngineLink> },
  { id: 'kind', header: 'Kind', facet: true, value: (row) => row.kind },
  { id: 'state', header: 'State', facet: true, value: (row) => jobMeaning(row).word, cell: (row) => <Meaning {...jobMeaning(row)} /> },
  { id: 'step', header: 'Step or reason', grow: true, value: (row) => row.error?.message ?? row.step },
  { id: 'progress', header: 'Done', unit: '%', align: 'right', value: (row) => (row.progress === undefined || row.state !== 'running' ? undefined : row.progress * 100) },
  { id: 'seconds', header: 'Took', unit: 's', align: 'right', value: (row) => (row.endedAt === undefined ? undefined : (row.endedAt - row.startedAt) / 1000) },
  { id: 'started', header: 'Started', align: 'right', value: (row) => row.startedAt, cell: (row) => <Moment at={row.startedAt} /> },
  { id: 'cancel', header: 'Action', value: () => undefined, cell: (row) => <CancelJob job={row} /> },
];

function CancelJob({ job }: { job: Job }) {
  const cancel = useMutation({ mutationFn: () => client.jobs.cancel({ id: job.id }) });
  if (job.state !== 'running') return <span className="dim">–</span>;
  return (
    <Button kind="quiet" aria-label={`Cancel ${job.title}`} busy={cancel.isPending && 'Cancelling'} onClick={() => cancel.mutate()}>
      Cancel
    </Button>
  );
}

const logColumns: GridColumn<Activity>[] = [
  { id: 'at', header: 'When', value: (row) => row.seq, cell: (row) => <Moment at={row.at} /> },
  { id: 'actor', header: 'Who', facet: true, value: (row) => row.actor },
  { id: 'kind', header: 'Kind', facet: true, value: (row) => row.kind },
  { id: 'message', header: 'What happened', rowHeader: true, grow: true, value: (row) => row.message, cell: (row) => <EngineLink link={row.link}>{row.message}</EngineLink> },
  { id: 'digest', header: 'Digest', value: (row) => row.digest, cell: (row) => (row.digest === undefined ? <span className="dim">–</span> : <Digest digest={row.digest} of={row.message} />) },
  { id: 'seq', header: 'Number', align: 'right', exact: true, value: (row) => row.seq, hidden: true },
];

export function ActivityScreen() {
  const jobs = useQuery(orpc.jobs.list.queryOptions());
  const log = useInfiniteQuery(
    orpc.activity.list.infiniteOptions({
      input: (before: number | undefined) => ({ limit: PAGE_LINES, ...(before !== undefined && { before }) }),
      initialPageParam: undefined as number | undefined,
      getNextPageParam: (page) => (page.length < PAGE_LINES ? undefined : page.at(-1)?.seq),
    }),
  );
  const lines = useMemo(() => log.data?.pages.flat() ?? [], [log.data]);
  const running = jobs.data?.filter((job) => job.state === 'running') ?? [];
  const failed = jobs.data?.filter((job) => job.state === 'failed').length ?? 0;
  return (
    <Page title="Activity" padded status={sentence(running, failed)}>
      <Section title="Jobs">
        <QueryView query={jobs} what="Reading the jobs">
          {(data) => <DataGrid label="Jobs" noun="job" rows={data} columns={jobColumns} rowId={(row) => row.id} initialSort={{ id: 'started', desc: true }} empty={<p className="dim">No job ran since the engine started.</p>} />}
        </QueryView>
      </Section>
      <Section title="Audit log">
        {log.isError && (
          <ErrorPanel error={log.error}>
            <Button onClick={() => void log.refetch()}>Try again</Button>
          </ErrorPanel>
        )}
        {log.isPending && !log.isError && <Loading what="Reading the audit log" />}
        {log.data && <DataGrid label="Audit log" noun="line" rows={lines} columns={logColumns} rowId={(row) => String(row.seq)} initialSort={{ id: 'at', desc: true }} empty={<p className="dim">Nothing is recorded yet. What is built, tried, deployed and rolled back is written here.</p>} />}
        {log.hasNextPage && (
          <div>
            <Button busy={log.isFetchingNextPage && 'Reading'} onClick={() => void log.fetchNextPage()}>
              Read {PAGE_LINES} earlier lines
            </Button>
          </div>
        )}
      </Section>
    </Page>
  );
}

function sentence(running: readonly Job[], failed: number): string {
  const first = running[0];
  const now = first ? `${plural(running.length, 'job')} running: ${first.title}` : 'No job is running';
  return failed > 0 ? `${now}; ${plural(failed, 'job')} failed.` : `${now}.`;
}
