import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { answer, applyRecipe, describeRecipe, encodeNpz, float32Tensor, makeTensor, parseRecipe, readNpz, toNumbers, writeNpy } from '#core/datasets';

const sample = join(import.meta.dirname, '../../../assets/sample-bundle');
const digits = join(import.meta.dirname, '../../fixtures/digits');
const image = (dims: (number | string)[], type = 'float32') => [{ name: 'image', type, dims }];

/** The same pixels as the reference values below were made from: a linear congruential generator. */
function noise(count: number): Buffer {
  let state = 12_345;
  return Buffer.from(
    Array.from({ length: count }, () => {
      state = Number((BigInt(state) * 1_103_515_245n + 12_345n) & 0x7fffffffn);
      return (state >> 16) & 255;
    }),
  );
}

function png(width: number, height: number, channels: 1 | 2 | 3 | 4, data: Uint8Array): Promise<Buffer> {
  return sharp(data, { raw: { width, height, channels } }).png().toBuffer();
}

async function pixelsOf(recipe: string, file: Uint8Array): Promise<{ values: number[]; dims: number[]; hash: string }> {
  const { feeds } = await applyRecipe(parseRecipe(recipe), file, image(['n', 'h', 'w', 'c']));
  const tensor = feeds.image ?? float32Tensor([0], []);
  const values = [...toNumbers(tensor)];
  return { values, dims: tensor.dims, hash: createHash('sha256').update(Uint8Array.from(values)).digest('hex') };
}

describe('an image becomes exactly the tensor the model was trained on', () => {
  test('the sample bundle: every example image equals its row of the test set', async () => {
    const recipe = parseRecipe(readFileSync(join(sample, 'recipe.yaml'), 'utf8'));
    const test = await readNpz(join(digits, 'test.npz'));
    const rows = test.get('in_image')?.data as Float32Array;
    const labels = test.get('label')?.data as BigInt64Array;
    for (const name of readdirSync(join(sample, 'examples'))) {
      const { feeds, preview } = await applyRecipe(recipe, readFileSync(join(sample, 'examples', name)), image(['batch', 1, 8, 8]));
      const found = [...labels.keys()].find((row) => [...rows.subarray(row * 64, row * 64 + 64)].every((v, i) => v === feeds.image?.data[i]));
      expect(found, name).toBeDefined();
      expect(Number(labels[found ?? 0])).toBe(Number(/\d/.exec(name)?.[0]));
      expect(preview).toMatchObject({ width: 8, height: 8 });
    }
  });
});

describe('pixel steps agree with Pillow 13 to the bit', () => {
  const source = png(37, 23, 3, noise(37 * 23 * 3));

  test('gray', async () => {
    expect((await pixelsOf('{kind: image, steps: [gray: {}, layout: NHWC]}', await source)).hash).toBe(
      'b49567a3674b53795c917bc3bea5bb85aa67b4773788868b6937f3882414539d',
    );
  });

  test.each([
    ['area', 8, 8, '141ccb87e35b18976c13fa490fc1f82b24205a5f196c51cae7ca92cb68a9b0a2'],
    ['bilinear', 8, 8, '824ca4e74ed575e1e984c186f4e09211c74ce10aa63017bc42bf161fb20d36ad'],
    ['nearest', 8, 8, '361ffae4e8e3803f412a4ab4a80e1f5dfdeaf041d94d176adfbb28c4ca320bb6'],
    ['area', 16, 50, '7a6f6a60010c9b06cfe6e80517590fb8eeb46d182245bbd5fb5f44a917539343'],
    ['bilinear', 16, 50, 'a63e815323dbc382994e59091ff85da4d7a94098c308cc359ee38c9b1682789c'],
    ['nearest', 16, 50, '8764b30bf00c57999a956de1298ec9b7834b1a586cbca74f5ead4488fcc18cf3'],
    ['area', 37, 10, 'e79589848205f7ec51eecd855b837fce2a5c631e1f67f92856c63c30b89b4e07'],
    ['bilinear', 37, 10, 'f5d25046960ee7d5b2ac8083a4ff5b3e9b05d1309f9f7d82e456890fb6409665'],
    ['area', 64, 64, '28950b1c33a10456616cb0cded38a904ea338a2f51ee2062ab4061bf93957ef9'],
    ['bilinear', 64, 64, '49c44a673343c7ffcf39402c07a4d8d0e8f93b820cf042c7a79fe86a42741e53'],
    ['nearest', 64, 64, '28950b1c33a10456616cb0cded38a904ea338a2f51ee2062ab4061bf93957ef9'],
    ['area', 5, 23, '1416efaea1abd796bb6b254514c66f143d69d2c964efe7338f6686ea714f01d0'],
    ['bilinear', 5, 23, '1ab04e7fff506bf3dee7f9c0c60112987b63f7b3f37219e692e718fce5f343e9'],
    ['area', 1, 1, 'e6df9caf9562876b8f456910d96fbfa2715bcab8bc3f5b7acab5299e6bf97713'],
    ['bilinear', 1, 1, 'd732297babadbbda2edd3a6626d96d952c24dcc6400617b749a00166ec7b72ed'],
    ['nearest', 1, 1, 'adfa1f49ebb7a3e09035ec2fd4c4606b93b860a17a3a0c5d26b5413ae1c37834'],
  ])('%s to %i x %i', async (method, width, height, hash) => {
    const found = await pixelsOf(`{kind: image, steps: [resize: {width: ${width}, height: ${height}, method: ${method}}, layout: NHWC]}`, await source);
    expect(found.dims).toEqual([1, height, width, 3]);
    expect(found.hash).toBe(hash);
  });
});

describe('image files of all forms', () => {
  test('transparency is laid over white; gray with alpha stays gray', async () => {
    const colour = await png(2, 1, 4, Buffer.from([255, 0, 0, 0, 10, 20, 30, 128]));
    expect((await pixelsOf('{kind: image, steps: [layout: NHWC]}', colour)).values).toEqual([255, 255, 255, 132, 137, 142]);
    const gray = await sharp(Buffer.from([0, 255, 100, 0]), { raw: { width: 2, height: 1, channels: 2 } })
      .png()
      .toBuffer();
    expect((await pixelsOf('{kind: image, steps: [gray: {}, layout: NHWC]}', gray)).values).toEqual([0, 255]);
  });

  test('a gray file becomes three equal channels on demand, and NCHW puts planes one after another', async () => {
    const gray = await png(2, 1, 1, Buffer.from([7, 9]));
    const { feeds } = await applyRecipe(parseRecipe('{kind: image, steps: [rgb: {}]}'), gray, image([1, 3, 1, 2]));
    expect(feeds.image).toEqual(float32Tensor([1, 3, 1, 2], [7, 9, 7, 9, 7, 9]));
  });

  test('JPEG is read, the middle is cut out, numbers are scaled per channel, and the type is the input’s', async () => {
    const jpeg = await sharp({ create: { width: 5, height: 4, channels: 3, background: { r: 200, g: 200, b: 200 } } })
      .jpeg()
      .toBuffer();
    const recipe = parseRecipe('{kind: image, steps: [crop: {width: 2, height: 2}, normalize: {mean: [0, 100, 200], std: [1, 10, 1]}]}');
    const { feeds } = await applyRecipe(recipe, jpeg, image([1, 3, 2, 2], 'float16'));
    expect([...toNumbers(feeds.image ?? float32Tensor([0], []))]).toEqual([200, 200, 200, 200, 10, 10, 10, 10, 0, 0, 0, 0]);
    expect(feeds.image?.type).toBe('float16');
  });

  test.each([
    ['text', Buffer.from('hello'), 'image.format'],
    ['a PNG cut short', readFileSync(join(sample, 'examples/digit-7.png')).subarray(0, 60), 'image.damaged'],
  ])('%s is refused', async (_what, bytes, code) => {
    await expect(applyRecipe(parseRecipe('{kind: image, steps: []}'), bytes, image([1, 1, 8, 8]))).rejects.toMatchObject({ code, owner: 'input' });
  });

  test('an image of too many pixels is refused before it is decoded', async () => {
    const header = Buffer.from(readFileSync(join(sample, 'examples/digit-7.png')));
    header.writeUInt32BE(60_000, 16);
    header.writeUInt32BE(60_000, 20);
    // The checksum of the header chunk is made right again, so that only the size can be at fault.
    const { crc32 } = await import('node:zlib');
    header.writeUInt32BE(crc32(header.subarray(12, 29)), 29);
    await expect(applyRecipe(parseRecipe('{kind: image, steps: []}'), header, image([1, 1, 8, 8]))).rejects.toMatchObject({ code: 'image.too-large' });
  });

  test('a tensor that does not fit the model is refused with both shapes', async () => {
    const file = readFileSync(join(sample, 'examples/digit-7.png'));
    await expect(applyRecipe(parseRecipe('{kind: image, steps: [gray: {}]}'), file, image([1, 3, 8, 8]))).rejects.toMatchObject({
      code: 'recipe.does-not-fit',
      expected: 'float32 [1, 3, 8, 8]',
      found: 'float32 [1, 1, 8, 8]',
    });
    await expect(applyRecipe(parseRecipe('{kind: image, input: picture, steps: []}'), file, image([1, 1, 8, 8]))).rejects.toMatchObject({
      code: 'recipe.does-not-fit',
      found: 'picture',
    });
  });
});

describe('tensors as input', () => {
  const x = float32Tensor([1, 2], [1, 2]);
  const ids = makeTensor('int64', [1], BigInt64Array.of(5n));
  const two = [
    { name: 'x', type: 'float32', dims: ['n', 2] },
    { name: 'ids', type: 'int64', dims: ['n'] },
  ];

  test('arrays are found by the input’s name, with or without in_; a single .npy needs no name', async () => {
    const { feeds } = await applyRecipe(
      undefined,
      encodeNpz(
        new Map([
          ['in_x', x],
          ['ids', ids],
        ]),
      ),
      two,
    );
    expect(feeds).toEqual({ x, ids });
    expect((await applyRecipe(parseRecipe('kind: tensors'), writeNpy(x), two.slice(0, 1))).feeds).toEqual({ x });
  });

  test('a missing array and a wrong type are named', async () => {
    await expect(applyRecipe(undefined, encodeNpz(new Map([['x', x]])), two)).rejects.toMatchObject({ code: 'recipe.does-not-fit', found: 'x' });
    await expect(
      applyRecipe(
        undefined,
        encodeNpz(
          new Map([
            ['x', x],
            ['ids', x],
          ]),
        ),
        two,
      ),
    ).rejects.toMatchObject({ found: 'float32 [1, 2]' });
  });
});

describe('what a recipe may not say', () => {
  test.each([
    ['an unknown kind', 'kind: smell', 'kind'],
    ['an unknown step', 'kind: image\nsteps: [blur: {}]', 'steps.0'],
    ['two steps in one', 'kind: image\nsteps: [{gray: {}, rgb: {}}]', 'steps.0'],
    ['an unknown field of a step', 'kind: image\nsteps: [resize: {width: 8, height: 8, metod: area}]', 'steps.0.resize'],
    ['a size of zero', 'kind: image\nsteps: [resize: {width: 0, height: 8}]', 'steps.0.resize.width'],
    ['a division by zero', 'kind: image\nsteps: [scale: {divide: 0}]', 'steps.0.scale.divide'],
    ['pixels after numbers', 'kind: image\nsteps: [scale: {divide: 255}, gray: {}]', 'steps.1'],
    ['an unknown field', 'kind: tensors\nstep: []', 'the document'],
  ])('%s is refused, naming the field', (_what, text, field) => {
    expect(() => parseRecipe(text)).toThrowError(
      expect.objectContaining({ code: 'recipe.field-wrong', owner: 'input', message: expect.stringContaining(`: ${field} is wrong`) }),
    );
  });

  test.each([
    ['broken YAML', 'kind: [', 'recipe.not-yaml'],
    ['the same key twice', 'kind: image\nkind: image', 'recipe.not-yaml'],
    ['repetition without end', `a: &a [1,1,1]\nb: &b [${'*a,'.repeat(50)}1]\nc: [${'*b,'.repeat(50)}1]`, 'recipe.not-yaml'],
    ['too much text', `kind: image # ${'x'.repeat(70_000)}`, 'recipe.too-long'],
  ])('%s is refused', (_what, text, code) => {
    expect(() => parseRecipe(text)).toThrowError(expect.objectContaining({ code, owner: 'input' }));
  });

  test('the steps can be read as words', () => {
    expect(describeRecipe(parseRecipe(readFileSync(join(sample, 'recipe.yaml'), 'utf8')))).toEqual({
      kind: 'image',
      steps: ['to gray (BT.601)', 'resize to 8 x 8 (area)', 'divide by 255', 'subtract 0.5, divide by 0.5', 'axes NCHW'],
    });
  });
});

describe('answers', () => {
  const logits = { logits: float32Tensor([2, 3], [1, 3, 2, 9, 9, 9]) };

  test('labels come best first with their softmax, of the first sample', async () => {
    const found = await answer(parseRecipe('{kind: tensors, answer: {kind: labels, output: logits, top: 2}}'), logits, { labels: ['a', 'b', 'c'] });
    expect(found).toEqual({ kind: 'labels', labels: [expect.objectContaining({ label: 'b', index: 1 }), expect.objectContaining({ label: 'c', index: 2 })] });
    const e = [Math.exp(-2), 1, Math.exp(-1)];
    expect(found.kind === 'labels' && found.labels[0]?.confidence).toBeCloseTo(1 / (e[0]! + e[1]! + e[2]!), 12);
  });

  test('values are scaled and carry their unit', async () => {
    const recipe = parseRecipe('{kind: tensors, answer: {kind: values, output: y, names: [now], scale: 3, offset: 1, unit: ppm}}');
    expect(await answer(recipe, { y: float32Tensor([1, 2], [1, 2]) })).toEqual({
      kind: 'values',
      values: [
        { name: 'now', value: 4, unit: 'ppm' },
        { name: 'y[1]', value: 7, unit: 'ppm' },
      ],
    });
  });

  test('without a recipe the first elements of each output are shown', async () => {
    expect(
      await answer(undefined, {
        y: float32Tensor(
          [20],
          Array.from({ length: 20 }, (_, i) => i),
        ),
      }),
    ).toEqual({ kind: 'tensors', tensors: [{ name: 'y', preview: Array.from({ length: 16 }, (_, i) => i) }] });
  });

  test('NaN and infinity are never an answer; where nothing reads the outputs they are told apart from numbers', async () => {
    for (const recipe of ['{kind: tensors, answer: {kind: labels, output: y}}', '{kind: tensors, answer: {kind: values, output: y}}']) {
      await expect(answer(parseRecipe(recipe), { y: float32Tensor([1, 2], [1, Number.NaN]) })).rejects.toThrowError(
        expect.objectContaining({ code: 'answer.not-finite', owner: 'input' }),
      );
    }
    expect(await answer(undefined, { y: float32Tensor([3], [Number.NaN, Number.NEGATIVE_INFINITY, 2]) })).toEqual({
      kind: 'tensors',
      tensors: [{ name: 'y', preview: [null, null, 2] }],
    });
  });

  test('an output the model does not have is named', async () => {
    await expect(answer(parseRecipe('{kind: tensors, answer: {kind: labels, output: nope}}'), { a: logits.logits, b: logits.logits })).rejects.toThrowError(
      expect.objectContaining({ code: 'metric.output-missing' }),
    );
  });
});
