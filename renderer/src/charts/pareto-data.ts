/** What the Pareto chart draws, apart from how. */
import type { TrialVariant } from '#contract';
import { type ByteUnit, byteUnit } from '../lib/format.ts';

export interface ParetoPoint {
  name: string;
  p50Ms: number;
  bytes: number;
  metric: number;
  low: number;
  high: number;
  pareto: boolean;
  chosen: boolean;
}
export interface ParetoData {
  points: ParetoPoint[];
  metricName: string;
  higherIsBetter: boolean;
  size: ByteUnit;
}

/** Only variants with all three figures can be placed. */
export function paretoData(variants: readonly TrialVariant[], chosen: string | undefined): ParetoData {
  const points = variants.flatMap((variant): ParetoPoint[] => {
    const p50Ms = variant.machines[0]?.benchmark.latencyMs.p50;
    if (!variant.metric || variant.bytes === undefined || p50Ms === undefined) return [];
    const { value, low, high } = variant.metric;
    return [{ name: variant.name, p50Ms, bytes: variant.bytes, metric: value, low, high, pareto: variant.pareto ?? false, chosen: variant.name === chosen }];
  });
  const metric = variants.find((variant) => variant.metric)?.metric;
  return { points, metricName: metric?.name ?? 'metric', higherIsBetter: metric?.higherIsBetter ?? true, size: byteUnit(points.map((point) => point.bytes)) };
}
