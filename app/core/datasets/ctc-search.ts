/** From scores at every step to symbols: the two ways to read connectionist temporal classification. */
import { CTC_SYMBOLS_PER_STEP } from './limits.ts';
import { argmax } from './outputs.ts';

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
