/** Metrics of language models. */
import { metricError, type MetricKind, numbers, type SampleRow, type SampleScore } from './kind.ts';

export const LANGUAGE_METRICS: Record<string, MetricKind> = {
  perplexity: { higherIsBetter: false, proportion: false, answer: 'argmax', score: negativeLogLikelihood, finish: (mean) => Math.exp(Math.min(700, mean)) },
};

/** Output [tokens, vocabulary] of logits, label [tokens]; tokens with a negative label are not counted. */
function negativeLogLikelihood(output: SampleRow, label: SampleRow): SampleScore {
  const logits = numbers(output);
  const tokens = numbers(label);
  const vocabulary = output.dims.at(-1) ?? 0;
  if (logits.length !== tokens.length * vocabulary)
    throw metricError(
      'metric.shape-differs',
      'The logits have not one row for each token of the label.',
      `${tokens.length} rows of ${vocabulary}`,
      `${logits.length} values`,
    );
  let sum = 0;
  let count = 0;
  for (let t = 0; t < tokens.length; t++) {
    const token = tokens[t] ?? -1;
    if (token < 0) continue;
    const row = logits.subarray(t * vocabulary, (t + 1) * vocabulary);
    const max = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    let total = 0;
    for (const z of row) total += Math.exp(z - max);
    sum += max + Math.log(total) - (row[token] ?? Number.NaN);
    count++;
  }
  return { sum, count };
}
