/** The runs of one measurement as a histogram or over time, with their table one click away and PNG, SVG and CSV out. */
import { useCallback, useRef, useState } from 'react';
import type { MeasuredSetting } from '#contract';
import { columnNumber, plural } from '../lib/format.ts';
import { Choice } from '../parts/field.tsx';
import type { GridColumn } from '../parts/grid/columns.ts';
import { DataGrid } from '../parts/grid/data-grid.tsx';
import { ChartExports } from './chart-exports.tsx';
import styles from './chart.module.css';
import type { ECharts } from './echarts.ts';
import { histogramOption, timelineOption } from './latency-option.ts';
import { Plot } from './plot.tsx';

type View = 'histogram' | 'timeline' | 'table';
interface Bar {
  fromMs: number;
  toMs: number;
  runs: number;
}

const COLUMNS: GridColumn<Bar>[] = [
  { id: 'from', header: 'From', unit: 'ms', align: 'right', value: (row) => row.fromMs },
  { id: 'to', header: 'To', unit: 'ms', align: 'right', value: (row) => row.toMs },
  { id: 'runs', header: 'Runs', align: 'right', exact: true, value: (row) => row.runs },
];

/** @param props.name names the exported files */
export function LatencyChart({ name, setting }: { name: string; setting: MeasuredSetting }) {
  const [view, setView] = useState<View>('histogram');
  const chart = useRef<ECharts | null>(null);
  const { series, latencyMs } = setting;
  const option = useCallback(() => (view === 'timeline' ? timelineOption(series) : histogramOption(series, latencyMs)), [view, series, latencyMs]);
  const bars = barsOf(setting);
  const csv = () => ({ head: ['from_ms', 'to_ms', 'runs'], rows: bars.map((bar) => [bar.fromMs, bar.toMs, bar.runs]) });
  const { above } = series.histogram;
  return (
    <figure className={styles.figure}>
      <figcaption className={styles.caption}>
        <Choice
          label="Show as"
          hideLabel
          value={view}
          onChange={setView}
          options={[
            { value: 'histogram', label: 'Histogram' },
            { value: 'timeline', label: 'Over time' },
            { value: 'table', label: 'Table' },
          ]}
        />
        <ChartExports name={`${name}-${view === 'table' ? 'latency' : view}`} chart={view === 'table' ? undefined : chart} csv={csv} />
      </figcaption>
      {view === 'table' ? (
        <DataGrid label="Latencies as a table" noun="bar" rows={bars} columns={COLUMNS} rowId={(row) => String(row.fromMs)} empty={null} plain />
      ) : (
        <>
          <Plot option={option} chart={chart} className={styles.plot} />
          <p className={styles.legend}>
            {view === 'histogram'
              ? `Each bar: the runs that took so long. ${above > 0 ? `${plural(above, 'run')} above ${columnNumber(series.histogram.toMs)} ms, the slowest ${columnNumber(latencyMs.max)} ms, ${above === 1 ? 'is' : 'are'} not drawn.` : ''}`
              : 'Line: median of each few runs. Dots: the slowest of them.'}
          </p>
        </>
      )}
    </figure>
  );
}

function barsOf({ series, latencyMs }: MeasuredSetting): Bar[] {
  const { fromMs, toMs, counts, above } = series.histogram;
  const width = (toMs - fromMs) / counts.length;
  const bars = counts.map((runs, at) => ({ fromMs: fromMs + at * width, toMs: fromMs + (at + 1) * width, runs }));
  return above > 0 ? [...bars, { fromMs: toMs, toMs: latencyMs.max, runs: above }] : bars;
}
