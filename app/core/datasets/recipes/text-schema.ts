/** Texts: how they become tokens, and which input of the model gets what. */
import { z } from 'zod';
import { MAX_SEQUENCE, MAX_SPECIAL_AROUND } from '../limits.ts';
import { BundlePath } from '../schema-parts.ts';

const TokenNames = z.array(z.string().min(1).max(200)).max(MAX_SPECIAL_AROUND);
const InputName = z.string().min(1).max(1000);

/** Which input of the model gets what; those not named are found by the names that exporters use. */
const TextInputsSchema = z.strictObject({
  ids: InputName.optional(),
  attentionMask: InputName.optional(),
  typeIds: InputName.optional(),
  positionIds: InputName.optional(),
});
export type TextInputs = z.infer<typeof TextInputsSchema>;

export const TextRecipeSchema = z.strictObject({
  /** UTF-8 text. One line break at its end is not part of it. */
  kind: z.literal('text'),
  /**
   * `one`: all of it is one text. `pair`: the first line is the first text, the rest the second. `several`: each line that is not
   * empty is a text, and a row of the batch.
   */
  texts: z.enum(['one', 'pair', 'several']).default('one'),
  tokenize: z
    .strictObject({
      /** A tokenizer.json of Hugging Face; a file of the bundle. */
      tokenizer: BundlePath.default('tokenizer.json'),
      /** Most tokens, special ones counted. Without it: what the model's input fixes, else what the tokenizer says, else no limit. */
      maxLength: z.number().int().min(1).max(MAX_SEQUENCE).optional(),
      /** What is cut when there are more: of two texts the longer one, or only one of them; `none` refuses such a text. */
      truncation: z.enum(['longest-first', 'first', 'second', 'none']).default('longest-first'),
      truncateSide: z.enum(['left', 'right']).optional(),
      /** Up to what length it is filled: `longest` of the texts, or `max-length`. Without it: the length that the model's input fixes, else what the tokenizer says. */
      padding: z.enum(['none', 'longest', 'max-length']).optional(),
      padSide: z.enum(['left', 'right']).optional(),
      /** Without it what the tokenizer says, else [PAD] or <pad>. */
      padToken: z.string().min(1).max(200).optional(),
      /** Whether the tokenizer's own special tokens are put around the text. */
      specialTokens: z.boolean().default(true),
      /** Tokens put before and after the text besides those, for tokenizers that do not know of them; between two texts stand those that come after. */
      before: TokenNames.default([]),
      after: TokenNames.default([]),
    })
    .prefault({}),
  inputs: TextInputsSchema.prefault({}),
});
export type TextRecipe = z.infer<typeof TextRecipeSchema>;

/** The steps in words, for people. */
export function describeTextSteps({ texts, tokenize }: TextRecipe): string[] {
  const { tokenizer, maxLength, truncation, padding, before, after } = tokenize;
  return [
    { one: 'one text', pair: 'the first line, and the rest as a second text', several: 'one text a line' }[texts],
    `tokens by ${tokenizer}`,
    ...(before.length + after.length > 0 ? [`${[...before, 'the text', ...after].join(' ')}`] : []),
    ...(maxLength === undefined ? [] : [`at most ${maxLength} tokens${truncation === 'none' ? ', longer texts are refused' : ''}`]),
    ...(padding === undefined || padding === 'none' ? [] : [padding === 'longest' ? 'filled up to the longest' : `filled up to ${maxLength ?? 'the most'}`]),
  ];
}
