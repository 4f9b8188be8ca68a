/** Latencies as ECharts wants them: how many runs took how long, and how it went over time. */
import type { BenchmarkSeries } from '#contract';
import { columnNumber, count, plural } from '../lib/format.ts';
import { type EChartsCoreOption, tokenColor } from './echarts.ts';

interface RenderApi {
  value: (dimension: number) => number;
  coord: (point: [number, number]) => [number, number];
}

interface Marks {
  p50: number;
  p95: number;
  p99: number;
}

function shared(description: string) {
  const ink = tokenColor('--ink');
  const dim = tokenColor('--ink-2');
  const line = tokenColor('--line');
  const axis = {
    nameLocation: 'middle' as const,
    nameTextStyle: { color: dim, fontSize: 12, fontWeight: 500 },
    axisLabel: { color: dim, fontSize: 12, hideOverlap: true },
    axisLine: { show: true, lineStyle: { color: dim } },
    splitLine: { lineStyle: { color: line } },
  };
  const base = {
    animation: false,
    aria: { enabled: true, label: { description } },
    textStyle: { fontFamily: 'system-ui, sans-serif' },
    grid: { left: 64, right: 24, top: 28, bottom: 48 },
  };
  return { ink, dim, line, axis, base, accent: tokenColor('--accent') };
}

/** Bars for all but the slowest runs, with the percentiles marked that lie among them. */
export function histogramOption({ histogram }: BenchmarkSeries, marks: Marks): EChartsCoreOption {
  const { fromMs, toMs, counts, above } = histogram;
  const width = (toMs - fromMs) / counts.length;
  const runs = counts.reduce((sum, one) => sum + one, 0) + above;
  const marked = [
    { name: 'p50', at: marks.p50 },
    { name: 'p95', at: marks.p95 },
  ].filter((mark) => mark.at <= toMs);
  const { axis, base, accent, ink } = shared(
    `Histogram of ${plural(runs, 'run')}: half of them within ${columnNumber(marks.p50)} ms, 95 % within ${columnNumber(marks.p95)} ms, 99 % within ${columnNumber(marks.p99)} ms.`,
  );
  return {
    ...base,
    tooltip: { show: false },
    xAxis: {
      type: 'value',
      scale: true,
      min: fromMs,
      max: toMs + width,
      name: '← better   latency (ms)',
      nameGap: 28,
      ...axis,
      axisLabel: { ...axis.axisLabel, formatter: columnNumber },
    },
    yAxis: { type: 'value', name: 'runs', nameGap: 44, ...axis, axisLabel: { ...axis.axisLabel, formatter: (value: number) => count(value) } },
    series: [
      {
        type: 'custom',
        name: 'runs',
        silent: true,
        data: counts.map((runsHere, bin) => [fromMs + bin * width, runsHere]),
        renderItem: (_params: unknown, api: RenderApi) => {
          const [left, top] = api.coord([api.value(0), api.value(1)]);
          const [right, bottom] = api.coord([api.value(0) + (width || 1), 0]);
          return { type: 'rect' as const, shape: { x: left, y: top, width: Math.max(1, right - left - 1), height: bottom - top }, style: { fill: accent } };
        },
      },
      {
        // Not a markLine: ECharts forgets those of a custom series when the chart changes its size.
        type: 'custom',
        name: 'percentiles',
        silent: true,
        data: marked.map((mark) => [mark.at]),
        renderItem: (params: { dataIndex: number; coordSys: { y: number } }, api: RenderApi) => {
          const [x, bottom] = api.coord([api.value(0), 0]);
          const top = params.coordSys.y;
          return {
            type: 'group' as const,
            children: [
              { type: 'line' as const, shape: { x1: x, y1: top, x2: x, y2: bottom }, style: { stroke: ink, lineWidth: 1, lineDash: [4, 4] } },
              {
                type: 'text' as const,
                x,
                y: top - 4,
                style: { text: marked[params.dataIndex]?.name ?? '', fill: ink, fontSize: 12, align: 'center', verticalAlign: 'bottom' },
              },
            ],
          };
        },
      },
    ],
  };
}

/** Median and slowest of each few runs, in the order they were taken; a line where a round began. */
export function timelineOption({ timeline }: BenchmarkSeries): EChartsCoreOption {
  const { axis, base, accent, ink, dim, line } = shared('Course of the latency: median and slowest of each few runs, in the order they were taken.');
  let run = 0;
  const points = timeline.map((point) => {
    const at = run;
    run += point.runs;
    return { at, ...point };
  });
  const begins = points.filter((point, index) => index > 0 && point.round !== points[index - 1]?.round);
  return {
    ...base,
    tooltip: { show: false },
    xAxis: { type: 'value', min: 0, max: run, name: 'run', nameGap: 28, ...axis, axisLabel: { ...axis.axisLabel, formatter: (value: number) => count(value) } },
    yAxis: {
      type: 'value',
      min: 0,
      name: 'latency (ms)   ↓ better',
      nameGap: 48,
      ...axis,
      axisLabel: { ...axis.axisLabel, formatter: (value: number) => columnNumber(value) },
    },
    series: [
      {
        type: 'line',
        name: 'median',
        showSymbol: false,
        data: points.map((point) => [point.at, point.p50]),
        lineStyle: { color: accent, width: 1.5 },
        markLine: {
          symbol: 'none',
          silent: true,
          animation: false,
          lineStyle: { color: line, type: 'solid', width: 1 },
          label: { show: true, color: dim, fontSize: 12, formatter: (mark: { name: string }) => mark.name },
          data: begins.map((point) => ({ name: `round ${point.round + 1}`, xAxis: point.at })),
        },
      },
      {
        type: 'scatter',
        name: 'slowest',
        silent: true,
        symbolSize: 4,
        itemStyle: { color: ink, opacity: 0.55 },
        data: points.map((point) => [point.at, point.max]),
      },
    ],
  };
}
