/** What was said or written, from a model that names a symbol (or none) at every step: connectionist temporal classification. */
import { z } from 'zod';
import { CTC_SYMBOLS_PER_STEP, MAX_BEAM, MAX_CTC_FRAMES, MAX_TOKENIZER_BYTES } from '../limits.ts';
import { argmax, pickOutput } from '../outputs.ts';
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

/** The best symbol of each step; the same one in a row counts once, and blanks are left out. */
export function ctcGreedy(frames: readonly Float64Array[], blank: number): number[] {
  const best = frames.map((frame) => argmax(frame));
  return best.filter((id, t) => id !== blank && id !== best[t - 1]);
}

interface Beam {
  ids: number[];
  /** Logarithm of the probability of all paths that end in a blank, and of those that end in the last symbol. */
  blank: number;
  symbol: number;
}

/**
 * Prefix beam search: paths that spell the same are one hypothesis, so what many unlikely paths spell can win over one likely path.
 * Of each step only the likeliest symbols are looked at.
 */
export function ctcBeam(frames: readonly Float64Array[], blank: number, width: number): number[] {
  let beams: Beam[] = [{ ids: [], blank: 0, symbol: Number.NEGATIVE_INFINITY }];
  for (const frame of frames) {
    const logs = logSoftmax(frame);
    const likely = [...logs.keys()].sort((a, b) => (logs[b] ?? 0) - (logs[a] ?? 0)).slice(0, CTC_SYMBOLS_PER_STEP);
    const next = new Map<string, Beam>();
    const reach = (ids: number[]) => {
      const key = ids.join();
      const beam = next.get(key) ?? { ids, blank: Number.NEGATIVE_INFINITY, symbol: Number.NEGATIVE_INFINITY };
      next.set(key, beam);
      return beam;
    };
    for (const beam of beams) {
      const total = logAdd(beam.blank, beam.symbol);
      const last = beam.ids.at(-1);
      const same = reach(beam.ids);
      same.blank = logAdd(same.blank, total + (logs[blank] ?? 0));
      if (last !== undefined) same.symbol = logAdd(same.symbol, beam.symbol + (logs[last] ?? 0));
      for (const id of likely) {
        if (id === blank) continue;
        const longer = reach([...beam.ids, id]);
        // The same symbol again needs a blank between.
        longer.symbol = logAdd(longer.symbol, (id === last ? beam.blank : total) + (logs[id] ?? 0));
      }
    }
    beams = [...next.values()].sort((a, b) => logAdd(b.blank, b.symbol) - logAdd(a.blank, a.symbol)).slice(0, width);
  }
  return beams[0]?.ids ?? [];
}

function logSoftmax(frame: Float64Array): Float64Array {
  const max = frame.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const total = max + Math.log(frame.reduce((sum, x) => sum + Math.exp(x - max), 0));
  return frame.map((x) => x - total);
}

/** log(e^a + e^b). */
function logAdd(a: number, b: number): number {
  const [high, low] = [Math.max(a, b), Math.min(a, b)];
  return low === Number.NEGATIVE_INFINITY ? high : high + Math.log1p(Math.exp(low - high));
}
