/** Which variants no other beats on everything: metric, p50 latency (worst machine) and size. */
import type { TrialVariant } from '#contract';

interface Point {
  name: string;
  /** All three with smaller = better. */
  cost: [score: number, latencyMs: number, bytes: number];
}

function pointOf(variant: TrialVariant): Point | undefined {
  if (variant.stage !== 'done' || variant.bytes === undefined || variant.machines.length === 0) return undefined;
  const score = variant.metric ? (variant.metric.higherIsBetter ? -variant.metric.value : variant.metric.value) : 0;
  const latency = Math.max(...variant.machines.map((m) => m.benchmark.latencyMs.p50));
  return { name: variant.name, cost: [score, latency, variant.bytes] };
}

/** a is at least as good everywhere and better somewhere. */
function dominates(a: Point, b: Point): boolean {
  return a.cost.every((c, i) => c <= (b.cost[i] ?? c)) && a.cost.some((c, i) => c < (b.cost[i] ?? c));
}

/** Sets `pareto` and `dominatedBy` on every measured variant; of several that dominate, the one on the front is named. */
export function markPareto(variants: readonly TrialVariant[]): TrialVariant[] {
  const points = variants.flatMap((v) => pointOf(v) ?? []);
  const front = points.filter((p) => !points.some((q) => dominates(q, p)));
  return variants.map((variant) => {
    const point = points.find((p) => p.name === variant.name);
    const { pareto: _p, dominatedBy: _d, ...rest } = variant;
    if (!point) return rest;
    const by = front.find((q) => dominates(q, point));
    return by ? { ...rest, pareto: false, dominatedBy: by.name } : { ...rest, pareto: true };
  });
}
