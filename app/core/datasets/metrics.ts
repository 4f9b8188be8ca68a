/**
 * Task metrics: one figure from a model's outputs and the labels of its test set, with its 95 % interval. Each sample gives a
 * sum and a count; the figure is a function of their totals, which makes every metric independent of the batch size.
 */
import { EdgewrightError, type Interval } from '#contract';
import { bootstrapInterval, wilsonInterval } from './statistics.ts';
import { type Tensor, toNumbers } from './tensor.ts';

/** How a bundle names its metric. */
export interface MetricSpec {
  name: string;
  /** The output it reads; with a single output any name will do. */
  output: string;
  /** Regression: the output is multiplied by this before it is compared with the label. */
  outputScale?: number | undefined;
  /** Overrides what the metric itself says. */
  higherIsBetter?: boolean | undefined;
}

export interface MetricResult extends Interval {
  name: string;
  samples: number;
  higherIsBetter: boolean;
}

export interface ScoredBatch {
  outputs: Readonly<Record<string, Tensor>>;
  /** First axis = sample, as that of the outputs. */
  labels: Tensor;
}

interface SampleScore {
  sum: number;
  count: number;
}

interface MetricKind {
  higherIsBetter: boolean;
  /** A proportion: every count is 1 and every sum 0 or 1, and the interval is Wilson's. */
  proportion: boolean;
  /** How a golden sample of an integer variant agrees with fp32: by its best class, by being equal, or by being near. */
  answer: AnswerForm;
  score(output: SampleRow, label: SampleRow, spec: MetricSpec): SampleScore;
  /** From the mean of the samples to the figure. */
  finish: (this: void, mean: number) => number;
}

export type AnswerForm = 'argmax' | 'equal' | 'near';

/** One sample of a tensor: its elements, and the dimensions after the first. */
interface SampleRow {
  values: ArrayLike<number> | ArrayLike<string>;
  dims: readonly number[];
}

const same = (mean: number) => mean;

const KINDS: Record<string, MetricKind> = {
  top1_accuracy: { higherIsBetter: true, proportion: true, answer: 'argmax', score: (o, l) => hit(rankOf(numbers(o), single(l)) === 0), finish: same },
  top5_accuracy: { higherIsBetter: true, proportion: true, answer: 'argmax', score: (o, l) => hit(rankOf(numbers(o), single(l)) < 5), finish: same },
  label_accuracy: {
    higherIsBetter: true,
    proportion: true,
    answer: 'equal',
    score: (o, l) => hit(o.values.length === 1 && l.values.length === 1 && o.values[0] === l.values[0]),
    finish: same,
  },
  mae: { higherIsBetter: false, proportion: false, answer: 'near', score: (o, l, spec) => errorSum(o, l, spec, Math.abs), finish: same },
  rmse: { higherIsBetter: false, proportion: false, answer: 'near', score: (o, l, spec) => errorSum(o, l, spec, (d) => d * d), finish: Math.sqrt },
  perplexity: { higherIsBetter: false, proportion: false, answer: 'argmax', score: negativeLogLikelihood, finish: (mean) => Math.exp(Math.min(700, mean)) },
};

/** The names of all metrics. */
export const METRIC_NAMES: readonly string[] = Object.keys(KINDS);

/** @throws metric.unknown (input) */
export function metricKind(name: string): { higherIsBetter: boolean; proportion: boolean; answer: AnswerForm } {
  const kind = Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
  if (!kind) throw metricError('metric.unknown', 'The metric is not known.', METRIC_NAMES.join(', '), name);
  return kind;
}

/**
 * Scores batches against their labels. Proportions get Wilson's interval, others a bootstrap of 10,000 resamples.
 * A figure that is not finite (a model that answers NaN) is an error, never a number.
 * @throws metric.* (input)
 */
export async function scoreMetric(
  spec: MetricSpec,
  batches: AsyncIterable<ScoredBatch> | Iterable<ScoredBatch>,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<MetricResult> {
  const kind = KINDS[metricKind(spec.name) ? spec.name : ''];
  if (!kind) throw metricError('metric.unknown', 'The metric is not known.', METRIC_NAMES.join(', '), spec.name);
  const sums: number[] = [];
  const counts: number[] = [];
  for await (const { outputs, labels } of batches) {
    const output = pickOutput(outputs, spec.output);
    const samples = labels.dims[0] ?? 0;
    if ((output.dims[0] ?? 1) !== samples)
      throw metricError('metric.samples-differ', `The output ${spec.output} has not one row for each label.`, `${samples} rows`, `${output.dims[0] ?? 1} rows`);
    const outputRows = rows(output, samples);
    const labelRows = rows(labels, samples);
    for (let i = 0; i < samples; i++) {
      const { sum, count } = kind.score(outputRows(i), labelRows(i), spec);
      sums.push(sum);
      counts.push(count);
    }
  }
  if (sums.length === 0) throw metricError('metric.no-samples', 'The test set holds no samples.', 'at least one', 'none');
  const total = sums.reduce((a, b) => a + b, 0);
  const value = kind.finish(total / counts.reduce((a, b) => a + b, 0));
  if (!Number.isFinite(value))
    throw metricError('metric.not-finite', `The metric ${spec.name} is not a finite number: the model answers NaN or infinity.`, 'a finite number', `${value}`);
  const interval = kind.proportion
    ? wilsonInterval(total, sums.length)
    : await bootstrapInterval(Float64Array.from(sums), Float64Array.from(counts), kind.finish, options);
  return { name: spec.name, value, low: interval.low, high: interval.high, samples: sums.length, higherIsBetter: spec.higherIsBetter ?? kind.higherIsBetter };
}

/** The output a metric or answer names; a model with one output may have renamed it. */
export function pickOutput(outputs: Readonly<Record<string, Tensor>>, name: string): Tensor {
  const named = Object.hasOwn(outputs, name) ? outputs[name] : undefined;
  if (named) return named;
  const all = Object.values(outputs);
  if (all.length === 1 && all[0]) return all[0];
  throw metricError('metric.output-missing', 'The model has no such output.', name, Object.keys(outputs).join(', '));
}

/** Index of the largest value, the first of equals; NaN counts as largest, as numpy's argmax has it. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? Number.NaN;
    if (Number.isNaN(value)) return i;
    if (value > (values[best] ?? Number.NaN)) best = i;
  }
  return best;
}

function rows(tensor: Tensor, samples: number): (i: number) => SampleRow {
  const values = Array.isArray(tensor.data) ? tensor.data : toNumbers(tensor);
  const per = samples === 0 ? 0 : values.length / samples;
  const dims = tensor.dims.slice(1);
  return (i) => ({ values: Array.isArray(values) ? values.slice(i * per, (i + 1) * per) : values.subarray(i * per, (i + 1) * per), dims });
}

/** How many classes come before this one: those with a larger score, and equal ones with a lower index. NaN beats all. */
function rankOf(scores: Float64Array, label: number): number {
  if (!(label >= 0 && label < scores.length)) return scores.length;
  const own = scores[label] ?? Number.NaN;
  if (Number.isNaN(own)) return argmax(scores) === label ? 0 : scores.length;
  let before = 0;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i] ?? Number.NaN;
    if (score > own || Number.isNaN(score) || (score === own && i < label)) before++;
  }
  return before;
}

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

function hit(yes: boolean): SampleScore {
  return { sum: yes ? 1 : 0, count: 1 };
}

function numbers(row: SampleRow): Float64Array {
  if (row.values instanceof Float64Array) return row.values;
  throw metricError('metric.not-numbers', 'The metric needs numbers.', 'a numeric tensor', 'strings');
}

function single(row: SampleRow): number {
  const values = numbers(row);
  if (values.length !== 1 || values[0] === undefined)
    throw metricError('metric.shape-differs', 'The label is not one class number for each sample.', 'one', `${values.length}`);
  return values[0];
}

function metricError(code: string, message: string, expected: string, found: string): EdgewrightError {
  return new EdgewrightError({ code, message, expected, found, owner: 'input' });
}
