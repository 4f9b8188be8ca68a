/** What every kind of raw input has: a schema for its part of a recipe, steps in words, and a way from bytes to tensors. */
import { EdgewrightError, type TensorInfo } from '#contract';
import type { BundleFiles } from '../bundle-files.ts';
import { roundHalfEven } from '../rounding.ts';
import type { AppliedText } from './applied-text.ts';
import { castTensor, isElementType, isFloatType, type Tensor, toNumbers } from '../tensor.ts';

export interface Applied {
  /** By the name of the model's input. */
  feeds: Record<string, Tensor>;
  /** What the model was given, as an image. */
  preview?: { width: number; height: number; pngBase64: string };
  /** Where the image's own pixels lie in what the model was given, for an answer that speaks of places. */
  frame?: ImageFrame;
  /** The raw input held so many samples, one for each row of every feed, whatever batch the model takes. One where nothing is said. */
  rows?: number;
  /** What the recipe subtracted from each column of a series, for an answer that adds it again. */
  base?: Record<string, number>;
  /** What became of the texts, for an answer that speaks of parts of them or goes on with them. */
  text?: AppliedText;
}

/** A point (x, y) of an image of this size lies at (x scaleX + offsetX, y scaleY + offsetY) of what the model was given. */
export interface ImageFrame {
  width: number;
  height: number;
  scaleX: number;
  scaleY: number;
  offsetX: number;
  offsetY: number;
  /** Size of what the model was given. */
  toWidth: number;
  toHeight: number;
}

export interface RecipeContext {
  /** The model's inputs; what comes out is checked against them. */
  inputs: readonly TensorInfo[];
  /** Further files the recipe names. */
  files: BundleFiles;
}

/** One kind of raw input; a table in apply-recipe.ts has one for each member of the union. */
export interface RecipeKind<R> {
  apply(recipe: R, raw: Uint8Array, context: RecipeContext): Promise<Applied>;
}

/**
 * The model's input that a recipe names, or the only one.
 * @throws recipe.does-not-fit (input)
 */
export function inputOf(name: string | undefined, inputs: readonly TensorInfo[], what: string): TensorInfo {
  const wanted = name ?? (inputs.length === 1 ? inputs[0]?.name : undefined);
  const input = inputs.find((i) => i.name === wanted);
  if (input) return input;
  throw misfit(`The recipe does not say which input of the model the ${what} goes to.`, inputs.map((i) => i.name).join(', '), name ?? 'no input named');
}

/**
 * The tensor in the type the model's input has. For whole numbers each is rounded, half to even, and held within what the type can carry.
 * @throws recipe.does-not-fit (input) when the input takes no numbers
 */
export function fitType(tensor: Tensor, { name, type }: TensorInfo): Tensor {
  if (!isElementType(type) || type === 'string' || type === 'bool') throw misfit(`The input ${name} takes no numbers.`, 'an input of numbers', type);
  if (tensor.type === type || isFloatType(type)) return castTensor(tensor, type);
  const bits = Number(/\d+$/.exec(type)?.[0]);
  // Whole numbers beyond 2^53 do not arise from what a recipe computes.
  const most = Math.min(Number.MAX_SAFE_INTEGER, type.startsWith('u') ? 2 ** bits - 1 : 2 ** (bits - 1) - 1);
  const least = type.startsWith('u') ? 0 : -most - 1;
  if (toNumbers(tensor).some(Number.isNaN)) throw misfit(`The input ${name} takes whole numbers, which have no NaN.`, type, 'NaN');
  const whole = toNumbers(tensor).map((x) => Math.min(most, Math.max(least, roundHalfEven(x))));
  return castTensor({ type: 'float64', dims: tensor.dims, data: whole }, type);
}

export function misfit(message: string, expected: string, found: string): EdgewrightError {
  return new EdgewrightError({
    code: 'recipe.does-not-fit',
    message,
    expected,
    found,
    hint: 'Change the recipe, or give the input in the form the model takes.',
    owner: 'input',
  });
}
