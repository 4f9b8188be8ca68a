/** What every task metric has: a score for each sample, and how the mean of the scores becomes the figure. */
import { EdgewrightError } from '#contract';

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

export interface SampleScore {
  sum: number;
  count: number;
}

export interface MetricKind {
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
export interface SampleRow {
  values: ArrayLike<number> | ArrayLike<string>;
  dims: readonly number[];
}

/** What most metrics do with the mean. */
export const same = (mean: number) => mean;

export function numbers(row: SampleRow): Float64Array {
  if (row.values instanceof Float64Array) return row.values;
  throw metricError('metric.not-numbers', 'The metric needs numbers.', 'a numeric tensor', 'strings');
}

export function single(row: SampleRow): number {
  const values = numbers(row);
  if (values.length !== 1 || values[0] === undefined)
    throw metricError('metric.shape-differs', 'The label is not one class number for each sample.', 'one', `${values.length}`);
  return values[0];
}

export function metricError(code: string, message: string, expected: string, found: string): EdgewrightError {
  return new EdgewrightError({ code, message, expected, found, owner: 'input' });
}
