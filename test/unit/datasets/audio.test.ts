import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ErrorBody } from '#contract';
import { applyRecipe, describeRecipe, parseRecipe, readNpz, type Tensor, toNumbers } from '#core/datasets';

/** Made by make.py there, with libsndfile, SciPy and librosa. */
const dir = join(import.meta.dirname, '../../fixtures/audio');
const file = (name: string) => readFileSync(join(dir, name));
const sound = file('sound.wav');

async function run(recipe: object, bytes: Uint8Array, dims: (string | number)[] = ['batch', 'samples'], type = 'float32'): Promise<Tensor> {
  const { feeds } = await applyRecipe(parseRecipe(JSON.stringify({ kind: 'audio', ...recipe })), bytes, [{ name: 'audio', type, dims }]);
  const tensor = feeds.audio;
  if (!tensor) throw new Error('no tensor was made');
  return tensor;
}

async function refusal(bytes: Uint8Array, recipe: object = { sampleRate: 16_000 }): Promise<ErrorBody> {
  const error: unknown = await run(recipe, bytes).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ owner: 'input' });
  return error as ErrorBody;
}

function furthest(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(found.length).toBe(expected.length);
  let most = 0;
  for (let i = 0; i < found.length; i++) most = Math.max(most, Math.abs((found[i] ?? Number.NaN) - (expected[i] ?? Number.NaN)));
  return most;
}

/** A WAV file of the parts given; the format is 16-bit mono at 16 kHz unless said otherwise. */
function wav(data: Buffer, options: { format?: Buffer; before?: [string, Buffer][]; dataSize?: number } = {}): Buffer {
  const format = options.format ?? formatChunk(1, 1, 16_000, 16);
  const chunk = (id: string, body: Buffer, size = body.length) => {
    const head = Buffer.alloc(8);
    head.write(id, 'latin1');
    head.writeUInt32LE(size, 4);
    return Buffer.concat([head, body, Buffer.alloc(body.length % 2)]);
  };
  const parts = [...(options.before ?? []).map(([id, body]) => chunk(id, body)), chunk('fmt ', format), chunk('data', data, options.dataSize)];
  const head = Buffer.from('RIFF____WAVE', 'latin1');
  head.writeUInt32LE(4 + Buffer.concat(parts).length, 4);
  return Buffer.concat([head, ...parts]);
}

function formatChunk(tag: number, channels: number, rate: number, bits: number): Buffer {
  const body = Buffer.alloc(16);
  const frame = Math.ceil(bits / 8) * channels;
  body.writeUInt16LE(tag, 0);
  body.writeUInt16LE(channels, 2);
  body.writeUInt32LE(rate, 4);
  body.writeUInt32LE(rate * frame, 8);
  body.writeUInt16LE(frame, 12);
  body.writeUInt16LE(bits, 14);
  return body;
}

describe('WAV files', () => {
  test.each(['pcm8', 'pcm16', 'pcm24', 'pcm32', 'float32', 'float64', 'extensible24', 'extensiblef32'])(
    '%s gives the samples libsndfile gives, to the bit',
    async (name) => {
      const want = toNumbers((await readNpz(join(dir, 'decoded.npz'))).get(name) ?? { type: 'float32', dims: [0], data: new Float32Array() });
      const channels = await Promise.all([0, 1].map((channel) => run({ sampleRate: 22_050, channel }, file(`${name}.wav`))));
      expect(channels.flatMap((one) => [...toNumbers(one)])).toEqual([...want]);
      const mean = await run({ sampleRate: 22_050 }, file(`${name}.wav`));
      expect(
        furthest(
          toNumbers(mean),
          want.subarray(0, 40).map((x, i) => (x + (want[40 + i] ?? 0)) / 2),
        ),
      ).toBeLessThan(1e-7);
    },
  );

  test('chunks of odd length are padded, unknown ones skipped, and data of unknown length goes to the end', async () => {
    const data = Buffer.from([0, 64, 0, 192]);
    const made = wav(data, { before: [['LIST', Buffer.from('odd')]], dataSize: 0xffff_ffff });
    expect([...toNumbers(await run({ sampleRate: 16_000 }, made))]).toEqual([0.5, -0.5]);
  });

  test('a part of a frame at the end is left out', async () => {
    expect((await run({ sampleRate: 16_000 }, wav(Buffer.from([0, 64, 7])))).dims).toEqual([1, 1]);
  });

  test.each([
    ['audio.encoding', file('alaw.wav'), 'A-law'],
    ['audio.encoding', wav(Buffer.alloc(4), { format: formatChunk(0x55, 1, 16_000, 16) }), 'MP3'],
    ['audio.encoding', wav(Buffer.alloc(4), { format: formatChunk(3, 1, 16_000, 16) }), '16 bits'],
    ['audio.format', Buffer.from('RF64____WAVEfmt '), 'RF64'],
    ['audio.format', Buffer.from('not a sound at all'), 'other'],
    ['audio.truncated', wav(Buffer.alloc(4), { dataSize: 400 }), '4 bytes'],
    ['audio.empty', wav(Buffer.alloc(0)), '0 bytes'],
    ['audio.channels', wav(Buffer.alloc(4), { format: formatChunk(1, 0, 16_000, 16) }), '0'],
    ['audio.channels', wav(Buffer.alloc(4), { format: formatChunk(1, 65_535, 16_000, 8) }), '65535'],
    ['audio.sample-rate', wav(Buffer.alloc(4), { format: formatChunk(1, 1, 0, 16) }), '0 Hz'],
    ['audio.not-finite', wav(Buffer.from([0, 0, 192, 127]), { format: formatChunk(3, 1, 16_000, 32) }), 'NaN'],
    ['audio.damaged', Buffer.from('RIFF____WAVE'), undefined],
    ['audio.damaged', wav(Buffer.alloc(4)).subarray(0, 20), undefined],
    ['audio.damaged', wav(Buffer.alloc(4), { before: Array.from({ length: 1100 }, () => ['junk', Buffer.alloc(0)]) }), undefined],
  ])('%s: refused with the reason', async (code, bytes, found) => {
    const error = await refusal(bytes);
    expect(error.code).toBe(code);
    if (found !== undefined) expect(error.found).toContain(found);
  });

  test('whatever the bytes are, there is a tensor or a reason', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(95), fc.nat(255)), { minLength: 1, maxLength: 8 }), fc.nat(140), async (changes, keep) => {
        const bytes = Buffer.from(wav(Buffer.from(sound.subarray(44, 140))));
        for (const [at, value] of changes) bytes[at] = value;
        const cut = bytes.subarray(0, Math.max(12, bytes.length - keep));
        const result = await run({ sampleRate: 8000 }, cut).catch((error: unknown) => error);
        expect(result).toSatisfy((r: object) => 'dims' in r || ('code' in r && String(r.code).startsWith('audio.')));
      }),
      { numRuns: 300 },
    );
  });
});

describe('another sample rate', () => {
  let expected: Map<string, Tensor>;
  beforeAll(async () => {
    expected = await readNpz(join(dir, 'resampled.npz'));
  });

  test.each([16_000, 8000])('to %i Hz as the matrix form of the filter in doubles', async (sampleRate) => {
    const want = expected.get(`to${sampleRate}`);
    expect(furthest(toNumbers(await run({ sampleRate }, sound)), want ? toNumbers(want) : [])).toBeLessThan(1e-7);
  });

  test.each([
    [48_000, 2000],
    [22_051, 400],
  ])('to %i Hz, with rates that share little', async (sampleRate, samples) => {
    const want = expected.get(`to${sampleRate}`);
    const part = wav(Buffer.from(sound.subarray(44, 44 + 2 * samples)), { format: formatChunk(1, 1, 22_050, 16) });
    expect(furthest(toNumbers(await run({ sampleRate }, part)), want ? toNumbers(want) : [])).toBeLessThan(1e-7);
  });

  test('a tone stays the tone it is: what soxr makes of it differs by less than a thousandth, away from the ends', async () => {
    const samples = Int16Array.from({ length: 22_050 }, (_, i) => Math.round(20_000 * Math.sin((2 * Math.PI * 1000 * i) / 22_050)));
    const made = toNumbers(await run({ sampleRate: 16_000 }, wav(Buffer.from(samples.buffer), { format: formatChunk(1, 1, 22_050, 16) })));
    for (let i = 100; i < made.length - 100; i++)
      expect(Math.abs((made[i] ?? 0) - (20_000 / 32_768) * Math.sin((2 * Math.PI * 1000 * i) / 16_000))).toBeLessThan(1e-3);
  });
});

describe('spectra', () => {
  const none = { kind: 'none' };
  const mel = { kind: 'log-mel', fft: 512, hop: 160, mels: 40, log: none };
  const dims = ['b', 'bands', 'frames'];
  let expected: Map<string, Tensor>;
  beforeAll(async () => {
    expected = await readNpz(join(dir, 'spectra.npz'));
  });

  test.each([
    ['defaults_db_max', { ...mel, log: { kind: 'db', ref: 'max', range: 80 } }],
    ['htk_ln', { ...mel, fft: 400, mels: 64, scale: 'htk', norm: 'none', minHz: 20, maxHz: 7600, log: { kind: 'ln', floor: 1e-6 } }],
    ['magnitude_window_reflect', { ...mel, window: 400, hop: 128, mels: 32, power: 1, centre: 'reflect' }],
    ['uncentred_ln_add', { ...mel, fft: 480, hop: 240, mels: 16, centre: 'none', log: { kind: 'ln', add: 1e-6 } }],
    ['amplitude_db', { ...mel, mels: 20, power: 1, log: { kind: 'db', floor: 1e-5 } }],
    ['mfcc13', { kind: 'mfcc', fft: 512, hop: 160, mels: 40, coefficients: 13 }],
    ['odd_length', { ...mel, fft: 441, hop: 147, mels: 12 }],
  ])('%s as librosa computes it, to float32', async (name, features) => {
    const want = expected.get(name);
    const found = await run({ sampleRate: 16_000, features }, file('sound16k.wav'), dims);
    expect(found.dims.slice(1)).toEqual(want?.dims);
    const size = Math.max(...(want ? toNumbers(want).map(Math.abs) : []));
    expect(furthest(toNumbers(found), want ? toNumbers(want) : []) / size).toBeLessThan(2e-7);
  });

  test.each([80, 128])('Whisper features with %i bands: 3000 frames, as its definition over librosa', async (mels) => {
    const found = await run({ sampleRate: 16_000, features: { kind: 'whisper', mels } }, file('sound16k.wav'), dims);
    expect(found.dims).toEqual([1, mels, 3000]);
    const [values, first, sum] = [toNumbers(found), expected.get(`whisper${mels}`), expected.get(`whisper${mels}_sum`)];
    const start = Float64Array.from({ length: mels * 60 }, (_, i) => values[Math.floor(i / 60) * 3000 + (i % 60)] ?? 0);
    expect(furthest(start, first ? toNumbers(first) : [])).toBeLessThan(2e-7);
    expect(values.reduce((a, b) => a + b, 0)).toBeCloseTo(sum ? (toNumbers(sum)[0] ?? 0) : 0, 2);
  });

  test('the axes are placed as the recipe says', async () => {
    const features = { ...mel, mels: 4 };
    const [plain, turned] = [
      await run({ sampleRate: 16_000, features }, sound, dims),
      await run({ sampleRate: 16_000, features, axes: ['batch', 'frames', 'bands', 'channel'] }, sound, ['b', 'frames', 'bands', 1]),
    ];
    const frames = plain.dims[2] ?? 0;
    expect(turned.dims).toEqual([1, frames, 4, 1]);
    for (let t = 0; t < frames; t++) for (let m = 0; m < 4; m++) expect(turned.data[t * 4 + m]).toBe(plain.data[m * frames + t]);
  });

  test('audio shorter than what is mirrored, or than one window, is refused', async () => {
    const short = wav(Buffer.alloc(200));
    expect((await refusal(short, { sampleRate: 16_000, features: { ...mel, centre: 'reflect' } })).code).toBe('audio.too-short');
    expect((await refusal(short, { sampleRate: 16_000, features: { ...mel, centre: 'none' } })).code).toBe('audio.too-short');
  });
});

describe('the samples themselves', () => {
  const four = wav(Buffer.from(Int16Array.from([8192, 16_384, -8192, -32_768]).buffer));
  const values = async (recipe: object) => [...toNumbers(await run({ sampleRate: 16_000, ...recipe }, four))];

  test('cut or filled to a length', async () => {
    expect(await values({ length: { samples: 6 } })).toEqual([0.25, 0.5, -0.25, -1, 0, 0]);
    expect(await values({ length: { samples: 6, keep: 'end' } })).toEqual([0, 0, 0.25, 0.5, -0.25, -1]);
    expect(await values({ length: { samples: 7, keep: 'middle' } })).toEqual([0, 0.25, 0.5, -0.25, -1, 0, 0]);
    expect(await values({ length: { samples: 2 } })).toEqual([0.25, 0.5]);
    expect(await values({ length: { samples: 2, keep: 'middle' } })).toEqual([0.5, -0.25]);
    expect(await values({ length: { seconds: 2 / 16_000, keep: 'end' } })).toEqual([-0.25, -1]);
  });

  test('levelled, and as 16-bit numbers', async () => {
    expect(await values({ features: { kind: 'waveform', normalize: 'peak' } })).toEqual([0.25, 0.5, -0.25, -1]);
    const level = await values({ features: { kind: 'waveform', normalize: 'unit-variance' } });
    expect(level.reduce((a, b) => a + b, 0)).toBeCloseTo(0, 6);
    expect(level.reduce((a, b) => a + b * b, 0) / 4).toBeCloseTo(1, 6);
    const loud = wav(Buffer.from(Float32Array.from([1, -1, 0.5]).buffer), { format: formatChunk(3, 1, 16_000, 32) });
    const whole = await run({ sampleRate: 16_000, features: { kind: 'waveform', factor: 32_768 }, axes: ['samples'] }, loud, ['n'], 'int16');
    expect(whole).toMatchObject({ type: 'int16', dims: [3], data: Int16Array.from([32_767, -32_768, 16_384]) });
  });

  test('a channel that is not there is named', async () => {
    expect(await refusal(four, { sampleRate: 16_000, channel: 1 })).toMatchObject({ code: 'audio.channel-missing', found: '1 channels' });
  });
});

describe('a recipe for audio', () => {
  test.each([
    [{ sampleRate: 16_000, features: { kind: 'log-mel', fft: 400, window: 512, hop: 160, mels: 40 } }, 'features.window'],
    [{ sampleRate: 16_000, features: { kind: 'log-mel', fft: 512, hop: 160, mels: 40, maxHz: 9000 } }, 'features.maxHz'],
    [{ sampleRate: 16_000, features: { kind: 'mfcc', fft: 512, hop: 160, mels: 10, coefficients: 11 } }, 'features.coefficients'],
    [{ sampleRate: 8000, features: { kind: 'whisper' } }, 'sampleRate'],
    [{ sampleRate: 16_000, length: { seconds: 10 }, features: { kind: 'whisper' } }, 'length'],
    [{ sampleRate: 16_000, axes: ['batch', 'bands', 'frames'] }, 'axes'],
    [{ sampleRate: 16_000, length: { samples: 4, seconds: 1 } }, 'length'],
    [{}, 'sampleRate'],
  ])('%j is refused, naming %s', (recipe, field) => {
    expect(() => parseRecipe(JSON.stringify({ kind: 'audio', ...recipe }))).toThrow(
      expect.objectContaining({ code: 'recipe.field-wrong', message: expect.stringContaining(field) as string }),
    );
  });

  test('is told in words', () => {
    const recipe = parseRecipe(
      '{kind: audio, sampleRate: 16000, length: {seconds: 1}, features: {kind: mfcc, fft: 512, hop: 160, mels: 40, coefficients: 13}}',
    );
    expect(describeRecipe(recipe).steps).toEqual([
      'mean of the channels',
      'to 16000 Hz (windowed sinc)',
      'cut or fill to 16000 samples, keep the start',
      'db of the mel spectrum, 40 bands (slaney), window 512 each 160 samples',
      '13 cepstral coefficients',
      'axes batch, bands, frames',
    ]);
  });
});
