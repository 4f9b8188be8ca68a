/** What was looked for and found by measuring: the best execution provider, the fastest settings, and the largest batch inside a limit. */
import type { LargestBatch, ProviderComparison, Tuned } from '#contract';
import { milliseconds, number, plural } from '../../../lib/format.ts';
import { plainName } from '../../../lib/plain-name.ts';
import { Section } from '../../../parts/facts.tsx';
import type { GridColumn } from '../../../parts/grid/columns.ts';
import { DataGrid } from '../../../parts/grid/data-grid.tsx';

type Tried = Tuned['tried'][number] & { order: number };
type Batch = LargestBatch['tried'][number];

const TRIED: GridColumn<Tried>[] = [
  { id: 'threads', header: 'Threads', align: 'right', exact: true, value: (row) => row.threads, rowHeader: true },
  { id: 'optimization', header: 'Graph optimization', value: (row) => row.optimization },
  { id: 'p50', header: 'p50', unit: 'ms', align: 'right', value: (row) => row.p50 },
  { id: 'low', header: 'Low 95 %', unit: 'ms', align: 'right', value: (row) => row.p50Interval?.low },
  { id: 'high', header: 'High 95 %', unit: 'ms', align: 'right', value: (row) => row.p50Interval?.high },
  { id: 'cpu', header: 'CPU', unit: 'cores', align: 'right', value: (row) => row.cpuCores },
];

const BATCHES: GridColumn<Batch>[] = [
  { id: 'batch', header: 'Batch', align: 'right', exact: true, value: (row) => row.batch, rowHeader: true },
  { id: 'p50', header: 'p50', unit: 'ms', align: 'right', value: (row) => row.p50 },
  { id: 'p99', header: 'p99', unit: 'ms', align: 'right', value: (row) => row.p99 },
  { id: 'throughput', header: 'Throughput', unit: 'samples/s', align: 'right', value: (row) => row.throughputPerSecond },
  { id: 'runs', header: 'Runs', align: 'right', exact: true, value: (row) => row.runs },
];

type Provider = ProviderComparison['measured'][number];
const PROVIDERS: GridColumn<Provider>[] = [
  { id: 'provider', header: 'Provider', value: (row) => row.title, rowHeader: true },
  { id: 'p50', header: 'p50', unit: 'ms', align: 'right', value: (row) => row.p50 },
  { id: 'nodes', header: 'Nodes on it', align: 'right', value: (row) => row.onIt, cell: (row) => `${row.onIt} of ${row.nodes}` },
  {
    id: 'fell',
    header: 'First that fell back',
    grow: true,
    value: (row) => (row.fellBack[0] ? `${plainName(row.fellBack[0].node)}: ${row.fellBack[0].reason}` : ''),
  },
];

export function ProvidersPart({ comparison }: { comparison: ProviderComparison }) {
  return (
    <Section title="Execution providers">
      <p>
        <strong>{comparison.reason}</strong>
      </p>
      <DataGrid
        label="Execution providers measured"
        noun="provider"
        rows={comparison.measured}
        columns={PROVIDERS}
        rowId={(row) => row.provider}
        empty={null}
        plain
      />
      {comparison.failed.map((one) => (
        <p key={one.provider} className="dim">
          {one.provider} could not run it: {plainName(one.reason)}
        </p>
      ))}
    </Section>
  );
}

export function TunedPart({ tuned }: { tuned: Tuned }) {
  const rows = tuned.tried.map((row, order) => ({ ...row, order }));
  return (
    <Section title="Fastest settings">
      <p>
        <strong>
          {plural(tuned.threads, 'thread')}, graph optimization “{tuned.optimization}”.
        </strong>{' '}
        {tuned.reason}
      </p>
      <DataGrid label="Settings tried" noun="setting" rows={rows} columns={TRIED} rowId={(row) => String(row.order)} empty={null} plain />
    </Section>
  );
}

export function LargestBatchPart({ found }: { found: LargestBatch }) {
  const best = found.tried.find((row) => row.batch === found.batch);
  return (
    <Section title="Largest batch">
      <p>
        <strong>
          {best
            ? `${plural(found.batch, 'sample')} at once keep the p99 below ${milliseconds(found.p99Ms)}.`
            : `Not even one sample stays below ${milliseconds(found.p99Ms)}.`}
        </strong>{' '}
        {best && `p99 ${milliseconds(best.p99)}, ${number(best.throughputPerSecond)} samples/s.`} {found.stoppedBy && `Stopped there: ${found.stoppedBy}.`}
      </p>
      <DataGrid label="Batches tried" noun="batch" rows={found.tried} columns={BATCHES} rowId={(row) => String(row.batch)} empty={null} plain />
    </Section>
  );
}
