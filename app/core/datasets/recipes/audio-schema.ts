/** Audio recipes as they are written: one channel at the rate the model takes, as samples, a log-mel spectrum or MFCC. */
import { z } from 'zod';
import { MAX_AUDIO_CHANNELS, MAX_AUDIO_FRAMES, MAX_FFT_SIZE, MAX_MELS, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE } from '../limits.ts';
import { Finite } from '../schema-parts.ts';

const Positive = Finite.refine((n) => n > 0, 'above 0');
const Samples = z.number().int().min(1).max(MAX_AUDIO_FRAMES);

/** See MelOptions and LogOptions for what each means; what is left out is as librosa has it. */
const SPECTRUM = {
  fft: z.number().int().min(2).max(MAX_FFT_SIZE),
  hop: z.number().int().min(1).max(MAX_FFT_SIZE),
  /** As long as `fft` where nothing is said. */
  window: z.number().int().min(1).max(MAX_FFT_SIZE).optional(),
  centre: z.enum(['reflect', 'zeros', 'none']).default('zeros'),
  power: z.literal([1, 2]).default(2),
  mels: z.number().int().min(1).max(MAX_MELS),
  scale: z.enum(['slaney', 'htk']).default('slaney'),
  norm: z.enum(['slaney', 'none']).default('slaney'),
  minHz: Finite.refine((n) => n >= 0, '0 or more').default(0),
  /** Half the sample rate where nothing is said. */
  maxHz: Positive.optional(),
  log: z
    .strictObject({
      kind: z.enum(['none', 'ln', 'log10', 'db']),
      floor: Positive.default(1e-10),
      add: Finite.refine((n) => n >= 0, '0 or more').default(0),
      ref: z.union([Positive, z.literal('max')]).default(1),
      range: Positive.optional(),
      shift: Finite.default(0),
      factor: Finite.default(1),
    })
    .default({ kind: 'db', floor: 1e-10, add: 0, ref: 1, range: 80, shift: 0, factor: 1 }),
};

const FeaturesSchema = z.discriminatedUnion('kind', [
  /** The samples themselves. */
  z.strictObject({
    kind: z.literal('waveform'),
    /** `unit-variance` is (x - mean) / sqrt(variance + 1e-7), as wav2vec2 takes it; `peak` divides by the largest |x|. */
    normalize: z.enum(['none', 'unit-variance', 'peak']).default('none'),
    /** Multiplied by this; 32768 gives the values of 16-bit samples. */
    factor: Finite.default(1),
  }),
  z.strictObject({ kind: z.literal('log-mel'), ...SPECTRUM }),
  z.strictObject({ kind: z.literal('mfcc'), ...SPECTRUM, coefficients: z.number().int().min(1).max(MAX_MELS) }),
  /** What Whisper takes: 30 s at 16 kHz, 25 ms windows each 10 ms, reflected, log10 within 8 of the largest, (x + 4) / 4, 3000 frames. */
  z.strictObject({ kind: z.literal('whisper'), mels: z.literal([80, 128]).default(80) }),
]);
export type AudioFeatures = z.infer<typeof FeaturesSchema>;

const WHISPER_RATE = 16_000;
export const WHISPER_SAMPLES = 30 * WHISPER_RATE;

const AxisSchema = z.enum(['batch', 'channel', 'samples', 'bands', 'frames']);
export type AudioAxis = z.infer<typeof AxisSchema>;

export const AudioRecipeSchema = z
  .strictObject({
    /** A WAV file to one tensor. */
    kind: z.literal('audio'),
    /** The model's input; may be left out where it has one. */
    input: z.string().min(1).optional(),
    /** Hz; other rates are changed to it by band-limited interpolation (audio/resample-audio.ts). */
    sampleRate: z.number().int().min(MIN_SAMPLE_RATE).max(MAX_SAMPLE_RATE),
    /** The mean of all channels, or one of them, counted from 0. */
    channel: z.union([z.literal('mean'), z.number().int().min(0).max(MAX_AUDIO_CHANNELS)]).default('mean'),
    /** Cut or filled with silence to this many samples (or seconds, rounded) at `sampleRate`, keeping this part. */
    length: z
      .strictObject({ samples: Samples.optional(), seconds: Positive.optional(), keep: z.enum(['start', 'middle', 'end']).default('start') })
      .refine((l) => (l.samples === undefined) !== (l.seconds === undefined), 'one of samples and seconds')
      .optional(),
    features: FeaturesSchema.default({ kind: 'waveform', normalize: 'none', factor: 1 }),
    /** The axes of the tensor in order; `batch` and `channel` are 1. */
    axes: z.array(AxisSchema).min(1).max(4).optional(),
  })
  .superRefine((recipe, ctx) => {
    const problem = (path: (string | number)[], message: string) => ctx.addIssue({ code: 'custom', path, message });
    const { features } = recipe;
    const content = contentAxes(features);
    if (recipe.axes) {
      const twice = recipe.axes.some((axis, i) => recipe.axes?.indexOf(axis) !== i);
      const wanted = content.every((axis) => recipe.axes?.includes(axis));
      const stray = recipe.axes.some((axis) => axis !== 'batch' && axis !== 'channel' && !content.includes(axis));
      if (twice || !wanted || stray) problem(['axes'], `${content.join(' and ')} once each, and batch and channel where the model has them`);
    }
    if (features.kind === 'whisper') {
      if (recipe.sampleRate !== WHISPER_RATE) problem(['sampleRate'], `Whisper takes ${WHISPER_RATE}`);
      if (recipe.length && lengthOf(recipe.length, recipe.sampleRate) !== WHISPER_SAMPLES) problem(['length'], 'Whisper takes 30 seconds');
    } else if (features.kind !== 'waveform') {
      if ((features.window ?? features.fft) > features.fft) problem(['features', 'window'], 'at most fft');
      const top = features.maxHz ?? recipe.sampleRate / 2;
      if (features.minHz >= top || top > recipe.sampleRate / 2) problem(['features', 'maxHz'], 'above minHz, and at most half the sample rate');
      if (features.kind === 'mfcc' && features.coefficients > features.mels) problem(['features', 'coefficients'], 'at most mels');
    }
  });
export type AudioRecipe = z.infer<typeof AudioRecipeSchema>;

/** The steps in words, for people. */
export function describeAudioSteps({ sampleRate, channel, length, features, axes }: AudioRecipe): string[] {
  const steps = [channel === 'mean' ? 'mean of the channels' : `channel ${channel}`, `to ${sampleRate} Hz (windowed sinc)`];
  if (length) steps.push(`cut or fill to ${lengthOf(length, sampleRate)} samples, keep the ${length.keep}`);
  if (features.kind === 'whisper') steps.push(`log-mel spectrum as Whisper's, ${features.mels} bands`);
  else if (features.kind !== 'waveform') {
    const log = features.log.kind === 'none' ? 'mel spectrum' : `${features.log.kind} of the mel spectrum`;
    steps.push(`${log}, ${features.mels} bands (${features.scale}), window ${features.window ?? features.fft} each ${features.hop} samples`);
    if (features.kind === 'mfcc') steps.push(`${features.coefficients} cepstral coefficients`);
  } else if (features.normalize !== 'none') steps.push(`normalize (${features.normalize})`);
  return [...steps, `axes ${(axes ?? defaultAxes(features)).join(', ')}`];
}

export function defaultAxes(features: AudioFeatures): readonly AudioAxis[] {
  return ['batch', ...contentAxes(features)];
}

function contentAxes(features: AudioFeatures): readonly AudioAxis[] {
  return features.kind === 'waveform' ? ['samples'] : ['bands', 'frames'];
}

/** In samples. */
export function lengthOf(length: { samples?: number | undefined; seconds?: number | undefined }, sampleRate: number): number {
  return length.samples ?? Math.max(1, Math.round((length.seconds ?? 0) * sampleRate));
}
