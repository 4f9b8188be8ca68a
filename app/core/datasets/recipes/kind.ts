/** What every kind of raw input has: a schema for its part of a recipe, steps in words, and a way from bytes to tensors. */
import { EdgewrightError, type TensorInfo } from '#contract';
import type { BundleFiles } from '../bundle-files.ts';
import type { Tensor } from '../tensor.ts';

export interface Applied {
  /** By the name of the model's input. */
  feeds: Record<string, Tensor>;
  /** What the model was given, as an image. */
  preview?: { width: number; height: number; pngBase64: string };
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
