/** The Pareto chart as ECharts wants it: metric against latency or size, 95 % intervals as bars, the front as a line. */
import { columnNumber, withInterval } from '../lib/format.ts';
import { type EChartsCoreOption, tokenColor } from './echarts.ts';
import type { ParetoData, ParetoPoint } from './pareto-data.ts';
import { variantStyle } from './variant-style.ts';

export type ParetoAxis = 'latency' | 'size';

export function paretoOption(data: ParetoData, axis: ParetoAxis): EChartsCoreOption {
  const ink = tokenColor('--ink');
  const dim = tokenColor('--ink-2');
  const line = tokenColor('--line');
  const surface = tokenColor('--surface-0');
  const x = (point: ParetoPoint): number => (axis === 'latency' ? point.p50Ms : point.bytes / data.size.factor);
  const places = labelPlaces(data.points.map((point) => ({ name: point.name, x: x(point) })));
  const front = data.points.filter((point) => point.pareto).toSorted((a, b) => x(a) - x(b));
  const axisText = { color: dim, fontSize: 12, showMinLabel: false, showMaxLabel: false };
  const shared = {
    nameTextStyle: { color: dim, fontSize: 12, fontWeight: 500 },
    axisLabel: axisText,
    axisLine: { show: true, lineStyle: { color: dim } },
    splitLine: { lineStyle: { color: line } },
  };
  return {
    animation: false,
    aria: { enabled: true, label: { description: describe(data, axis) } },
    textStyle: { fontFamily: 'system-ui, sans-serif' },
    grid: { left: 64, right: 40, top: 36, bottom: 52 },
    tooltip: {
      trigger: 'item',
      backgroundColor: surface,
      borderColor: line,
      textStyle: { color: ink, fontSize: 12 },
      formatter: (params: unknown) => tooltip(params, data),
    },
    xAxis: {
      type: 'value',
      scale: true,
      name: axis === 'latency' ? '← better   p50 latency (ms)' : `← better   size (${data.size.unit})`,
      nameLocation: 'middle',
      nameGap: 30,
      ...shared,
      ...padded(data.points.map(x)),
    },
    yAxis: {
      type: 'value',
      scale: true,
      name: `${data.metricName}   ${data.higherIsBetter ? '↑' : '↓'} better`,
      ...shared,
      nameTextStyle: { ...shared.nameTextStyle, align: 'left', padding: [0, 0, 4, -56] },
      ...padded(data.points.flatMap((point) => [point.low, point.high])),
      axisLabel: { ...axisText, formatter: (value: number) => columnNumber(value) },
    },
    series: [
      {
        type: 'line',
        name: 'Pareto front',
        data: front.map((point) => [x(point), point.metric]),
        showSymbol: false,
        silent: true,
        lineStyle: { color: dim, type: 'dashed', width: 1 },
        z: 1,
      },
      {
        type: 'custom',
        name: '95 % interval',
        silent: true,
        z: 2,
        data: data.points.map((point) => [x(point), point.low, point.high, point.name]),
        renderItem: interval(data),
      },
      {
        type: 'scatter',
        name: 'variants',
        z: 3,
        data: data.points.map((point) => {
          const style = variantStyle(point.name);
          const color = tokenColor(style.token);
          return {
            name: point.name,
            value: [x(point), point.metric],
            symbol: style.symbol,
            symbolSize: point.chosen ? 16 : 11,
            itemStyle: { color: point.pareto ? color : surface, borderColor: color, borderWidth: 2, opacity: 1 },
            label: {
              show: true,
              formatter: point.chosen ? `${point.name} (chosen)` : point.name,
              ...(places.get(point.name) ?? BESIDE),
              color: ink,
              backgroundColor: surface,
              padding: [1, 3],
              fontSize: 12,
              fontWeight: point.chosen ? 600 : 400,
            },
          };
        }),
      },
    ],
  };
}

interface LabelPlace {
  position: 'right' | 'top' | 'bottom';
  /** From the symbol, in pixels. */
  distance: number;
  align?: 'left';
  offset?: [number, number];
}
const BESIDE: LabelPlace = { position: 'right', distance: 8 };
/** Where points are too close for labels beside them: above and below in turn, then a line further out. */
const STACKED: readonly LabelPlace[] = [
  { position: 'top', distance: 8, align: 'left', offset: [-8, 0] },
  { position: 'bottom', distance: 8, align: 'left', offset: [-8, 0] },
  { position: 'top', distance: 28, align: 'left', offset: [-8, 0] },
  { position: 'bottom', distance: 28, align: 'left', offset: [-8, 0] },
];
/** Share of the points' range within which two labels side by side would meet. */
const CLOSE = 0.45;

/** Labels that do not cover each other or another variant's symbol. */
function labelPlaces(points: readonly { name: string; x: number }[]): Map<string, LabelPlace> {
  const sorted = points.toSorted((a, b) => a.x - b.x);
  const range = (sorted.at(-1)?.x ?? 0) - (sorted[0]?.x ?? 0) || 1;
  const near = (a: { x: number } | undefined, b: { x: number } | undefined): boolean =>
    a !== undefined && b !== undefined && Math.abs(a.x - b.x) / range < CLOSE;
  let stacked = 0;
  return new Map(
    sorted.map((point, index) => {
      if (!near(point, sorted[index - 1]) && !near(point, sorted[index + 1])) return [point.name, BESIDE];
      stacked += 1;
      return [point.name, STACKED[(stacked - 1) % STACKED.length] ?? BESIDE];
    }),
  );
}

/** Room on both sides of the values, and for the labels to the right; rounded, so that the ends read well. */
function padded(values: readonly number[]): { min?: number; max?: number } {
  if (values.length === 0) return {};
  const low = Math.min(...values);
  const high = Math.max(...values);
  const room = (high - low || Math.abs(high) || 1) * 0.12;
  const step = 10 ** Math.floor(Math.log10(room));
  return { min: Math.max(low >= 0 ? 0 : Number.NEGATIVE_INFINITY, Math.floor((low - room) / step) * step), max: Math.ceil((high + room * 2.5) / step) * step };
}

interface RenderApi {
  value: (dimension: number) => number;
  coord: (point: [number, number]) => [number, number];
}

/** A vertical bar with caps from the lower to the upper bound. */
function interval(data: ParetoData) {
  return (params: { dataIndex: number }, api: RenderApi) => {
    const point = data.points[params.dataIndex];
    const stroke = tokenColor(variantStyle(point?.name ?? '').token);
    const [centre, bottom] = api.coord([api.value(0), api.value(1)]);
    const [, top] = api.coord([api.value(0), api.value(2)]);
    const bar = (x1: number, y1: number, x2: number, y2: number) => ({
      type: 'line' as const,
      shape: { x1, y1, x2, y2 },
      style: { stroke, lineWidth: 1, opacity: 0.8 },
    });
    return {
      type: 'group' as const,
      children: [bar(centre, bottom, centre, top), bar(centre - 4, top, centre + 4, top), bar(centre - 4, bottom, centre + 4, bottom)],
    };
  };
}

/** A table of the point's figures; built from elements because the page's policy allows no inline styles in HTML text. */
function tooltip(params: unknown, data: ParetoData): HTMLElement {
  const box = document.createElement('div');
  const name = typeof params === 'object' && params !== null && 'name' in params ? String(params.name) : '';
  const point = data.points.find((each) => each.name === name);
  if (!point) return box;
  const lines = [
    point.chosen ? `${point.name}, chosen` : point.name,
    `${data.metricName} ${withInterval({ value: point.metric, low: point.low, high: point.high })}`,
    `p50 ${columnNumber(point.p50Ms)} ms`,
    `${columnNumber(point.bytes / data.size.factor)} ${data.size.unit}`,
    point.pareto ? 'on the Pareto front' : 'not on the Pareto front',
  ];
  for (const text of lines) {
    const line = document.createElement('div');
    line.textContent = text;
    box.append(line);
  }
  return box;
}

function describe(data: ParetoData, axis: ParetoAxis): string {
  const points = data.points.map((point) => {
    const across = axis === 'latency' ? `${columnNumber(point.p50Ms)} ms` : `${columnNumber(point.bytes / data.size.factor)} ${data.size.unit}`;
    return `${point.name} at ${across} and ${columnNumber(point.metric)}${point.chosen ? ', chosen' : ''}${point.pareto ? ', on the Pareto front' : ''}`;
  });
  return `Scatter chart of ${data.metricName} against ${axis === 'latency' ? 'p50 latency' : 'size'}. ${points.join('; ')}.`;
}
