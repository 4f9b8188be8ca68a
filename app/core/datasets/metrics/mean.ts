/** Metrics that are means: the figure is a function of the totals of the samples' sums and counts. */
import type { Collector, MeanMetric, MetricSpec } from './kind.ts';

export function meanCollector(metric: MeanMetric, spec: MetricSpec): Collector {
  const sums: number[] = [];
  const counts: number[] = [];
  return {
    add(output, label) {
      const { sum, count } = metric.score(output, label, spec);
      sums.push(sum);
      counts.push(count);
    },
    figure() {
      const [sum, count] = [Float64Array.from(sums), Float64Array.from(counts)];
      return (weights) => {
        let [total, weight] = [0, 0];
        for (let i = 0; i < sum.length; i++) {
          const times = weights ? (weights[i] ?? 0) : 1;
          // A sample that was not drawn must not make the total NaN.
          if (times === 0) continue;
          total += times * (sum[i] ?? 0);
          weight += times * (count[i] ?? 0);
        }
        return metric.finish(total / weight);
      };
    },
  };
}
