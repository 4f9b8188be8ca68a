import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Applied, applyRecipe, describeRecipe, parseRecipe, readNpz, type Tensor, toNumbers } from '#core/datasets';

/** Made by make.py there, with Pillow, OpenCV and ONNX Runtime. */
const dir = join(import.meta.dirname, '../../fixtures/images');
const file = (name: string) => readFileSync(join(dir, name));
const NHWC = { layout: 'NHWC' };

function applied(recipe: object, bytes: Uint8Array, dims: (string | number)[] = ['n', 'a', 'b', 'c'], type = 'float32'): Promise<Applied> {
  return applyRecipe(parseRecipe(JSON.stringify({ kind: 'image', ...recipe })), bytes, [{ name: 'image', type, dims }]);
}

async function made(steps: object[], bytes: Uint8Array, dims?: (string | number)[], type?: string): Promise<Tensor> {
  const tensor = (await applied({ steps }, bytes, dims, type)).feeds.image;
  if (!tensor) throw new Error('no tensor was made');
  return tensor;
}

function differences(found: Tensor, expected: Tensor | undefined): { most: number; share: number } {
  const [a, b] = [toNumbers(found), expected ? toNumbers(expected) : new Float64Array()];
  expect(a.length).toBe(b.length);
  let [most, count] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs((a[i] ?? Number.NaN) - (b[i] ?? Number.NaN));
    most = Math.max(most, difference);
    if (difference > 0) count++;
  }
  return { most, share: count / a.length };
}

describe('a file is decoded as Pillow decodes it, to the bit', () => {
  test.each(['rgb.png', 'photo.jpg', 'progressive.jpg', 'gray.jpg', 'palette.png', 'bilevel.png', 'turned.jpg'])('%s', async (name) => {
    const want = (await readNpz(join(dir, 'decoded.npz'))).get(name);
    expect(differences(await made([NHWC], file(name)), want).most).toBe(0);
  });

  test.each(['deep.png', 'deepgray.png'])('%s: of 16 bits the upper 8 are kept, as OpenCV does', async (name) => {
    const want = (await readNpz(join(dir, 'decoded.npz'))).get(name);
    expect(differences(await made([NHWC], file(name)), want).most).toBe(0);
  });

  test('the camera’s note on how it was held is applied only where the recipe says so', async () => {
    const want = (await readNpz(join(dir, 'decoded.npz'))).get('turned.jpg upright');
    const { feeds } = await applied({ steps: [NHWC], orientation: 'apply' }, file('turned.jpg'));
    expect(feeds.image?.dims).toEqual([1, 37, 23, 3]);
    expect(differences(feeds.image ?? (await made([], file('rgb.png'))), want).most).toBe(0);
  });

  test('what shines through where it is transparent: white, black, or nothing', async () => {
    const want = (await readNpz(join(dir, 'decoded.npz'))).get('alpha.png');
    const { feeds } = await applied({ steps: [NHWC], alpha: 'drop' }, file('alpha.png'));
    expect(differences(feeds.image ?? (await made([], file('rgb.png'))), want).most).toBe(0);
    const pixel = await sharp(Buffer.from([200, 100, 0, 51]), { raw: { width: 1, height: 1, channels: 4 } })
      .png()
      .toBuffer();
    const over = async (alpha: string) => [...toNumbers((await applied({ steps: [], alpha }, pixel)).feeds.image ?? (await made([], pixel)))];
    expect(await over('white')).toEqual([244, 224, 204]);
    expect(await over('black')).toEqual([40, 20, 0]);
  });

  test.each([
    ['cmyk.jpg', 'image.cmyk', 'CMYK'],
    ['photo.webp', 'image.format', 'WebP'],
  ])('%s is refused by name', async (name, code, found) => {
    await expect(applied({ steps: [] }, file(name))).rejects.toMatchObject({ code, found, owner: 'input' });
  });

  test.each([
    ['GIF', 'GIF89a'],
    ['BMP', 'BM    '],
    ['TIFF', 'II*\0'],
    ['SVG', '<svg xmlns="http://www.w3.org/2000/svg"/>'],
    ['PDF', '%PDF-1.7'],
    ['other content', 'hello'],
  ])('%s is refused by name, and never given to a decoder', async (found, text) => {
    await expect(applied({ steps: [] }, Buffer.from(text, 'latin1'))).rejects.toMatchObject({ code: 'image.format', found });
  });
});

describe('another size', async () => {
  const expected = await readNpz(join(dir, 'resized.npz'));
  const source = file('rgb.png');
  const cases = [...expected.keys()].map((key): [string, string, number, number] => {
    const [rule = '', method = '', width, height] = key.split(' ');
    return [rule, method, Number(width), Number(height)];
  });
  const resize = (rule: string, method: string, width: number, height: number) => made([{ resize: { width, height, method, rule } }, NHWC], source);

  test.each(cases.filter(([rule]) => rule === 'pillow'))('%s %s to %i x %i, to the bit', async (rule, method, width, height) => {
    expect(differences(await resize(rule, method, width, height), expected.get(`${rule} ${method} ${width} ${height}`)).most).toBe(0);
  });

  test.each(cases.filter(([rule, method]) => rule === 'opencv' && (method === 'nearest' || method === 'bilinear')))(
    '%s %s to %i x %i, to the bit',
    async (rule, method, width, height) => {
      expect(differences(await resize(rule, method, width, height), expected.get(`${rule} ${method} ${width} ${height}`)).most).toBe(0);
    },
  );

  test.each(cases.filter(([rule, method]) => rule === 'opencv' && (method === 'bicubic' || method === 'area')))(
    '%s %s to %i x %i, within 1 level in at most 1 % of the values',
    async (rule, method, width, height) => {
      const { most, share } = differences(await resize(rule, method, width, height), expected.get(`${rule} ${method} ${width} ${height}`));
      expect(most).toBeLessThanOrEqual(1);
      expect(share).toBeLessThanOrEqual(0.01);
    },
  );

  test('Pillow before 13 always took the rows first, which differs by a few levels where the height shrinks most', async () => {
    const want = (await readNpz(join(dir, 'fits.npz'))).get('rows_first');
    expect(differences(await resize('pillow12', 'lanczos', 90, 7), want).most).toBe(0);
    expect(differences(await resize('pillow', 'lanczos', 90, 7), want).most).toBeGreaterThan(0);
  });

  test('lanczos by the rule of OpenCV, which is another filter, is refused', () => {
    expect(() => parseRecipe('{kind: image, steps: [resize: {width: 2, height: 2, method: lanczos, rule: opencv}]}')).toThrow(
      expect.objectContaining({ code: 'recipe.field-wrong' }),
    );
  });
});

describe('another size, of numbers', async () => {
  const expected = await readNpz(join(dir, 'floats.npz'));

  test.each([...expected.keys()])('%s as the ONNX operator to which PyTorch exports it, to float32', async (key) => {
    const [rule, method, width, height] = key.split(' ');
    const steps = [{ scale: { divide: 255 } }, { resize: { width: Number(width), height: Number(height), method, rule } }];
    const found = await made(steps, file('rgb.png'));
    expect(found.dims).toEqual(expected.get(key)?.dims);
    expect(differences(found, expected.get(key)).most).toBeLessThan(2e-6);
  });
});

describe('the aspect ratio kept', () => {
  let expected: Map<string, Tensor>;
  beforeAll(async () => {
    expected = await readNpz(join(dir, 'fits.npz'));
  });
  const crop = (size: number) => ({ crop: { width: size, height: size, rounding: 'half-even' } });

  test('the shorter side and the middle, as torchvision’s Resize and CenterCrop', async () => {
    expect(differences(await made([{ resize: { shorter: 16 } }, crop(13), NHWC], file('rgb.png')), expected.get('crop')).most).toBe(0);
    expect(differences(await made([{ resize: { shorter: 30 } }, crop(25), NHWC], file('tall.png')), expected.get('tall_crop')).most).toBe(0);
  });

  test('with ImageNet’s mean and deviation, to the bit in float32', async () => {
    const normalize = { normalize: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } };
    const found = await made([{ resize: { shorter: 16 } }, crop(13), { scale: { divide: 255 } }, normalize, { layout: 'NCHW' }], file('rgb.png'));
    expect(found).toEqual(expected.get('imagenet'));
  });

  test('a letterbox, as YOLO’s', async () => {
    const box = (width: number, height: number) => ({ resize: { width, height, fit: 'letterbox', fill: 114, rule: 'opencv' } });
    expect(differences(await made([box(40, 40), NHWC], file('rgb.png')), expected.get('letterbox')).most).toBe(0);
    expect(differences(await made([box(33, 24), NHWC], file('tall.png')), expected.get('tall_letterbox')).most).toBe(0);
  });

  test('the longer side, and a letterbox from the corner with a colour', async () => {
    expect((await made([{ resize: { longer: 74 } }, NHWC], file('rgb.png'))).dims).toEqual([1, 46, 74, 3]);
    const steps = [{ resize: { width: 37, height: 25, fit: 'letterbox', fill: [1, 2, 3], anchor: 'top-left' } }, NHWC];
    const found = await made(steps, file('rgb.png'));
    expect([...found.data.slice(0, 3)]).toEqual([...(await made([NHWC], file('rgb.png'))).data.slice(0, 3)]);
    expect([...found.data.slice(-3)]).toEqual([1, 2, 3]);
  });

  test('where a pixel of the file lies in what the model gets is told', async () => {
    const { frame } = await applied({ steps: [{ resize: { width: 74, height: 74, fit: 'letterbox' } }, { crop: { width: 70, height: 74 } }] }, file('rgb.png'));
    expect(frame).toEqual({ width: 37, height: 23, scaleX: 2, scaleY: 2, offsetX: -2, offsetY: 14, toWidth: 70, toHeight: 74 });
  });
});

describe('channels, axes and types', () => {
  const pixel = () =>
    sharp(Buffer.from([1, 2, 3, 4, 5, 6]), { raw: { width: 2, height: 1, channels: 3 } })
      .png()
      .toBuffer();

  test('BGR, and axes with and without a batch', async () => {
    expect([...(await made([{ bgr: {} }, { layout: 'HWC' }], await pixel(), [1, 2, 3])).data]).toEqual([3, 2, 1, 6, 5, 4]);
    expect([...(await made([{ layout: 'CHW' }], await pixel(), [3, 1, 2])).data]).toEqual([1, 4, 2, 5, 3, 6]);
    expect((await made([{ gray: {} }, { layout: 'HW' }], await pixel(), [1, 2])).dims).toEqual([1, 2]);
    await expect(made([{ layout: 'HW' }], await pixel(), [1, 2])).rejects.toMatchObject({ code: 'recipe.does-not-fit', found: '3 channels' });
  });

  test('whole numbers are rounded and held within their type', async () => {
    expect((await made([{ layout: 'HWC' }], await pixel(), [1, 2, 3], 'uint8')).data).toEqual(Uint8Array.of(1, 2, 3, 4, 5, 6));
    const steps = [{ normalize: { mean: [3.5], std: [0.01] } }, { layout: 'HWC' }];
    expect((await made(steps, await pixel(), [1, 2, 3], 'int8')).data).toEqual(Int8Array.of(-128, -128, -50, 50, 127, 127));
  });

  test('the steps are told in words', () => {
    const steps =
      '[bgr: {}, resize: {shorter: 256, method: bicubic}, crop: {width: 224, height: 224}, resize: {width: 8, height: 8, fit: letterbox, rule: opencv}]';
    expect(describeRecipe(parseRecipe(`{kind: image, orientation: apply, steps: ${steps}}`)).steps).toEqual([
      'turn upright',
      'red and blue swapped (BGR)',
      'resize the shorter side to 256 (bicubic)',
      'crop the middle 224 x 224',
      'fit into 8 x 8 (bilinear, as OpenCV)',
    ]);
  });
});

describe('what would take too much', () => {
  test('an image so narrow that its longer side would be too long', async () => {
    const line = await sharp({ create: { width: 1, height: 100, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    await expect(made([{ resize: { shorter: 224 } }], line)).rejects.toMatchObject({ code: 'recipe.does-not-fit', found: '22400' });
  });

  test('a small file that unfolds into a large tensor', async () => {
    const large = await sharp({ create: { width: 4000, height: 4000, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    expect(large.length).toBeLessThan(300_000);
    await expect(made([], large)).rejects.toMatchObject({ code: 'recipe.does-not-fit', found: '4000 x 4000 x 3' });
  });

  test('a crop larger than the image', async () => {
    await expect(made([{ crop: { width: 38, height: 5 } }], file('rgb.png'))).rejects.toMatchObject({ code: 'image.too-small', found: '37 x 23' });
  });
});
