import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { TensorInfo } from '#contract';
import { applyRecipe, checkRawInput, float32Tensor, type GoldenCases, NO_FILES, parseRecipe, type RawMismatch, sampleOfRaw, type Tensor } from '#core/datasets';

const fixtures = join(import.meta.dirname, '../../fixtures');
const photo = readFileSync(join(fixtures, 'images/rgb.png'));
const sound = readFileSync(join(fixtures, 'audio/sound16k.wav'));

const any = (rank: number): TensorInfo[] => [{ name: 'x', type: 'float32', dims: new Array<string>(rank).fill('n') }];

async function made(recipe: object, raw: Uint8Array, rank: number): Promise<Tensor> {
  const { feeds } = await applyRecipe(parseRecipe(JSON.stringify(recipe)), raw, any(rank));
  if (!feeds.x) throw new Error('no tensor was made');
  return feeds.x;
}

/** What is said when the exporter prepared inputs by one recipe and the bundle by another. */
async function difference(exporter: object | Tensor, recipe: object, raw: Uint8Array, rank = 4): Promise<RawMismatch | undefined> {
  const want = 'dims' in exporter ? exporter : await made(exporter, raw, rank);
  const golden: GoldenCases = { inputs: { x: want }, outputs: {}, samples: want.dims[0] ?? 1 };
  return checkRawInput({ path: 'golden/0-raw', bytes: raw }, { recipe: parseRecipe(JSON.stringify(recipe)), inputs: any(rank), files: NO_FILES, golden });
}

const image = (...steps: object[]) => ({ kind: 'image', steps });
const resize = { resize: { width: 12, height: 10 } };
const scale = { scale: { divide: 255 } };
const imagenet = { normalize: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } };
const halves = { normalize: { mean: [0.5], std: [0.5] } };

describe('an exporter that prepares images otherwise than the recipe', () => {
  test('is not found where it does not', async () => {
    expect(await difference(image(resize, scale), image(resize, scale), photo)).toBeUndefined();
  });

  test.each([
    ['mean and std left out', image(resize, scale), image(resize, scale, imagenet), 'did not apply mean and std'],
    ['not scaled', image(resize), image(resize, scale), 'did not scale the pixels'],
    ['neither scaled nor normalized', image(resize), image(resize, scale, halves), 'neither scaled nor normalized'],
    ['scaled', image(resize, scale), image(resize), 'divided the pixels by 255'],
    ['also normalized', image(resize, scale, imagenet), image(resize, scale), "also applied ImageNet's mean and std"],
    ['scaled and normalized', image(resize, scale, halves), image(resize), 'divided by 255 and applied mean 0.5'],
    ['normalized by others', image(resize, scale, imagenet), image(resize, scale, halves), "used ImageNet's mean and std"],
    ['channels in the other order', image({ bgr: {} }, resize, scale, imagenet), image(resize, scale, imagenet), 'channels in the other order'],
    ['another method', image({ resize: { ...resize.resize, method: 'bicubic' } }, scale), image(resize, scale), 'resized by bicubic with the rule of pillow'],
    ['another rule', image({ resize: { ...resize.resize, rule: 'opencv' } }, scale), image(resize, scale), 'resized by bilinear with the rule of opencv'],
    ['a letterbox', image({ resize: { ...resize.resize, fit: 'letterbox' } }, scale), image(resize, scale), 'fitted the image as letterbox'],
    ['another middle', image({ crop: { width: 14, height: 10, rounding: 'half-even' } }), image({ crop: { width: 14, height: 10 } }), 'rounded half-even'],
    ['other axes', image(resize, scale, { layout: 'NHWC' }), image(resize, scale, { layout: 'NCHW' }), 'axes NHWC instead of NCHW'],
  ])('%s', async (_what, exporter, recipe, words) => {
    const found = await difference(exporter, recipe, photo);
    expect(found?.message).toContain('input x of golden sample 0 (golden/0-raw)');
    expect(found?.cause).toContain(words);
  });

  test('the turned photo, and transparency', async () => {
    const turned = readFileSync(join(fixtures, 'images/turned.jpg'));
    const upright = { ...image({ crop: { width: 20, height: 20 } }), orientation: 'apply' };
    expect((await difference(upright, image({ crop: { width: 20, height: 20 } }), turned))?.cause).toContain('turned the image upright');
    const alpha = readFileSync(join(fixtures, 'images/alpha.png'));
    expect((await difference({ ...image(scale), alpha: 'drop' }, image(scale), alpha))?.cause).toContain('transparency as drop');
  });

  test('what no recipe says is seen in the arrays: another scale, inverted, mirrored, transposed', async () => {
    const right = await made(image({ gray: {} }, { resize: { width: 8, height: 8 } }, scale), photo, 4);
    const recipe = image({ gray: {} }, { resize: { width: 8, height: 8 } }, scale);
    const changed = (change: (values: Float32Array, i: number) => number) => {
      const values = right.data as Float32Array;
      return difference(
        float32Tensor(
          right.dims,
          values.map((_, i) => change(values, i)),
        ),
        recipe,
        photo,
      );
    };
    expect((await changed((v, i) => (v[i] ?? 0) * 3 - 1))?.cause).toContain('expected = 3 x found - 1');
    expect((await changed((v, i) => 1 - (v[i] ?? 0)))?.cause).toContain('inverted');
    expect((await changed((v, i) => v[i - (i % 8) + 7 - (i % 8)] ?? 0))?.cause).toContain('mirrored along its last axis');
    expect((await changed((v, i) => v[(i % 8) * 8 + Math.floor(i / 8)] ?? 0))?.cause).toContain('two axes of the same length have changed places');
    const other = await changed((v, i) => (i === 19 ? 9 : (v[i] ?? 0)));
    expect(other?.message).toContain('at [0,0,2,3], expected 9');
    expect(other?.message).toContain('1 of 64 values differ');
    expect(other?.cause).toBeUndefined();
  });

  test('what only most of it comes from is told as that', async () => {
    const want = await made(image(resize, scale), photo, 4);
    (want.data as Float32Array)[5] = 0.5 + ((want.data as Float32Array)[5] ?? 0);
    expect((await difference(want, image(resize), photo))?.cause).toMatch(/^most of it is as if the exporter divided the pixels by 255/);
  });

  test('a tensor of another shape or type is told as that', async () => {
    expect((await difference(float32Tensor([1, 3, 9, 12], new Float32Array(324)), image(resize), photo))?.message).toContain(
      'shape [1,3,10,12], expected [1,3,9,12]',
    );
    expect((await difference({ type: 'uint8', dims: [1, 3, 10, 12], data: new Uint8Array(360) }, image(resize), photo))?.message).toContain('expected uint8');
  });
});

describe('an exporter that prepares sound otherwise', () => {
  const audio = (features: object, more: object = {}) => ({ kind: 'audio', sampleRate: 16_000, features, ...more });
  const mel = { kind: 'log-mel', fft: 400, hop: 160, mels: 20 };

  test.each([
    [{ ...mel, centre: 'reflect' }, mel, 'centred the frames: reflect'],
    [{ ...mel, scale: 'htk' }, mel, 'mel scale htk'],
    [{ ...mel, norm: 'none' }, mel, 'normalized the bands: none'],
    [{ ...mel, log: { kind: 'none' } }, { ...mel, log: { kind: 'ln' } }, 'logarithm as none'],
  ])('%j against %j', async (exporter, recipe, words) => {
    expect((await difference(audio(exporter), audio(recipe), sound, 3))?.cause).toContain(words);
  });

  test('samples as 16-bit numbers, frames before bands', async () => {
    const wave = { kind: 'waveform' };
    expect((await difference(audio({ ...wave, factor: 32_768 }), audio(wave), sound, 2))?.cause).toContain('multiplied the samples by 32768');
    const turned = audio(mel, { axes: ['batch', 'frames', 'bands'] });
    expect((await difference(turned, audio(mel), sound, 3))?.cause).toContain('the axes are in another order');
  });
});

describe('an exporter that prepares tables otherwise', () => {
  const table = (columns: unknown[]) => ({ kind: 'table', columns });
  const csv = Buffer.from('a,b,c\n1,20,3\n4,50,7\n9,10,2\n');

  test('columns in another order, a scaler left out, categories by the alphabet', async () => {
    expect((await difference(table(['a', 'c', 'b']), table(['a', 'b', 'c']), csv, 2))?.cause).toContain('columns are in another order');
    expect((await difference(table(['a', 'b']), table([{ name: 'a', mean: 2, std: 3 }, 'b']), csv, 2))?.cause).toContain('did not apply mean and std');
    const animals = Buffer.from('k,n\ndog,1\ncat,2\n');
    const [given, sorted] = [
      ['dog', 'cat'],
      ['cat', 'dog'],
    ].map((categories) => table([{ name: 'k', categories }, 'n']));
    expect((await difference(sorted ?? {}, given ?? {}, animals, 2))?.cause).toContain('categories of k in alphabetical order');
  });

  test('rows are those of their sample and the ones after', async () => {
    const golden: GoldenCases = { inputs: { x: float32Tensor([4, 1], [0, 1, 2, 5]) }, outputs: {}, samples: 4 };
    const context = { recipe: parseRecipe('{kind: table, columns: [a]}'), inputs: any(2), files: NO_FILES, golden };
    expect(await checkRawInput({ path: '1-rows.csv', bytes: Buffer.from('a\n1\n2\n') }, context)).toBeUndefined();
    expect((await checkRawInput({ path: '2-rows.csv', bytes: Buffer.from('a\n2\n3\n') }, context))?.message).toContain(
      'at [3,0], expected 5, the recipe makes 3',
    );
    expect((await checkRawInput({ path: '3-rows.csv', bytes: Buffer.from('a\n5\n3\n') }, context))?.message).toContain('there are only 4');
  });
});

test('a raw file is named by its sample', () => {
  expect(['golden/3.png', '0007-seven.png', '12_x.wav', '5.tar.gz'].map(sampleOfRaw)).toEqual([3, 7, 12, 5]);
  expect(['seven.png', '3', 'x3.png', '12345678.png', '3seven.png'].map(sampleOfRaw)).toEqual(new Array(5).fill(undefined));
});
