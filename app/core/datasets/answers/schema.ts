/** Every way to read a model's outputs, as a recipe says it. */
import { z } from 'zod';
import { LabelsAnswerSchema } from './labels.ts';
import { TensorsAnswerSchema } from './tensors.ts';
import { ValuesAnswerSchema } from './values.ts';

export const AnswerRecipeSchema = z.discriminatedUnion('kind', [LabelsAnswerSchema, ValuesAnswerSchema, TensorsAnswerSchema]);
export type AnswerRecipe = z.infer<typeof AnswerRecipeSchema>;
