/** What was said or written, from a model that names a symbol (or none) at every step: connectionist temporal classification. */
import { z } from 'zod';
import { ctcBeam, ctcGreedy } from '../ctc-search.ts';
import { MAX_BEAM, MAX_CTC_FRAMES, MAX_TOKENIZER_BYTES } from '../limits.ts';
import { pickOutput } from '../outputs.ts';
import { BundlePath } from '../schema-parts.ts';
import { sliceRows, toNumbers } from '../tensor.ts';
import { parseTokenizer } from '../tokenizer/tokenizer.ts';
import { type AnswerKind, checkFinite, unlike } from './kind.ts';

export const CtcAnswerSchema = z.strictObject({
  kind: z.literal('ctc'),
  /** [batch, steps, symbols], scores or their logarithms. */
  output: z.string().min(1),
  /** The symbol that stands for nothing. */
  blank: z.number().int().min(0).default(0),
  /** How many hypotheses to follow; 1 takes the best symbol at each step. */
  beam: z.number().int().min(1).max(MAX_BEAM).default(1),
  /** The symbol that stands between words, where it is not a space. */
  delimiter: z.string().min(1).max(16).default('|'),
  /** What the symbols are: a tokenizer.json of the bundle; without it the lines of the bundle's labels. */
  tokenizer: BundlePath.optional(),
});
type CtcAnswer = z.infer<typeof CtcAnswerSchema>;

export const ctcKind: AnswerKind<CtcAnswer> = {
  async answer(how, outputs, { labels, files }) {
    const output = pickOutput(outputs, how.output);
    const [, steps = 0, symbols = 0] = output.dims;
    if (output.dims.length !== 3 || steps > MAX_CTC_FRAMES || how.blank >= symbols)
      throw unlike(how.output, `[batch, at most ${MAX_CTC_FRAMES} steps, more than ${how.blank} symbols]`, output.dims);
    const values = checkFinite(toNumbers(sliceRows(output, 0, 1)), how.output);
    const frames = Array.from({ length: steps }, (_, t) => values.subarray(t * symbols, (t + 1) * symbols));
    const ids = how.beam === 1 ? ctcGreedy(frames, how.blank) : ctcBeam(frames, how.blank, how.beam);
    const text =
      how.tokenizer === undefined ? written(ids, labels, how.delimiter) : (await files.load(how.tokenizer, MAX_TOKENIZER_BYTES, parseTokenizer)).decode(ids);
    return { kind: 'text', text, tokens: ids.length };
  },
};

function written(ids: readonly number[], labels: readonly string[] | undefined, delimiter: string): string {
  return ids
    .map((id) => labels?.[id] ?? `<${id}>`)
    .map((symbol) => (symbol === delimiter || symbol === '' ? ' ' : symbol))
    .join('')
    .trim();
}
