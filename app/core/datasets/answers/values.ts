/** Numbers with a meaning: regression. */
import { z } from 'zod';
import { MAX_ANSWER_VALUES } from '../limits.ts';
import { Finite } from '../schema-parts.ts';
import { type AnswerKind, firstSample } from './kind.ts';

export const ValuesAnswerSchema = z.strictObject({
  kind: z.literal('values'),
  output: z.string().min(1),
  /** What each number is; otherwise the output's name and its index. */
  names: z.array(z.string().max(200)).max(MAX_ANSWER_VALUES).optional(),
  /** value = scale x number + offset. */
  scale: Finite.default(1),
  offset: Finite.default(0),
  unit: z.string().max(32).optional(),
  /** A column of a table of steps whose base (see the recipe's relativeTo) is added again. */
  relativeTo: z.string().optional(),
});
type ValuesAnswer = z.infer<typeof ValuesAnswerSchema>;

export const valuesKind: AnswerKind<ValuesAnswer> = {
  answer(how, outputs, { applied }) {
    const values = firstSample(outputs, how.output);
    const base = how.relativeTo === undefined ? 0 : (applied?.base?.[how.relativeTo] ?? 0);
    return {
      kind: 'values',
      values: [...values.subarray(0, MAX_ANSWER_VALUES)].map((value, i) => ({
        name: how.names?.[i] ?? (values.length === 1 ? how.output : `${how.output}[${i}]`),
        value: value * how.scale + how.offset + base,
        ...(how.unit !== undefined && { unit: how.unit }),
      })),
    };
  },
};
