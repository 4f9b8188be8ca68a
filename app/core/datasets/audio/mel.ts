/**
 * Log-mel spectra and MFCC as librosa 0.11 defines them (`feature.melspectrogram`, `power_to_db`, `feature.mfcc`), with the choices that
 * other exporters make stated one by one. Everything is computed in doubles.
 */
import { setImmediate as yieldToLoop } from 'node:timers/promises';
import { MAX_SPECTRUM_VALUES, MAX_SPECTRUM_WINDOW_SAMPLES, SPECTRUM_SAMPLES_PER_SLICE } from '../limits.ts';
import { RealFft } from './fft.ts';
import { audioError } from './wav.ts';

export interface MelOptions {
  sampleRate: number;
  /** Samples in one transform. */
  fft: number;
  /** Samples from one frame to the next. */
  hop: number;
  /** Samples under the (periodic) Hann window, in the middle of the transform. */
  window: number;
  /** Whether frame t is centred at t x hop, with fft / 2 samples put before and after the audio; `none` begins at t x hop. */
  centre: 'reflect' | 'zeros' | 'none';
  /** 2 for energies, 1 for magnitudes. */
  power: 1 | 2;
  mels: number;
  /** Hz -> mel: `slaney` is linear to 1 kHz and logarithmic above (Auditory Toolbox), `htk` is 2595 log10(1 + f / 700). */
  scale: 'slaney' | 'htk';
  /** `slaney` divides each band by half its width in Hz, so that bands hold about equal energy. */
  norm: 'slaney' | 'none';
  minHz: number;
  maxHz: number;
  log: LogOptions;
}

export interface LogOptions {
  /** `db` is 10 log10 of energies, 20 log10 of magnitudes. */
  kind: 'none' | 'ln' | 'log10' | 'db';
  /** Smaller values count as this. */
  floor: number;
  /** Added before the logarithm. */
  add: number;
  /** What 0 dB is; `max` is the largest value. */
  ref: number | 'max';
  /** Nothing lies further below the largest value than this, in the unit of `kind`. */
  range?: number | undefined;
  /** At the end: (x + shift) x factor. */
  shift: number;
  factor: number;
}

/** Bands x frames, one band after another. */
export interface Spectrum {
  bands: number;
  frames: number;
  values: Float64Array;
}

/**
 * Yields to the event loop while it works.
 * @param samples of one channel at `sampleRate`
 * @throws audio.too-short, audio.too-long (input)
 */
export async function logMel(samples: Float32Array, options: MelOptions): Promise<Spectrum> {
  const spectrum = await melSpectrum(samples, options);
  toLog(spectrum.values, options.log, options.power);
  return spectrum;
}

/** The first `count` coefficients of an orthonormal DCT-II over the bands of each frame. */
export function mfcc({ bands, frames, values }: Spectrum, count: number): Spectrum {
  const out = new Float64Array(count * frames);
  for (let c = 0; c < count; c++) {
    const scale = Math.sqrt((c === 0 ? 1 : 2) / bands);
    for (let m = 0; m < bands; m++) {
      const weight = scale * Math.cos((Math.PI * c * (2 * m + 1)) / (2 * bands));
      for (let t = 0; t < frames; t++) out[c * frames + t] = (out[c * frames + t] ?? 0) + weight * (values[m * frames + t] ?? 0);
    }
  }
  return { bands: count, frames, values: out };
}

async function melSpectrum(samples: Float32Array, options: MelOptions): Promise<Spectrum> {
  const { fft, hop, mels, power } = options;
  const before = options.centre === 'none' ? 0 : fft >> 1;
  if (options.centre === 'reflect' && samples.length <= before)
    throw audioError('audio.too-short', 'The audio is too short to be mirrored at its ends.', `more than ${before} samples`, `${samples.length}`);
  const frames = 1 + Math.floor((samples.length + 2 * before - fft) / hop);
  if (frames < 1) throw audioError('audio.too-short', 'The audio is shorter than one window.', `at least ${fft - 2 * before} samples`, `${samples.length}`);
  if (frames * mels > MAX_SPECTRUM_VALUES || frames * fft > MAX_SPECTRUM_WINDOW_SAMPLES)
    throw audioError('audio.too-long', 'The audio gives too large a spectrum.', `at most ${MAX_SPECTRUM_VALUES} values`, `${frames} frames of ${mels} bands`);
  const at = options.centre === 'reflect' ? mirrored(samples) : (i: number) => samples[i] ?? 0;
  const window = hann(options.window, fft);
  const filters = melFilters(options);
  const transform = new RealFft(fft);
  const frame = new Float64Array(fft);
  const bins = new Float64Array((fft >> 1) + 1);
  const values = new Float64Array(mels * frames);
  const framesPerSlice = Math.ceil(SPECTRUM_SAMPLES_PER_SLICE / fft);
  for (let t = 0; t < frames; t++) {
    if (t % framesPerSlice === framesPerSlice - 1) await yieldToLoop();
    const start = t * hop - before;
    for (let i = 0; i < fft; i++) frame[i] = at(start + i) * (window[i] ?? 0);
    transform.powerOf(frame, bins);
    if (power === 1) for (let k = 0; k < bins.length; k++) bins[k] = Math.sqrt(bins[k] ?? 0);
    filters.forEach(({ first, weights }, m) => {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += (weights[k] ?? 0) * (bins[first + k] ?? 0);
      values[m * frames + t] = sum;
    });
  }
  return { bands: mels, frames, values };
}

/** The audio continued as its mirror image, the samples at the ends not repeated. */
function mirrored(samples: Float32Array): (i: number) => number {
  const last = samples.length - 1;
  return (i) => samples[i < 0 ? -i : i > last ? 2 * last - i : i] ?? 0;
}

/** A periodic Hann window of `length` samples in the middle of `size`. */
function hann(length: number, size: number): Float64Array {
  const out = new Float64Array(size);
  const left = (size - length) >> 1;
  for (let i = 0; i < length; i++) out[left + i] = 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / length);
  return out;
}

const LINEAR_HZ_PER_MEL = 200 / 3;
const LOG_FROM_HZ = 1000;
const LOG_FROM_MEL = LOG_FROM_HZ / LINEAR_HZ_PER_MEL;
const LOG_STEP = Math.log(6.4) / 27;

function hzToMel(hz: number, scale: MelOptions['scale']): number {
  if (scale === 'htk') return 2595 * Math.log10(1 + hz / 700);
  return hz < LOG_FROM_HZ ? hz / LINEAR_HZ_PER_MEL : LOG_FROM_MEL + Math.log(hz / LOG_FROM_HZ) / LOG_STEP;
}

function melToHz(mel: number, scale: MelOptions['scale']): number {
  if (scale === 'htk') return 700 * (10 ** (mel / 2595) - 1);
  return mel < LOG_FROM_MEL ? mel * LINEAR_HZ_PER_MEL : LOG_FROM_HZ * Math.exp(LOG_STEP * (mel - LOG_FROM_MEL));
}

interface Filter {
  /** The first bin with a weight. */
  first: number;
  weights: Float64Array;
}

/** Triangles over the bins, whose corners are equally far apart in mel. */
function melFilters({ sampleRate, fft, mels, scale, norm, minHz, maxHz }: MelOptions): Filter[] {
  const [low, high] = [hzToMel(minHz, scale), hzToMel(maxHz, scale)];
  const corners = Float64Array.from({ length: mels + 2 }, (_, i) => melToHz(low + ((high - low) * i) / (mels + 1), scale));
  return Array.from({ length: mels }, (_, m) => {
    const [left, centre, right] = [corners[m] ?? 0, corners[m + 1] ?? 0, corners[m + 2] ?? 0];
    const height = norm === 'slaney' ? 2 / (right - left) : 1;
    const bin = (hz: number) => (hz * fft) / sampleRate;
    const first = Math.max(0, Math.ceil(bin(left)));
    const last = Math.min(fft >> 1, Math.floor(bin(right)));
    const weights = new Float64Array(Math.max(0, last - first + 1));
    for (let k = 0; k < weights.length; k++) {
      const hz = ((first + k) * sampleRate) / fft;
      weights[k] = Math.max(0, Math.min((hz - left) / (centre - left), (right - hz) / (right - centre))) * height;
    }
    return { first, weights };
  });
}

/** In place. */
function toLog(values: Float64Array, { kind, floor, add, ref, range, shift, factor }: LogOptions, power: 1 | 2): void {
  const log = kind === 'ln' ? Math.log : Math.log10;
  const unit = kind === 'db' ? 20 / power : 1;
  const floored = (x: number) => Math.max(floor, x + add);
  if (kind !== 'none') {
    const zero = kind === 'db' ? unit * log(floored(ref === 'max' ? largest(values) : ref)) : 0;
    for (let i = 0; i < values.length; i++) values[i] = unit * log(floored(values[i] ?? 0)) - zero;
  }
  const least = range === undefined ? Number.NEGATIVE_INFINITY : largest(values) - range;
  for (let i = 0; i < values.length; i++) values[i] = (Math.max(least, values[i] ?? 0) + shift) * factor;
}

function largest(values: Float64Array): number {
  return values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
}
