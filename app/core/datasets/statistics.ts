/** Percentiles and 95 % intervals, each defined once for the whole program. */
import { setImmediate as yieldToLoop } from 'node:timers/promises';
import { abortError } from '#core/platform';
import { BOOTSTRAP_DRAWS_PER_SLICE, BOOTSTRAP_RESAMPLES, BOOTSTRAP_SEED } from './limits.ts';
import { seededPrng } from './prng.ts';

/** Two-sided 95 % point of the normal distribution. */
const Z95 = 1.959963984540054;

/**
 * Percentile by linear interpolation between order statistics, numpy's default (Hyndman and Fan's type 7).
 * @param sorted ascending, not empty
 * @param p 0 to 100
 */
export function percentile(sorted: ArrayLike<number>, p: number): number {
  const place = (sorted.length - 1) * (p / 100);
  const low = Math.floor(place);
  const a = sorted[low] ?? Number.NaN;
  const b = sorted[Math.min(low + 1, sorted.length - 1)] ?? Number.NaN;
  const t = place - low;
  // numpy interpolates from the nearer end, so that t = 1 gives b exactly.
  return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t);
}

/** A sorted copy of the values. */
export function sorted(values: ArrayLike<number>): Float64Array {
  return Float64Array.from(values).sort();
}

/** Wilson's score interval of a proportion, 95 %, without continuity correction. `successes` of `n` > 0. */
export function wilsonInterval(successes: number, n: number): { low: number; high: number } {
  const p = successes / n;
  const z2 = Z95 * Z95;
  const centre = (p + z2 / (2 * n)) / (1 + z2 / n);
  const half = (Z95 / (1 + z2 / n)) * Math.sqrt((p * (1 - p)) / n + z2 / (4 * n * n));
  return { low: successes === 0 ? 0 : Math.max(0, centre - half), high: successes === n ? 1 : Math.min(1, centre + half) };
}

/**
 * Percentile bootstrap, 95 %: `samples` are drawn with replacement, so often as there are, and the figure is computed from how often each was drawn.
 * Draws whose figure is not defined (an AUC of one class) are left out.
 * Yields to the event loop while it works.
 * @param figure of a set that holds sample i weights[i] times
 */
export async function bootstrapInterval(
  samples: number,
  figure: (weights: Uint32Array) => number,
  options: { signal?: AbortSignal | undefined; seed?: number; resamples?: number } = {},
): Promise<{ low: number; high: number }> {
  const resamples = options.resamples ?? BOOTSTRAP_RESAMPLES;
  const prng = seededPrng(options.seed ?? BOOTSTRAP_SEED);
  const weights = new Uint32Array(samples);
  const figures: number[] = [];
  let draws = 0;
  for (let r = 0; r < resamples; r++) {
    weights.fill(0);
    for (let i = 0; i < samples; i++) {
      const pick = prng.below(samples);
      weights[pick] = (weights[pick] ?? 0) + 1;
    }
    const value = figure(weights);
    if (!Number.isNaN(value)) figures.push(value);
    draws += samples;
    if (draws >= BOOTSTRAP_DRAWS_PER_SLICE) {
      draws = 0;
      await yieldToLoop();
      if (options.signal?.aborted) throw abortError();
    }
  }
  const inOrder = sorted(figures);
  return { low: percentile(inOrder, 2.5), high: percentile(inOrder, 97.5) };
}
