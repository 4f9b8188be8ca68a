import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import type { Trial, TrialSummary, TrialVariant } from '#contract';
import { orpc } from '../../lib/engine.ts';
import { change, columnNumber, exact, speed, withInterval } from '../../lib/format.ts';
import { bundlePart } from '../../lib/refs.ts';
import { SelectField } from '../../parts/field.tsx';
import type { GridColumn } from '../../parts/grid/columns.ts';
import { DataGrid } from '../../parts/grid/data-grid.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import styles from './trials.module.css';

const NONE: TrialSummary[] = [];

/** The same variants in an earlier trial of the same bundle, side by side. */
export function CompareTrials({ trial }: { trial: Trial }) {
  const trials = useQuery(orpc.trials.list.queryOptions()).data ?? NONE;
  const [chosen, setChosen] = useState('');
  const earlier = trials
    .filter((each) => each.id !== trial.id && bundlePart(each.ref) === bundlePart(trial.ref) && each.startedAt < trial.startedAt)
    .toSorted((a, b) => b.startedAt - a.startedAt);
  if (earlier.length === 0) return <p className="dim">There is no earlier trial of {bundlePart(trial.ref)} to compare with.</p>;
  return (
    <>
      <div className={styles.chooser}>
        <SelectField
          label="Earlier trial"
          value={chosen}
          onChange={(event) => setChosen(event.currentTarget.value)}
          options={[
            { value: '', label: 'None' },
            ...earlier.map((each) => ({
              value: each.id,
              label: `${exact(each.startedAt)}, ${each.verdict?.chosen === undefined ? each.state : `chose ${each.verdict.chosen}`}`,
            })),
          ]}
        />
      </div>
      {chosen !== '' && <Comparison trial={trial} otherId={chosen} />}
    </>
  );
}

interface Pair {
  name: string;
  now: TrialVariant | undefined;
  before: TrialVariant | undefined;
}

const p50 = (variant: TrialVariant | undefined): number | undefined => variant?.machines[0]?.benchmark.latencyMs.p50;

function columnsFor(): GridColumn<Pair>[] {
  return [
    { id: 'name', header: 'Variant', value: (row) => row.name, rowHeader: true },
    {
      id: 'metricBefore',
      header: 'Metric then',
      align: 'right',
      value: (row) => row.before?.metric?.value,
      cell: (row) => (row.before?.metric ? withInterval(row.before.metric) : '–'),
    },
    {
      id: 'metricNow',
      header: 'Metric now',
      align: 'right',
      value: (row) => row.now?.metric?.value,
      cell: (row) => (row.now?.metric ? withInterval(row.now.metric) : '–'),
    },
    { id: 'p50Before', header: 'p50 then', unit: 'ms', align: 'right', value: (row) => p50(row.before) },
    { id: 'p50Now', header: 'p50 now', unit: 'ms', align: 'right', value: (row) => p50(row.now) },
    { id: 'speed', header: 'Now vs then', align: 'right', value: (row) => both(p50(row.now), p50(row.before), speed) },
    { id: 'size', header: 'Size vs then', align: 'right', value: (row) => both(row.now?.bytes, row.before?.bytes, change) },
    {
      id: 'golden',
      header: 'Golden error then',
      align: 'right',
      value: (row) => row.before?.golden?.maxAbsError,
      cell: (row) => columnNumber(row.before?.golden?.maxAbsError),
      hidden: true,
    },
  ];
}

function both(now: number | undefined, before: number | undefined, say: (now: number, before: number) => string): string | undefined {
  return now === undefined || before === undefined ? undefined : say(now, before);
}

function Comparison({ trial, otherId }: { trial: Trial; otherId: string }) {
  const query = useQuery(orpc.trials.show.queryOptions({ input: { id: otherId } }));
  const columns = useMemo(columnsFor, []);
  return (
    <QueryView query={query} what="Reading the earlier trial">
      {(other) => {
        const names = [...new Set([...trial.variants, ...other.variants].map((variant) => variant.name))];
        const rows = names.map((name) => ({
          name,
          now: trial.variants.find((each) => each.name === name),
          before: other.variants.find((each) => each.name === name),
        }));
        return (
          <>
            <DataGrid label="This trial beside the earlier one" noun="variant" rows={rows} columns={columns} rowId={(row) => row.name} empty={null} plain />
            {!sameConditions(trial, other) && (
              <p className={styles.note}>
                Measured under other conditions: then on {other.machine.hostname} with ONNX Runtime {other.machine.onnxruntime} and {other.spec.threads}{' '}
                threads. Compare latencies with care.
              </p>
            )}
            <p>
              <Link to="/trials/$id" params={{ id: other.id }}>
                Open the earlier trial
              </Link>
            </p>
          </>
        );
      }}
    </QueryView>
  );
}

function sameConditions(a: Trial, b: Trial): boolean {
  return (
    a.machine.hostname === b.machine.hostname &&
    a.machine.cpu === b.machine.cpu &&
    a.machine.onnxruntime === b.machine.onnxruntime &&
    a.spec.threads === b.spec.threads
  );
}
