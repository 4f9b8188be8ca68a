/** Metrics of how far numbers are off. */
import { type Collector, metricError, type MetricKind, type MetricSpec, numbers, same, type SampleRow, type SampleScore } from './kind.ts';

export const ERROR_METRICS: Record<string, MetricKind> = {
  mae: { higherIsBetter: false, proportion: false, answer: 'near', score: (o, l, spec) => errorSum(o, l, spec, Math.abs), finish: same },
  rmse: { higherIsBetter: false, proportion: false, answer: 'near', score: (o, l, spec) => errorSum(o, l, spec, (d) => d * d), finish: Math.sqrt },
  r2: { higherIsBetter: true, proportion: false, answer: 'near', collect: r2Collector },
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

/**
 * 1 - (squared errors) / (squared deviations of the labels from their mean), of each value of a sample, then the mean of those. Labels that are all
 * alike give 1 where they are met and 0 where not. All as scikit-learn has it.
 */
function r2Collector(spec: MetricSpec): Collector {
  const found: Float64Array[] = [];
  const wanted: Float64Array[] = [];
  return {
    add(output, label) {
      const [got, want] = [numbers(output), numbers(label)];
      if (got.length !== want.length || want.length !== (wanted[0]?.length ?? want.length))
        throw metricError('metric.shape-differs', `The output ${spec.output} has not as many values as the label.`, `${want.length} a sample`, `${got.length}`);
      found.push(got.map((x) => x * (spec.outputScale ?? 1)));
      wanted.push(want.slice());
    },
    figure: () => (weights) => {
      const values = wanted[0]?.length ?? 0;
      let total = 0;
      for (let v = 0; v < values; v++) total += r2Of(found, wanted, v, weights);
      return total / values;
    },
  };
}

function r2Of(found: readonly Float64Array[], wanted: readonly Float64Array[], v: number, weights: Uint32Array | undefined): number {
  const times = (i: number) => (weights ? (weights[i] ?? 0) : 1);
  let [sum, count] = [0, 0];
  for (let i = 0; i < wanted.length; i++) {
    sum += times(i) * (wanted[i]?.[v] ?? 0);
    count += times(i);
  }
  const mean = sum / count;
  let [errors, deviations] = [0, 0];
  for (let i = 0; i < wanted.length; i++) {
    const want = wanted[i]?.[v] ?? 0;
    errors += times(i) * ((found[i]?.[v] ?? 0) - want) ** 2;
    deviations += times(i) * (want - mean) ** 2;
  }
  if (deviations !== 0) return 1 - errors / deviations;
  return errors === 0 ? 1 : 0;
}
