/** Metric against latency or size, with its table one click away and PNG, SVG and CSV out. */
import { useCallback, useMemo, useRef, useState } from 'react';
import type { TrialVariant } from '#contract';
import { Choice } from '../parts/field.tsx';
import { DataGrid } from '../parts/grid/data-grid.tsx';
import type { GridColumn } from '../parts/grid/columns.ts';
import { ChartExports } from './chart-exports.tsx';
import styles from './chart.module.css';
import type { ECharts } from './echarts.ts';
import { type ParetoData, type ParetoPoint, paretoData } from './pareto-data.ts';
import { type ParetoAxis, paretoOption } from './pareto-option.ts';
import { Plot } from './plot.tsx';

interface Props {
  /** Names the exported files. */
  name: string;
  variants: readonly TrialVariant[];
  chosen: string | undefined;
}

export function ParetoChart({ name, variants, chosen }: Props) {
  const [axis, setAxis] = useState<ParetoAxis>('latency');
  const [view, setView] = useState<'chart' | 'table'>('chart');
  const data = useMemo(() => paretoData(variants, chosen), [variants, chosen]);
  const chart = useRef<ECharts | null>(null);
  const option = useCallback(() => paretoOption(data, axis), [data, axis]);
  const columns = useMemo(() => columnsOf(data), [data]);
  const csv = () => ({
    head: ['variant', data.metricName, 'low_95', 'high_95', 'p50_ms', 'bytes', 'pareto', 'chosen'],
    rows: data.points.map((point) => [point.name, point.metric, point.low, point.high, point.p50Ms, point.bytes, point.pareto, point.chosen]),
  });
  return (
    <figure className={styles.figure}>
      <figcaption className={styles.caption}>
        <Choice
          label="Show as"
          hideLabel
          value={view}
          onChange={setView}
          options={[
            { value: 'chart', label: 'Chart' },
            { value: 'table', label: 'Table' },
          ]}
        />
        {view === 'chart' && (
          <Choice
            label="Against"
            hideLabel
            value={axis}
            onChange={setAxis}
            options={[
              { value: 'latency', label: 'Latency' },
              { value: 'size', label: 'Size' },
            ]}
          />
        )}
        <ChartExports name={`${name}-pareto`} chart={view === 'chart' ? chart : undefined} csv={csv} disabled={data.points.length === 0} />
      </figcaption>
      {data.points.length === 0 ? (
        <p className={styles.waiting}>No variant has all its figures yet. Each appears here once it was scored and benchmarked.</p>
      ) : view === 'chart' ? (
        <>
          <Plot option={option} chart={chart} className={styles.plot} />
          <p className={styles.legend}>
            Filled: on the Pareto front (dashed). Bars: 95 % interval. Better is towards the {data.higherIsBetter ? 'upper' : 'lower'} left.
          </p>
        </>
      ) : (
        <DataGrid label="Pareto chart as a table" noun="variant" rows={data.points} columns={columns} rowId={(row) => row.name} empty={null} plain />
      )}
    </figure>
  );
}

function columnsOf(data: ParetoData): GridColumn<ParetoPoint>[] {
  return [
    { id: 'name', header: 'Variant', value: (row) => row.name, rowHeader: true },
    { id: 'metric', header: data.metricName, align: 'right', value: (row) => row.metric },
    { id: 'low', header: 'Low 95 %', align: 'right', value: (row) => row.low },
    { id: 'high', header: 'High 95 %', align: 'right', value: (row) => row.high },
    { id: 'p50', header: 'p50', unit: 'ms', align: 'right', value: (row) => row.p50Ms },
    { id: 'size', header: 'Size', unit: data.size.unit, align: 'right', value: (row) => row.bytes / data.size.factor },
    { id: 'front', header: 'Front', value: (row) => (row.pareto ? 'on it' : 'dominated') },
  ];
}
