/** A bundle's recipe held to the raw inputs of its golden set: the same check where it is built and on every device. */
import { join } from 'node:path';
import type { TensorInfo } from '#contract';
import { type BundleFiles, checkRawInput, type Closeness, goldenCases, parseRecipe, type RawMismatch, readNpz } from '#core/datasets';
import { readFileBounded } from '#core/platform';
import { MAX_RAW_GOLDEN_BYTES, MAX_RECIPE_FILE_BYTES } from './limits.ts';

export interface RawGolden {
  /** The folder in which the bundle's files lie by name. */
  dir: string;
  /** Paths in it. */
  recipe: string;
  golden: string;
  raw: readonly string[];
  /** What the recipe may read beside it. */
  files: BundleFiles;
  tolerance?: Closeness | undefined;
}

/**
 * @param inputs the model's inputs
 * @returns the first raw input of which the recipe makes other tensors than the exporter did
 * @throws what reading the files throws, and what the recipe says of an input it cannot read
 */
export async function checkRawGolden(bundle: RawGolden, inputs: readonly TensorInfo[], signal?: AbortSignal): Promise<RawMismatch | undefined> {
  const { dir, recipe: recipePath } = bundle;
  const recipe = parseRecipe((await readFileBounded(join(dir, recipePath), MAX_RECIPE_FILE_BYTES)).toString('utf8'), recipePath);
  const golden = goldenCases(await readNpz(join(dir, bundle.golden)));
  for (const path of bundle.raw) {
    signal?.throwIfAborted();
    const bytes = await readFileBounded(join(dir, path), MAX_RAW_GOLDEN_BYTES);
    const mismatch = await checkRawInput({ path, bytes }, { recipe, inputs, files: bundle.files, golden, tolerance: bundle.tolerance });
    if (mismatch) return mismatch;
  }
  return undefined;
}
