import { useMemo } from 'react';
import type { Trial, TrialVariant } from '#contract';
import { tokenFor } from '../../charts/variant-style.ts';
import { byteUnit, change, columnNumber, errorSize, points, speed, withInterval } from '../../lib/format.ts';
import { variantMeaning } from '../../lib/states.ts';
import { Digest } from '../../parts/copy.tsx';
import type { GridColumn } from '../../parts/grid/columns.ts';
import { DataGrid } from '../../parts/grid/data-grid.tsx';
import { Meaning } from '../../parts/meaning.tsx';
import styles from './trials.module.css';

/** The live table: each variant's stage, then its figures, each beside its difference from fp32. */
export function TrialTable({ trial }: { trial: Trial }) {
  const columns = useMemo(() => columnsFor(trial), [trial]);
  return (
    <DataGrid
      label="Variants of the trial"
      noun="variant"
      rows={trial.variants}
      columns={columns}
      rowId={(row) => row.name}
      empty={<p className="dim">No variant was planned.</p>}
    />
  );
}

function bench(variant: TrialVariant | undefined) {
  return variant?.machines[0]?.benchmark;
}

function columnsFor(trial: Trial): GridColumn<TrialVariant>[] {
  const base = trial.variants.find((variant) => variant.name === 'fp32');
  const size = byteUnit(trial.variants.map((variant) => variant.bytes));
  const memory = byteUnit(trial.variants.map((variant) => bench(variant)?.peakMemoryBytes));
  const metric = trial.variants.find((variant) => variant.metric)?.metric;
  const baseMs = bench(base)?.latencyMs.p50;
  const isBase = (variant: TrialVariant): boolean => variant.name === 'fp32';
  return [
    {
      id: 'name',
      header: 'Variant',
      rowHeader: true,
      value: (row) => row.name,
      cell: (row) => (
        <span className={styles.variant}>
          <span className={styles.swatch} style={{ background: `var(${tokenFor(row.name)})` }} aria-hidden />
          {row.name}
        </span>
      ),
    },
    {
      id: 'state',
      header: 'Outcome',
      value: (row) => variantMeaning(row, trial.verdict?.chosen).word,
      cell: (row) => <Meaning {...variantMeaning(row, trial.verdict?.chosen)} />,
    },
    {
      id: 'metric',
      header: metric?.name ?? 'Metric',
      unit: '± 95 %',
      align: 'right',
      value: (row) => row.metric?.value,
      cell: (row) => (row.metric ? withInterval(row.metric) : '–'),
    },
    {
      id: 'metricDiff',
      header: 'Metric vs fp32',
      align: 'right',
      value: (row) => (row.metric && base?.metric && !isBase(row) ? difference(row.metric.value, base.metric.value) : undefined),
    },
    { id: 'p50', header: 'p50', unit: 'ms', align: 'right', value: (row) => bench(row)?.latencyMs.p50 },
    { id: 'p95', header: 'p95', unit: 'ms', align: 'right', value: (row) => bench(row)?.latencyMs.p95 },
    { id: 'p99', header: 'p99', unit: 'ms', align: 'right', value: (row) => bench(row)?.latencyMs.p99, hidden: true },
    { id: 'speed', header: 'Speed vs fp32', align: 'right', value: (row) => (isBase(row) || baseMs === undefined ? undefined : speedOf(row, baseMs)) },
    { id: 'throughput', header: 'Throughput', unit: '1/s', align: 'right', value: (row) => bench(row)?.throughputPerSecond, hidden: true },
    { id: 'load', header: 'Load, cold', unit: 'ms', align: 'right', value: (row) => bench(row)?.loadMs.cold, hidden: true },
    { id: 'size', header: 'Size', unit: size.unit, align: 'right', value: (row) => (row.bytes === undefined ? undefined : row.bytes / size.factor) },
    {
      id: 'sizeDiff',
      header: 'Size vs fp32',
      align: 'right',
      value: (row) => (isBase(row) || row.bytes === undefined || base?.bytes === undefined ? undefined : change(row.bytes, base.bytes)),
    },
    { id: 'memory', header: 'Memory', unit: memory.unit, align: 'right', value: (row) => scaled(bench(row)?.peakMemoryBytes, memory.factor) },
    {
      id: 'golden',
      header: 'Golden error',
      align: 'right',
      value: (row) => row.golden?.maxAbsError,
      cell: (row) => (row.golden ? errorSize(row.golden.maxAbsError) : '–'),
      hidden: true,
    },
    {
      id: 'digest',
      header: 'Digest',
      value: (row) => row.digest,
      cell: (row) => (row.digest === undefined ? '–' : <Digest digest={row.digest} of={row.name} />),
      hidden: true,
    },
  ];

  function difference(value: number, against: number): string {
    // Shares are compared in points; other metrics by their plain difference.
    return metric && metric.higherIsBetter && value <= 1 && against <= 1 ? points(value, against) : columnNumber(value - against);
  }
}

function speedOf(variant: TrialVariant, baseMs: number): string | undefined {
  const own = bench(variant)?.latencyMs.p50;
  return own === undefined ? undefined : speed(own, baseMs);
}

function scaled(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : value / factor;
}
