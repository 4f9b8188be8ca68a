/** Metrics of how far numbers are off. */
import { metricError, type MetricKind, numbers, same, type SampleRow, type SampleScore, type MetricSpec } from './kind.ts';

export const ERROR_METRICS: Record<string, MetricKind> = {
  mae: { higherIsBetter: false, proportion: false, answer: 'near', score: (o, l, spec) => errorSum(o, l, spec, Math.abs), finish: same },
  rmse: { higherIsBetter: false, proportion: false, answer: 'near', score: (o, l, spec) => errorSum(o, l, spec, (d) => d * d), finish: Math.sqrt },
};

function errorSum(output: SampleRow, label: SampleRow, spec: MetricSpec, of: (d: number) => number): SampleScore {
  const got = numbers(output);
  const want = numbers(label);
  if (got.length !== want.length)
    throw metricError('metric.shape-differs', `The output ${spec.output} has not as many values as the label.`, `${want.length} a sample`, `${got.length}`);
  const scale = spec.outputScale ?? 1;
  let sum = 0;
  for (let i = 0; i < got.length; i++) sum += of((got[i] ?? 0) * scale - (want[i] ?? 0));
  return { sum, count: got.length };
}
