/** How often a variant answers as the model it was made from: a metric that needs no labels. */
import { argmax } from '../outputs.ts';
import type { MeanMetric, SampleRow } from './kind.ts';
import { metricError, same } from './kind.ts';

/** The metric whose labels are the outputs of the unquantized model. */
export const AGREEMENT = 'agreement';

export const AGREEMENT_METRICS: Record<string, MeanMetric> = {
  [AGREEMENT]: {
    higherIsBetter: true,
    proportion: true,
    answer: 'argmax',
    score: (output, reference, spec) => ({ sum: agrees(output, reference, spec.output) ? 1 : 0, count: 1 }),
    finish: same,
  },
};

/** The same best class at every place of the last axis; labels must be equal. */
function agrees(output: SampleRow, reference: SampleRow, name: string): boolean {
  if (output.values.length !== reference.values.length)
    throw metricError(
      'metric.shape-differs',
      `The output ${name} has not as many values as the reference.`,
      `${reference.values.length}`,
      `${output.values.length}`,
    );
  const [found, want] = [output.values, reference.values];
  const classes = reference.dims.at(-1) ?? want.length;
  if (found instanceof Float64Array && want instanceof Float64Array && !output.whole && classes > 1) {
    for (let at = 0; at < want.length; at += classes) if (argmax(found.subarray(at, at + classes)) !== argmax(want.subarray(at, at + classes))) return false;
    return true;
  }
  for (let i = 0; i < want.length; i++) if (found[i] !== want[i]) return false;
  return true;
}
