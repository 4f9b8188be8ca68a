import { useMutation, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Job } from '#contract';
import { Page } from '../../frame/page.tsx';
import { client, orpc } from '../../lib/engine.ts';
import { plural } from '../../lib/format.ts';
import { jobMeaning } from '../../lib/states.ts';
import { Button } from '../../parts/button.tsx';
import { EngineLink } from '../../parts/engine-link.tsx';
import { Choice } from '../../parts/field.tsx';
import type { GridColumn } from '../../parts/grid/columns.ts';
import { DataGrid } from '../../parts/grid/data-grid.tsx';
import { Meaning } from '../../parts/meaning.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty } from '../../parts/placeholder.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { activityRoute } from '../../routes.ts';
import { AuditLog } from './audit-log.tsx';

const jobColumns: GridColumn<Job>[] = [
  { id: 'title', header: 'Job', rowHeader: true, grow: true, value: (row) => row.title, cell: (row) => <EngineLink link={row.link}>{row.title}</EngineLink> },
  { id: 'kind', header: 'Kind', facet: true, value: (row) => row.kind },
  { id: 'state', header: 'State', facet: true, value: (row) => jobMeaning(row).word, cell: (row) => <Meaning {...jobMeaning(row)} /> },
  { id: 'step', header: 'Step or reason', grow: true, value: (row) => row.error?.message ?? row.step },
  {
    id: 'progress',
    header: 'Done',
    unit: '%',
    align: 'right',
    value: (row) => (row.progress === undefined || row.state !== 'running' ? undefined : row.progress * 100),
  },
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

export function ActivityScreen(): ReactNode {
  const view = activityRoute.useSearch().view === 'jobs' ? 'jobs' : 'log';
  const navigate = useNavigate();
  const jobs = useQuery(orpc.jobs.list.queryOptions());
  const running = jobs.data?.filter((job) => job.state === 'running') ?? [];
  const failed = jobs.data?.filter((job) => job.state === 'failed').length ?? 0;
  return (
    <Page
      title="Activity"
      fixed
      status={sentence(running, failed)}
      action={
        <Choice
          label="Show"
          hideLabel
          value={view}
          options={[
            { value: 'log', label: 'Audit log' },
            { value: 'jobs', label: 'Jobs' },
          ]}
          onChange={(next) => void navigate({ to: '/activity', search: next === 'jobs' ? { view: next } : {}, replace: true })}
        />
      }
    >
      {view === 'jobs' ? (
        <QueryView query={jobs} what="Reading the jobs">
          {(data) => (
            <DataGrid
              label="Jobs"
              noun="job"
              fill
              rows={data}
              columns={jobColumns}
              rowId={(row) => row.id}
              initialSort={{ id: 'started', desc: true }}
              empty={<Empty title="No job ran since the engine started" />}
            />
          )}
        </QueryView>
      ) : (
        <AuditLog />
      )}
    </Page>
  );
}

function sentence(running: readonly Job[], failed: number): string {
  const first = running[0];
  const now = first ? `${plural(running.length, 'job')} running: ${first.title}` : 'No job is running';
  return failed > 0 ? `${now}; ${plural(failed, 'job')} failed.` : `${now}.`;
}
