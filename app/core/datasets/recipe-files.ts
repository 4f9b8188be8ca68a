/** Files of the bundle that a recipe names. */
import type { BundleFiles } from './bundle-files.ts';
import { MAX_TOKENIZER_BYTES } from './limits.ts';
import type { Recipe } from './recipe.ts';
import { parseTokenizer } from './tokenizer/tokenizer.ts';

/** Paths of the files a recipe names. */
export function filesOfRecipe(recipe: Recipe): string[] {
  const answers = recipe.answer?.kind === 'several' ? recipe.answer.parts.map((part) => part.answer) : [recipe.answer];
  const named = [recipe.kind === 'text' ? recipe.tokenize.tokenizer : undefined, ...answers.map((how) => (how?.kind === 'ctc' ? how.tokenizer : undefined))];
  return [...new Set(named.filter((path) => path !== undefined))];
}

/**
 * Reads every file a recipe names, so that a bad one is found out before anybody runs it.
 * @throws tokenizer.* (input)
 */
export async function checkRecipeFiles(recipe: Recipe, files: BundleFiles): Promise<void> {
  for (const path of filesOfRecipe(recipe)) await files.load(path, MAX_TOKENIZER_BYTES, parseTokenizer);
}
