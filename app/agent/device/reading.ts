/** What a bundle says of raw inputs and answers, for applications that send text instead of tensors. */
import { join } from 'node:path';
import { type ResolvedBundle, recipeFilesIn } from '#core/bundles';
import { type InferPlan, parseLabels, parseRecipe } from '#core/datasets';
import { readFileBounded } from '#core/platform';
import { MAX_RECIPE_TEXT_BYTES } from '../limits.ts';

export type Reading = Omit<InferPlan, 'inputs'>;

/**
 * Read when it is first asked for: a recipe this agent does not understand must not keep the model from serving tensors.
 * @param dir where the bundle's files are laid out
 * @returns undefined for a bundle without a recipe
 */
export function readingOf({ source, files }: ResolvedBundle, dir: string): (() => Promise<Reading>) | undefined {
  const { recipe, labels } = source;
  if (recipe === undefined) return undefined;
  let read: Promise<Reading> | undefined;
  const text = async (path: string) => (await readFileBounded(join(dir, path), MAX_RECIPE_TEXT_BYTES)).toString('utf8');
  return () =>
    (read ??= (async () => ({
      recipe: parseRecipe(await text(recipe), recipe),
      ...(labels !== undefined && { labels: parseLabels(await text(labels)) }),
      files: recipeFilesIn(dir, new Set(files.keys())),
    }))());
}
