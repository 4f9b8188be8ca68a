/** From the bytes of a raw input to the tensors the model takes. */
import type { TensorInfo } from '#contract';
import { type BundleFiles, NO_FILES } from './bundle-files.ts';
import type { Recipe } from './recipe.ts';
import { audioKind } from './recipes/audio.ts';
import { imageKind } from './recipes/image.ts';
import { type Applied, misfit, type RecipeKind } from './recipes/kind.ts';
import { tableKind } from './recipes/table.ts';
import { readTensors, tensorsKind } from './recipes/tensors.ts';
import { textKind } from './recipes/text.ts';
import type { Tensor } from './tensor.ts';

const KINDS: { [K in Recipe['kind']]: RecipeKind<Extract<Recipe, { kind: K }>> } = {
  image: imageKind,
  audio: audioKind,
  table: tableKind,
  text: textKind,
  tensors: tensorsKind,
};

/**
 * Applies a recipe; without one the bytes are read as tensors (.npz or .npy).
 * @param inputs the model's inputs; what comes out is checked against them
 * @param files the bundle's files, for a recipe that names some
 * @throws image.*, audio.*, table.*, text.*, tokenizer.*, npz.*, npy.*, recipe.does-not-fit (input)
 */
export async function applyRecipe(
  recipe: Recipe | undefined,
  bytes: Uint8Array,
  inputs: readonly TensorInfo[],
  files: BundleFiles = NO_FILES,
): Promise<Applied> {
  const applied = recipe ? await kindOf(recipe).apply(recipe, bytes, { inputs, files }) : { feeds: await readTensors(bytes, inputs) };
  checkFeeds(applied.feeds, inputs, applied.rows !== undefined);
  return applied;
}

/** The table has for each kind the one that takes it, which TypeScript cannot follow through a union. */
function kindOf(recipe: Recipe): RecipeKind<Recipe> {
  return KINDS[recipe.kind];
}

/**
 * Whether tensors fit the model's inputs: none missing, the types and the dimensions that are fixed.
 * @param rows whether the first axis is that of the rows, which are cut into batches that fit before they are run
 * @throws recipe.does-not-fit (input)
 */
export function checkFeeds(feeds: Readonly<Record<string, Tensor>>, inputs: readonly TensorInfo[], rows = false): void {
  for (const { name, type, dims } of inputs) {
    const tensor = Object.hasOwn(feeds, name) ? feeds[name] : undefined;
    if (!tensor) throw misfit(`The input ${name} is missing.`, inputs.map((i) => i.name).join(', '), Object.keys(feeds).join(', '));
    const free = (d: number | string, i: number) => typeof d === 'string' || d < 0 || (rows && i === 0);
    const fits = tensor.type === type && tensor.dims.length === dims.length && dims.every((d, i) => free(d, i) || d === tensor.dims[i]);
    if (!fits)
      throw misfit(`What was made for the input ${name} does not fit it.`, `${type} [${dims.join(', ')}]`, `${tensor.type} [${tensor.dims.join(', ')}]`);
  }
}
