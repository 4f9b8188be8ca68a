/** What every kind of answer has: a schema for its part of a recipe, and a way from the model's outputs to what people read. */
import { EdgewrightError, type OneAnswer } from '#contract';
import type { BundleFiles } from '../bundle-files.ts';
import { pickOutput } from '../outputs.ts';
import type { TextRow } from '../recipes/applied-text.ts';
import type { Applied } from '../recipes/kind.ts';
import { type Tensor, toNumbers } from '../tensor.ts';

export interface AnswerContext {
  /** One for each class; without them a class is called by its number. */
  labels?: readonly string[] | undefined;
  /** What the recipe made of the raw input, for an answer that speaks of parts of it. */
  applied?: Applied | undefined;
  /** Further files the recipe names. */
  files: BundleFiles;
}

/** One kind of answer; a table in answer.ts has one for each member of the union. */
export interface AnswerKind<R> {
  answer(how: R, outputs: Readonly<Record<string, Tensor>>, context: AnswerContext): OneAnswer | Promise<OneAnswer>;
}

/**
 * The numbers of an output for the first sample.
 * @throws answer.not-finite (input); metric.output-missing (input)
 */
export function firstSample(outputs: Readonly<Record<string, Tensor>>, name: string): Float64Array {
  const tensor = pickOutput(outputs, name);
  const values = toNumbers(tensor);
  const rows = tensor.dims.length > 1 ? (tensor.dims[0] ?? 1) : 1;
  return checkFinite(rows > 1 ? values.subarray(0, values.length / rows) : values, name);
}

/** @throws answer.not-finite (input) */
export function checkFinite(values: Float64Array, output: string): Float64Array {
  if (values.every(Number.isFinite)) return values;
  throw notFinite(output);
}

export function notFinite(output: string): EdgewrightError {
  return new EdgewrightError({
    code: 'answer.not-finite',
    message: `The model answers with NaN or infinity in ${output}, which says nothing about this input.`,
    hint: 'Look at the outputs with --output FILE, and for NaN among the weights with: edgewright check MODEL',
    owner: 'input',
  });
}

/** An output that is not as the recipe says. */
export function unlike(output: string, expected: string, dims: readonly number[]): EdgewrightError {
  return new EdgewrightError({
    code: 'answer.output-unlike',
    message: `The output ${output} has not the form the recipe reads.`,
    expected,
    found: `[${dims.join(', ')}]`,
    hint: 'Correct the answer part of the recipe.',
    owner: 'input',
  });
}

/**
 * The scores of each token of the first text.
 * @param count how many tokens the model was given
 * @throws answer.output-unlike, answer.not-finite (input)
 */
export function tokenScores(outputs: Readonly<Record<string, Tensor>>, name: string, count: number): (token: number) => Float64Array {
  const { dims } = pickOutput(outputs, name);
  const [, tokens, size = 0] = dims;
  if (dims.length !== 3 || tokens !== count || size === 0) throw unlike(name, `[batch, ${count} tokens, scores]`, dims);
  const values = firstSample(outputs, name);
  return (token) => values.subarray(token * size, (token + 1) * size);
}

/**
 * The first row of texts; an answer that speaks of parts of a text needs one.
 * @throws answer.needs-text (input)
 */
export function neededText(applied: Applied | undefined): TextRow {
  const row = applied?.text?.rows[0];
  if (row) return row;
  throw new EdgewrightError({
    code: 'answer.needs-text',
    message: 'The recipe reads the answer as a part of the text, but the input is no text.',
    expected: 'kind: text',
    owner: 'input',
  });
}

/** From code points, in which tokens count, to UTF-16 units, in which strings do. */
export function textUnits(text: string): (codePoint: number) => number {
  const starts: number[] = [];
  let at = 0;
  for (const char of text) {
    starts.push(at);
    at += char.length;
  }
  return (codePoint) => starts[codePoint] ?? at;
}
