/**
 * Change of sample rate by band-limited interpolation (J. O. Smith, "Digital Audio Resampling"): each new sample is a sum of old ones,
 * weighted by a sinc under a Hann window. The filter is the one torchaudio.functional.resample uses when nothing is said: 6 zero
 * crossings on each side, cut at 99 % of the lower of both rates' halves. Weights and sums are doubles, the result is float32.
 */
import { MAX_AUDIO_FRAMES, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE } from '../limits.ts';
import { audioError } from './wav.ts';

/** Zero crossings of the sinc on each side. */
const ZERO_CROSSINGS = 6;
/** Where the filter cuts, as a share of the lower half rate: a little below it, so that less folds back. */
const ROLLOFF = 0.99;
/** Most phases whose weights are kept; odd pairs of rates have as many as the new rate, and the rest is computed again. */
const MAX_KEPT_PHASES = 4096;

/**
 * Samples at another rate; ceil(n x to / from) of them, beyond both ends there is silence.
 * @throws audio.sample-rate, audio.too-long (input)
 */
export function resampleAudio(samples: Float32Array, from: number, to: number): Float32Array {
  for (const rate of [from, to]) {
    if (!Number.isInteger(rate) || rate < MIN_SAMPLE_RATE || rate > MAX_SAMPLE_RATE)
      throw audioError('audio.sample-rate', 'The sample rate is impossible.', `${MIN_SAMPLE_RATE} to ${MAX_SAMPLE_RATE} Hz`, `${rate} Hz`);
  }
  if (from === to) return samples;
  const divisor = gcd(from, to);
  const [orig, next] = [from / divisor, to / divisor];
  const length = Math.ceil((samples.length * next) / orig);
  if (length > MAX_AUDIO_FRAMES)
    throw audioError('audio.too-long', 'The audio is too long at the rate the model takes.', `at most ${MAX_AUDIO_FRAMES} samples`, `${length}`);
  const kept = new Map<number, Phase>();
  const out = new Float32Array(length);
  for (let n = 0; n < length; n++) {
    const phase = n % next;
    let weights = kept.get(phase);
    if (!weights) {
      weights = phaseWeights(phase, orig, next);
      if (kept.size < MAX_KEPT_PHASES) kept.set(phase, weights);
    }
    const start = ((n - phase) / next) * orig + weights.first;
    const begin = Math.max(0, -start);
    const end = Math.min(weights.taps.length, samples.length - start);
    let sum = 0;
    for (let k = begin; k < end; k++) sum += (samples[start + k] ?? 0) * (weights.taps[k] ?? 0);
    out[n] = sum;
  }
  return out;
}

interface Phase {
  /** The first old sample it reaches, counted from the old sample at the start of its period. */
  first: number;
  taps: Float64Array;
}

/** The new sample stands at phase / next; old sample i at i / orig, both in periods of the greatest common rate. */
function phaseWeights(phase: number, orig: number, next: number): Phase {
  const base = Math.min(orig, next) * ROLLOFF;
  const reach = (ZERO_CROSSINGS * orig) / base;
  const centre = (phase * orig) / next;
  const first = Math.ceil(centre - reach);
  const last = Math.floor(centre + reach);
  const taps = new Float64Array(last - first + 1);
  for (let k = 0; k < taps.length; k++) {
    const t = ((first + k) / orig - phase / next) * base;
    if (Math.abs(t) >= ZERO_CROSSINGS) continue;
    const window = Math.cos((t * Math.PI) / ZERO_CROSSINGS / 2) ** 2;
    const x = t * Math.PI;
    taps[k] = (x === 0 ? 1 : Math.sin(x) / x) * window * (base / orig);
  }
  return { first, taps };
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
