/** Audio: from a WAV file to one tensor. */
import { logMel, mfcc, type Spectrum } from '../audio/mel.ts';
import { resampleAudio } from '../audio/resample-audio.ts';
import { audioError, readWav, type Waveform } from '../audio/wav.ts';
import { MAX_AUDIO_FRAMES } from '../limits.ts';
import { makeTensor, type Tensor } from '../tensor.ts';
import { type AudioAxis, type AudioFeatures, type AudioRecipe, defaultAxes, lengthOf, WHISPER_SAMPLES } from './audio-schema.ts';
import { fitType, inputOf, type RecipeKind } from './kind.ts';

/** Added to the variance before its root, as wav2vec2's feature extractor does, so that silence divides by something. */
const VARIANCE_FLOOR = 1e-7;

export const audioKind: RecipeKind<AudioRecipe> = {
  async apply(recipe, bytes, { inputs }) {
    const input = inputOf(recipe.input, inputs, 'audio');
    const { features, sampleRate } = recipe;
    const sound = readWav(bytes);
    const samples = resampleAudio(mixDown(sound, recipe.channel), sound.sampleRate, sampleRate);
    const length = recipe.length ?? (features.kind === 'whisper' ? { samples: WHISPER_SAMPLES, keep: 'start' as const } : undefined);
    const fitted = length ? fitLength(samples, lengthOf(length, sampleRate), length.keep) : samples;
    const axes = recipe.axes ?? defaultAxes(features);
    const tensor =
      features.kind === 'waveform' ? placeWaveform(level(fitted, features), axes) : placeSpectrum(await spectrumOf(fitted, features, sampleRate), axes);
    return { feeds: Object.fromEntries([[input.name, fitType(tensor, input)]]) };
  },
};

function mixDown({ channels }: Waveform, channel: AudioRecipe['channel']): Float32Array {
  const [first] = channels;
  const chosen = channel === 'mean' ? first : channels[channel];
  if (!first || !chosen)
    throw audioError(
      'audio.channel-missing',
      'The audio has not the channel the recipe takes.',
      `channel ${channel}, counted from 0`,
      `${channels.length} channels`,
    );
  if (channel !== 'mean' || channels.length === 1) return chosen;
  return first.map((_, i) => channels.reduce((sum, one) => sum + (one[i] ?? 0), 0) / channels.length);
}

/** Cuts, or fills with silence on the side that is not kept (both sides where the middle is). */
function fitLength(samples: Float32Array, length: number, keep: 'start' | 'middle' | 'end'): Float32Array {
  if (length > MAX_AUDIO_FRAMES) throw audioError('audio.too-long', 'The recipe asks for too much audio.', `at most ${MAX_AUDIO_FRAMES} samples`, `${length}`);
  const spare = length - samples.length;
  const before = keep === 'start' ? 0 : keep === 'end' ? spare : Math.trunc(spare / 2);
  if (spare <= 0) return samples.subarray(-before, -before + length);
  const out = new Float32Array(length);
  out.set(samples, before);
  return out;
}

function level(samples: Float32Array, { normalize, factor }: Extract<AudioFeatures, { kind: 'waveform' }>): Float32Array {
  let [shift, by] = [0, factor];
  if (normalize === 'unit-variance') {
    shift = samples.reduce((a, b) => a + b, 0) / samples.length;
    by = factor / Math.sqrt(samples.reduce((sum, x) => sum + (x - shift) ** 2, 0) / samples.length + VARIANCE_FLOOR);
  } else if (normalize === 'peak') {
    const peak = samples.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
    by = peak === 0 ? factor : factor / peak;
  }
  return shift === 0 && by === 1 ? samples : samples.map((x) => (x - shift) * by);
}

async function spectrumOf(samples: Float32Array, features: Exclude<AudioFeatures, { kind: 'waveform' }>, sampleRate: number): Promise<Spectrum> {
  if (features.kind !== 'whisper') {
    const spectrum = await logMel(samples, { ...features, sampleRate, window: features.window ?? features.fft, maxHz: features.maxHz ?? sampleRate / 2 });
    return features.kind === 'mfcc' ? mfcc(spectrum, features.coefficients) : spectrum;
  }
  return withoutLastFrame(
    await logMel(samples, {
      sampleRate,
      fft: 400,
      hop: 160,
      window: 400,
      centre: 'reflect',
      power: 2,
      mels: features.mels,
      scale: 'slaney',
      norm: 'slaney',
      minHz: 0,
      maxHz: sampleRate / 2,
      log: { kind: 'log10', floor: 1e-10, add: 0, ref: 1, range: 8, shift: 4, factor: 0.25 },
    }),
  );
}

function withoutLastFrame({ bands, frames, values }: Spectrum): Spectrum {
  const kept = frames - 1;
  const out = new Float64Array(bands * kept);
  for (let m = 0; m < bands; m++) out.set(values.subarray(m * frames, m * frames + kept), m * kept);
  return { bands, frames: kept, values: out };
}

function placeWaveform(samples: Float32Array, axes: readonly AudioAxis[]): Tensor {
  return makeTensor(
    'float32',
    axes.map((axis) => (axis === 'samples' ? samples.length : 1)),
    samples,
  );
}

function placeSpectrum({ bands, frames, values }: Spectrum, axes: readonly AudioAxis[]): Tensor {
  const dims = axes.map((axis) => (axis === 'bands' ? bands : axis === 'frames' ? frames : 1));
  const data = new Float32Array(values.length);
  if (axes.indexOf('bands') < axes.indexOf('frames')) data.set(values);
  else for (let m = 0; m < bands; m++) for (let t = 0; t < frames; t++) data[t * bands + m] = values[m * frames + t] ?? 0;
  return makeTensor('float32', dims, data);
}
