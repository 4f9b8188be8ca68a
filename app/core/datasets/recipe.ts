/**
 * A recipe: the declarative steps from a raw input to tensors, and from tensors to an answer. Each kind of input and each
 * kind of answer has a file of its own in recipes/ and answers/; a new one is a new member of a union and of a table.
 */
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { EdgewrightError, type TableInput } from '#contract';
import { AnswerRecipeSchema } from './answers/schema.ts';
import { MAX_RECIPE_BYTES } from './limits.ts';
import { AudioRecipeSchema, describeAudioSteps } from './recipes/audio-schema.ts';
import { describeImageSteps, ImageRecipeSchema } from './recipes/image-schema.ts';
import { describeTableInput, describeTableSteps, TableRecipeSchema } from './recipes/table-schema.ts';
import { TensorsRecipeSchema } from './recipes/tensors.ts';
import { describeTextSteps, TextRecipeSchema } from './recipes/text-schema.ts';

const withAnswer = { answer: AnswerRecipeSchema.optional() };

const RecipeSchema = z.discriminatedUnion('kind', [
  ImageRecipeSchema.extend(withAnswer),
  AudioRecipeSchema.safeExtend(withAnswer),
  TableRecipeSchema.safeExtend(withAnswer),
  TextRecipeSchema.extend(withAnswer),
  TensorsRecipeSchema.extend(withAnswer),
]);
export type Recipe = z.infer<typeof RecipeSchema>;

/**
 * Reads a recipe from YAML (or JSON, which is YAML).
 * @param name for messages
 * @throws recipe.* (input), naming the field
 */
export function parseRecipe(text: string, name = 'recipe.yaml'): Recipe {
  if (Buffer.byteLength(text) > MAX_RECIPE_BYTES) {
    throw new EdgewrightError({
      code: 'recipe.too-long',
      message: `${name} is too long to be a recipe.`,
      expected: `at most ${MAX_RECIPE_BYTES} bytes`,
      found: `${Buffer.byteLength(text)} bytes`,
      owner: 'input',
    });
  }
  const document = parseDocument(text, { uniqueKeys: true });
  const problem = document.errors[0];
  if (problem) throw new EdgewrightError({ code: 'recipe.not-yaml', message: `${name} is not YAML: ${problem.message.split('\n')[0] ?? ''}`, owner: 'input' });
  let raw: unknown;
  try {
    raw = document.toJS({ maxAliasCount: 10 });
  } catch (error) {
    throw new EdgewrightError({ code: 'recipe.not-yaml', message: `${name} repeats parts of itself too often.`, owner: 'input' }, { cause: error });
  }
  const parsed = RecipeSchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join('.') || 'the document';
  throw new EdgewrightError({
    code: 'recipe.field-wrong',
    message: `${name}: ${field} is wrong.`,
    found: issue?.message ?? '',
    hint: 'Compare it with recipe.yaml of the sample bundle.',
    owner: 'input',
  });
}

/** The steps in words, for people; of a table the columns too, for a form. */
export function describeRecipe(recipe: Recipe): { kind: string; steps: string[]; table?: TableInput } {
  switch (recipe.kind) {
    case 'image':
      return { kind: recipe.kind, steps: describeImageSteps(recipe) };
    case 'audio':
      return { kind: recipe.kind, steps: describeAudioSteps(recipe) };
    case 'table':
      return { kind: recipe.kind, steps: describeTableSteps(recipe), table: describeTableInput(recipe) };
    case 'text':
      return { kind: recipe.kind, steps: describeTextSteps(recipe) };
    case 'tensors':
      return { kind: recipe.kind, steps: ['read the arrays as they are'] };
  }
}
