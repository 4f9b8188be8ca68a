/** The arrays of a golden, calibration or test set, told apart by their names. */
import { EdgewrightError } from '#contract';
import type { Tensor } from '../tensor.ts';

export interface GoldenCases {
  /** By the name of the model's input; first axis = sample. */
  inputs: Record<string, Tensor>;
  outputs: Record<string, Tensor>;
  samples: number;
}

const INPUT_PREFIX = 'in_';
const OUTPUT_PREFIX = 'out_';
const LABELS = 'label';

/**
 * Splits golden (or calibration, or test) arrays into inputs and outputs by their prefixes; every one has a row per sample.
 * @throws golden.* (input)
 */
export function goldenCases(arrays: ReadonlyMap<string, Tensor>): GoldenCases {
  const inputs = prefixed(arrays, INPUT_PREFIX);
  const outputs = prefixed(arrays, OUTPUT_PREFIX);
  if (Object.keys(outputs).length === 0)
    throw goldenError('golden.no-outputs', 'The golden set names no expected output.', 'arrays named out_<output>', [...arrays.keys()].join(', '));
  return { inputs, outputs, samples: sampleCount(arrays, [INPUT_PREFIX, OUTPUT_PREFIX]) };
}

/**
 * The inputs of a calibration or test set, and the labels of the latter.
 * @throws golden.* (input)
 */
export function labelledCases(arrays: ReadonlyMap<string, Tensor>): { inputs: Record<string, Tensor>; labels?: Tensor; samples: number } {
  const inputs = prefixed(arrays, INPUT_PREFIX);
  const labels = arrays.get(LABELS);
  return { inputs, ...(labels && { labels }), samples: sampleCount(arrays, [INPUT_PREFIX, LABELS]) };
}

function prefixed(arrays: ReadonlyMap<string, Tensor>, prefix: string): Record<string, Tensor> {
  return Object.fromEntries([...arrays].filter(([name]) => name.startsWith(prefix)).map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}

/** Rows of the arrays whose name begins so: the same in all of them. */
function sampleCount(arrays: ReadonlyMap<string, Tensor>, prefixes: readonly string[]): number {
  const counts = [...arrays].filter(([name]) => prefixes.some((p) => name.startsWith(p))).map(([name, t]) => ({ name, rows: t.dims[0] }));
  const first = counts[0]?.rows;
  const odd = counts.find((c) => c.rows !== first);
  if (first === undefined || odd)
    throw goldenError(
      'golden.samples-differ',
      'The arrays have not the same number of samples.',
      `${first ?? 'at least one'} rows in each`,
      odd ? `${odd.rows ?? 'no'} rows in ${odd.name}` : 'no input',
    );
  if (first === 0) throw goldenError('golden.empty', 'The set holds no samples.', 'at least one', 'none');
  return first;
}

function goldenError(code: string, message: string, expected: string, found: string): EdgewrightError {
  return new EdgewrightError({ code, message, expected, found, owner: 'input' });
}
