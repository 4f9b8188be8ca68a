/** Every way to read a model's outputs, as a recipe says it. */
import { z } from 'zod';
import { MAX_ANSWER_PARTS } from '../limits.ts';
import { BoxesAnswerSchema } from './boxes.ts';
import { CtcAnswerSchema } from './ctc.ts';
import { EmbeddingAnswerSchema } from './embedding.ts';
import { ExtractAnswerSchema } from './extract.ts';
import { GenerateAnswerSchema } from './generate.ts';
import { LabelsAnswerSchema } from './labels.ts';
import { SpansAnswerSchema } from './spans.ts';
import { TensorsAnswerSchema } from './tensors.ts';
import { ValuesAnswerSchema } from './values.ts';

const OneAnswerRecipeSchema = z.discriminatedUnion('kind', [
  LabelsAnswerSchema,
  ValuesAnswerSchema,
  BoxesAnswerSchema,
  EmbeddingAnswerSchema,
  SpansAnswerSchema,
  ExtractAnswerSchema,
  GenerateAnswerSchema,
  CtcAnswerSchema,
  TensorsAnswerSchema,
]);
export type OneAnswerRecipe = z.infer<typeof OneAnswerRecipeSchema>;

/** For a model that says several things. */
const SeveralAnswerSchema = z.strictObject({
  kind: z.literal('several'),
  parts: z
    .array(z.strictObject({ title: z.string().min(1).max(200), answer: OneAnswerRecipeSchema }))
    .min(1)
    .max(MAX_ANSWER_PARTS),
});

export const AnswerRecipeSchema = z.discriminatedUnion('kind', [...OneAnswerRecipeSchema.options, SeveralAnswerSchema]);
export type AnswerRecipe = z.infer<typeof AnswerRecipeSchema>;

/** The outputs a recipe reads, to be looked for in the model. */
export function answerOutputs(how: AnswerRecipe | undefined): string[] {
  if (!how) return [];
  switch (how.kind) {
    case 'tensors':
      return [];
    case 'several':
      return how.parts.flatMap((part) => answerOutputs(part.answer));
    case 'boxes':
      return [how.output, how.boxes, how.scores, how.classes].filter((name) => name !== undefined);
    case 'extract':
      return [how.start, how.end];
    default:
      return [how.output];
  }
}
