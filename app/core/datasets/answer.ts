/** From a model's outputs to an answer people can read. */
import type { Answer, OneAnswer, RowAnswer } from '#contract';
import { boxesKind } from './answers/boxes.ts';
import { ctcKind } from './answers/ctc.ts';
import { embeddingKind } from './answers/embedding.ts';
import { extractKind } from './answers/extract.ts';
import { generateKind } from './answers/generate.ts';
import type { AnswerContext, AnswerKind } from './answers/kind.ts';
import { labelsKind } from './answers/labels.ts';
import type { AnswerRecipe, OneAnswerRecipe } from './answers/schema.ts';
import { spansKind } from './answers/spans.ts';
import { previewOf, tensorsAnswerKind } from './answers/tensors.ts';
import { valuesKind } from './answers/values.ts';
import { NO_FILES } from './bundle-files.ts';
import { MAX_ANSWER_ROWS } from './limits.ts';
import type { Recipe } from './recipe.ts';
import type { Applied } from './recipes/kind.ts';
import { sliceRows, type Tensor } from './tensor.ts';

type Outputs = Readonly<Record<string, Tensor>>;

const KINDS: { [K in OneAnswerRecipe['kind']]: AnswerKind<Extract<OneAnswerRecipe, { kind: K }>> } = {
  labels: labelsKind,
  values: valuesKind,
  boxes: boxesKind,
  embedding: embeddingKind,
  spans: spansKind,
  extract: extractKind,
  generate: generateKind,
  ctc: ctcKind,
  tensors: tensorsAnswerKind,
};

/**
 * The answer for the first sample, or for each row of a table or of several texts; embeddings are compared with each other.
 * Without a recipe the outputs as they are.
 * @throws answer.* (input); metric.output-missing (input) when the model has not the output the recipe reads
 */
export async function answer(recipe: Recipe | undefined, outputs: Outputs, context: Partial<AnswerContext> = {}): Promise<Answer> {
  const how = recipe?.answer;
  const full = { files: NO_FILES, ...context };
  const total = context.applied?.rows;
  if (total === undefined || how?.kind === 'embedding') return how ? rowAnswer(how, outputs, full) : previewOf(outputs);
  const rows: RowAnswer[] = [];
  for (let row = 0; row < Math.min(total, MAX_ANSWER_ROWS); row++) {
    const own = Object.fromEntries(
      Object.entries(outputs).map(([name, tensor]) => [name, tensor.dims[0] === total ? sliceRows(tensor, row, row + 1) : tensor]),
    );
    rows.push(how ? await rowAnswer(how, own, { ...full, applied: rowOf(full.applied, row) }) : previewOf(own));
  }
  return { kind: 'rows', total, rows };
}

/** What the recipe made of one row, for an answer that speaks of its text. */
function rowOf(applied: Applied | undefined, row: number): Applied | undefined {
  const text = applied?.text;
  return applied && text ? { ...applied, text: { ...text, rows: text.rows.slice(row, row + 1) } } : applied;
}

async function rowAnswer(how: AnswerRecipe, outputs: Outputs, context: AnswerContext): Promise<RowAnswer> {
  if (how.kind !== 'several') return oneAnswer(how, outputs, context);
  const parts: { title: string; answer: OneAnswer }[] = [];
  for (const part of how.parts) parts.push({ title: part.title, answer: await oneAnswer(part.answer, outputs, context) });
  return { kind: 'several', parts };
}

/** The table has for each kind the one that takes it, which TypeScript cannot follow through a union. */
async function oneAnswer(how: OneAnswerRecipe, outputs: Outputs, context: AnswerContext): Promise<OneAnswer> {
  const kind: AnswerKind<OneAnswerRecipe> = KINDS[how.kind];
  return kind.answer(how, outputs, context);
}
