/** Metrics of text that a model reads or hears, and of vectors: how many edits, how alike. */
import { ctcGreedy } from '../ctc-search.ts';
import { MAX_EDIT_PAIRS } from '../limits.ts';
import { cosine } from '../vectors.ts';
import { metricError, type MetricKind, type MetricSpec, numbers, same, type SampleRow, type SampleScore } from './kind.ts';

/** Edits (put in, left out, changed) over the length of what is right, of the whole set: above 1 is possible. */
export const TEXT_METRICS: Record<string, MetricKind> = {
  character_error_rate: {
    higherIsBetter: false,
    proportion: false,
    answer: 'equal',
    score: (o, l, spec) => errorRate(symbolsOf(o, spec), symbolsOf(l, spec)),
    finish: same,
  },
  word_error_rate: {
    higherIsBetter: false,
    proportion: false,
    answer: 'equal',
    score: (o, l, spec) => errorRate(wordsOf(o, spec), wordsOf(l, spec)),
    finish: same,
  },
  cosine: { higherIsBetter: true, proportion: false, answer: 'near', score: alike, finish: same },
};

type Symbol = string | number;

/**
 * A sample as symbols. A string: its characters. Whole numbers: symbol numbers, negative ones being no symbols. Scores
 * [steps, symbols]: read as CTC, the best at each step.
 */
function symbolsOf(row: SampleRow, { blank = 0 }: MetricSpec): Symbol[] {
  if (!(row.values instanceof Float64Array)) return [...Array.from(row.values, String).join('')];
  if (row.whole) return [...row.values].filter((id) => id >= 0);
  const [steps = 0, size = 0] = row.dims;
  if (row.dims.length !== 2 || blank >= size)
    throw metricError(
      'metric.shape-differs',
      'The output cannot be read as symbols.',
      `strings, whole numbers, or scores [steps, more than ${blank} symbols]`,
      `[${row.dims.join(', ')}]`,
    );
  const values = row.values;
  return ctcGreedy(
    Array.from({ length: steps }, (_, t) => values.subarray(t * size, (t + 1) * size)),
    blank,
  );
}

/** A string is cut at white space, symbols at the one that the metric names. */
function wordsOf(row: SampleRow, spec: MetricSpec): Symbol[] {
  if (!(row.values instanceof Float64Array)) return Array.from(row.values, String).join(' ').split(/\s+/).filter(Boolean);
  if (spec.delimiter === undefined)
    throw metricError('metric.no-delimiter', 'The metric does not say which symbol stands between words.', 'metric: delimiter', 'nothing');
  const words: Symbol[][] = [[]];
  for (const symbol of symbolsOf(row, spec)) {
    if (symbol === spec.delimiter) words.push([]);
    else words.at(-1)?.push(symbol);
  }
  return words.filter((word) => word.length > 0).map((word) => word.join());
}

function errorRate(got: readonly Symbol[], want: readonly Symbol[]): SampleScore {
  return { sum: edits(got, want), count: want.length };
}

/** Levenshtein's distance. */
function edits(a: readonly Symbol[], b: readonly Symbol[]): number {
  if (a.length * b.length > MAX_EDIT_PAIRS)
    throw metricError(
      'metric.too-long',
      'The texts are too long to count the edits between them.',
      `at most ${MAX_EDIT_PAIRS} pairs of symbols`,
      `${a.length} x ${b.length}`,
    );
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  a.forEach((symbol, i) => {
    const next = [i + 1];
    b.forEach((other, j) => next.push(Math.min((row[j] ?? 0) + (symbol === other ? 0 : 1), (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1)));
    row = next;
  });
  return row.at(-1) ?? 0;
}

function alike(output: SampleRow, label: SampleRow): SampleScore {
  const [got, want] = [numbers(output), numbers(label)];
  if (got.length !== want.length)
    throw metricError('metric.shape-differs', 'The output has not as many numbers as the label.', `${want.length} a sample`, `${got.length}`);
  return { sum: cosine(got, want), count: 1 };
}
