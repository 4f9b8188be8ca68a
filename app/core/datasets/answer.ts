/** From a model's outputs to an answer people can read. */
import type { Answer } from '#contract';
import { type AnswerContext, type AnswerKind } from './answers/kind.ts';
import { labelsKind } from './answers/labels.ts';
import type { AnswerRecipe } from './answers/schema.ts';
import { previewOf, tensorsAnswerKind } from './answers/tensors.ts';
import { valuesKind } from './answers/values.ts';
import { NO_FILES } from './bundle-files.ts';
import type { Recipe } from './recipe.ts';
import type { Tensor } from './tensor.ts';

const KINDS: { [K in AnswerRecipe['kind']]: AnswerKind<Extract<AnswerRecipe, { kind: K }>> } = {
  labels: labelsKind,
  values: valuesKind,
  tensors: tensorsAnswerKind,
};

/**
 * The answer for the first sample; without a recipe the outputs as they are.
 * @throws answer.* (input); metric.output-missing (input) when the model has not the output the recipe reads
 */
export async function answer(recipe: Recipe | undefined, outputs: Readonly<Record<string, Tensor>>, context: Partial<AnswerContext> = {}): Promise<Answer> {
  const how = recipe?.answer;
  return how ? await kindOf(how).answer(how, outputs, { files: NO_FILES, ...context }) : previewOf(outputs);
}

/** The table has for each kind the one that takes it, which TypeScript cannot follow through a union. */
function kindOf(how: AnswerRecipe): AnswerKind<AnswerRecipe> {
  return KINDS[how.kind];
}
