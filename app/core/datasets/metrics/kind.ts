/** What every task metric has: how samples are taken in, and how one figure comes of them. */
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
  /** Two classes from one score a sample: yes from here on. 0.5 where nothing is said. */
  threshold?: number | undefined;
  /** Two classes: the label that counts as yes. 1 where nothing is said. */
  positive?: number | string | undefined;
  /** Text read as CTC: the symbol that stands for nothing (0 where nothing is said), and the one between words. */
  blank?: number | undefined;
  delimiter?: number | undefined;
}

export interface SampleScore {
  sum: number;
  count: number;
}

interface MetricFacts {
  higherIsBetter: boolean;
  /** A proportion: every count is 1 and every sum 0 or 1, and the interval is Wilson's. */
  proportion: boolean;
  /** How a golden sample of an integer variant agrees with fp32: by its best class, by being equal, or by being near. */
  answer: AnswerForm;
}

/** A metric that is a mean over samples: each gives a sum and a count. */
export interface MeanMetric extends MetricFacts {
  score(output: SampleRow, label: SampleRow, spec: MetricSpec): SampleScore;
  /** From the mean of the samples to the figure. */
  finish: (this: void, mean: number) => number;
}

/** A metric that needs the whole set at once. */
export interface SetMetric extends MetricFacts {
  collect(spec: MetricSpec): Collector;
}

export interface Collector {
  add(output: SampleRow, label: SampleRow): void;
  /** Made once all samples are there. */
  figure(): Figure;
}

/** The figure of a set that holds sample i weights[i] times, or each once; NaN where such a set has none. */
export type Figure = (weights?: Uint32Array) => number;

export type MetricKind = MeanMetric | SetMetric;

export type AnswerForm = 'argmax' | 'equal' | 'near';

/** One sample of a tensor: its elements, and the dimensions after the first. */
export interface SampleRow {
  values: ArrayLike<number> | ArrayLike<string>;
  dims: readonly number[];
  /** Whether the tensor holds whole numbers, which are labels where one stands alone. */
  whole: boolean;
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
