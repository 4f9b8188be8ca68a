import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { TrialSummary } from '#contract';
import { Page } from '../../frame/page.tsx';
import { orpc } from '../../lib/engine.ts';
import { plural } from '../../lib/format.ts';
import { trialMeaning } from '../../lib/states.ts';
import { Button } from '../../parts/button.tsx';
import type { GridColumn } from '../../parts/grid/columns.ts';
import { DataGrid } from '../../parts/grid/data-grid.tsx';
import { Meaning } from '../../parts/meaning.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty } from '../../parts/placeholder.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { trialsRoute } from '../../routes.ts';
import { NewTrialSheet } from './new-trial-sheet.tsx';

const columns: GridColumn<TrialSummary>[] = [
  {
    id: 'ref',
    header: 'Bundle',
    value: (row) => row.ref,
    rowHeader: true,
    cell: (row) => (
      <Link to="/trials/$id" params={{ id: row.id }}>
        {row.ref}
      </Link>
    ),
  },
  { id: 'state', header: 'State', facet: true, value: (row) => trialMeaning(row).word, cell: (row) => <Meaning {...trialMeaning(row)} /> },
  { id: 'variants', header: 'Variants', value: (row) => row.variantNames.join(', '), grow: true },
  { id: 'chosen', header: 'Chosen', value: (row) => row.verdict?.chosen },
  { id: 'reason', header: 'Verdict', value: (row) => row.verdict?.reason, grow: true },
  { id: 'seconds', header: 'Took', unit: 's', align: 'right', value: (row) => (row.endedAt === undefined ? undefined : (row.endedAt - row.startedAt) / 1000) },
  { id: 'started', header: 'Started', align: 'right', value: (row) => row.startedAt, cell: (row) => <Moment at={row.startedAt} /> },
  { id: 'id', header: 'Id', value: (row) => row.id, cell: (row) => <code>{row.id}</code>, hidden: true },
];

export function TrialsScreen(): ReactNode {
  const search = trialsRoute.useSearch();
  const navigate = useNavigate();
  const query = useQuery(orpc.trials.list.queryOptions());
  const setUp = (
    <Button kind="primary" onClick={() => void navigate({ to: '/trials', search: { new: '1' } })}>
      Set up a trial
    </Button>
  );
  return (
    <Page title="Trials" fixed status={sentence(query.data)} action={setUp}>
      <QueryView query={query} what="Reading the trials">
        {(trials) => (
          <DataGrid
            label="Trials"
            noun="trial"
            fill
            rows={trials}
            columns={columns}
            rowId={(row) => row.id}
            initialSort={{ id: 'started', desc: true }}
            onOpen={(row) => void navigate({ to: '/trials/$id', params: { id: row.id } })}
            empty={
              <Empty title="No trial yet" action={setUp}>
                <p>
                  A trial makes quantized variants of a bundle, holds each to its golden set, scores and benchmarks it, and says which is the smallest and
                  fastest that passes your gates.
                </p>
              </Empty>
            }
          />
        )}
      </QueryView>
      <NewTrialSheet opened={search.new !== undefined} initialRef={search.new} onClose={() => void navigate({ to: '/trials', search: {}, replace: true })} />
    </Page>
  );
}

function sentence(trials: readonly TrialSummary[] | undefined): string {
  if (!trials) return 'Variants of a model, measured and judged against gates.';
  const running = trials.filter((trial) => trial.state === 'running');
  const first = running[0];
  if (first) return `${plural(running.length, 'trial')} running: ${first.ref} with ${first.variantNames.join(', ')}.`;
  const last = trials.toSorted((a, b) => b.startedAt - a.startedAt)[0];
  if (!last) return 'No variant was compared yet.';
  return last.verdict
    ? `Last verdict, ${last.ref}: ${last.verdict.reason}`
    : `The last trial, of ${last.ref}, ${last.state === 'done' ? 'is done' : `was ${last.state}`}.`;
}
