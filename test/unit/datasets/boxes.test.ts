import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { answer, float32Tensor, makeTensor, parseRecipe, readNpz, type Tensor, toNumbers } from '#core/datasets';

/** Made by make.py there, with OpenCV. */
const fixtures = join(import.meta.dirname, '../../fixtures/boxes/boxes.npz');

async function found(how: object, outputs: Record<string, Tensor>, context: Parameters<typeof answer>[2] = {}) {
  const result = await answer(parseRecipe(JSON.stringify({ kind: 'tensors', answer: { kind: 'boxes', ...how } })), outputs, context);
  if (result.kind !== 'boxes') throw new Error(result.kind);
  return result;
}

/** A letterbox of an image of 64 x 32 pixels into 32 x 32: half the size, 8 pixels from the top. */
const frame = { width: 64, height: 32, scaleX: 0.5, scaleY: 0.5, offsetX: 0, offsetY: 8, toWidth: 32, toHeight: 32 };
const applied = { feeds: {}, frame };

describe('what a detector found', () => {
  test.each([
    ['yolo8', { form: 'cxcywh' }],
    ['yolo5', { form: 'cxcywh', order: 'boxes-first', objectness: true, threshold: 0.3, overlap: 0.6 }],
  ])('%s: the boxes OpenCV keeps, with the same class and score, in the same order', async (name, how) => {
    const arrays = await readNpz(fixtures);
    const [output, want] = [arrays.get(name), arrays.get(`${name}_kept`)];
    if (!output || !want) throw new Error('the fixture is not there');
    const { boxes } = await found({ output: name, ...how }, { [name]: output });
    const rows = toNumbers(want);
    expect(boxes.length).toBe(want.dims[0]);
    expect(boxes.length).toBeGreaterThan(20);
    boxes.forEach((box, i) => {
      const [index, score, ...corners] = rows.subarray(6 * i, 6 * i + 6);
      expect(box.index).toBe(index);
      expect(box.score).toBeCloseTo(score ?? 0, 6);
      [box.left, box.top, box.right, box.bottom].forEach((at, k) => expect(at).toBeCloseTo(corners[k] ?? 0, 3));
    });
  });

  test('boxes, scores and classes apart, as torchvision: corners are brought back to the image and labels start at 1', async () => {
    const outputs = {
      boxes: float32Tensor([2, 4], [8, 8, 16, 24, -4, 0, 40, 40]),
      scores: float32Tensor([2], [0.9, 0.5]),
      labels: makeTensor('int64', [2], BigInt64Array.of(2n, 1n)),
    };
    const how = { boxes: 'boxes', scores: 'scores', classes: 'labels', form: 'xyxy', firstClass: 1, overlap: 'none' };
    const { boxes, image } = await found(how, outputs, { labels: ['cat', 'dog'], applied });
    expect(image).toEqual({ width: 64, height: 32 });
    expect(boxes[0]).toEqual({ label: 'dog', index: 1, score: expect.closeTo(0.9) as number, left: 16, top: 0, right: 32, bottom: 32 });
    expect(boxes[1]).toMatchObject({ label: 'cat', left: 0, top: 0, right: 64, bottom: 32 });
  });

  test('shares of the input in the order of TensorFlow, with a score for each class and a background', async () => {
    const outputs = { boxes: float32Tensor([1, 1, 4], [0.25, 0.5, 0.75, 1]), scores: float32Tensor([1, 1, 3], [0.99, 0.2, 0.7]) };
    const { boxes } = await found({ boxes: 'boxes', scores: 'scores', form: 'yxyx', normalized: true, firstClass: 1 }, outputs, { applied });
    expect(boxes).toEqual([{ label: '1', index: 1, score: expect.closeTo(0.7) as number, left: 32, top: 0, right: 64, bottom: 32 }]);
  });

  test('the surest so many, logits through a sigmoid, equal boxes of another class kept', async () => {
    const output = float32Tensor([1, 3, 6], [8, 8, 4, 4, 2, -9, 8, 8, 4, 4, -9, 1, 8, 8, 4, 4, 1.5, -9]);
    const how = { output: 'y', form: 'xywh', order: 'boxes-first', activation: 'sigmoid' };
    expect((await found(how, { y: output })).boxes.map((b) => b.index)).toEqual([0, 1]);
    expect((await found({ ...how, top: 1 }, { y: output })).boxes).toEqual([
      { label: '0', index: 0, score: expect.closeTo(1 / (1 + Math.exp(-2))) as number, left: 8, top: 8, right: 12, bottom: 12 },
    ]);
    expect((await found({ ...how, threshold: 1 }, { y: output })).boxes).toEqual([]);
  });

  test.each([
    ['an output of another form', { output: 'y', form: 'xyxy' }, { y: float32Tensor([1, 4, 9], new Array<number>(36).fill(0)) }, 'answer.output-unlike'],
    ['NaN', { output: 'y', form: 'xyxy' }, { y: float32Tensor([1, 5, 1], [0, 0, 1, 1, Number.NaN]) }, 'answer.not-finite'],
    [
      'scores that are not one for each box',
      { boxes: 'b', scores: 's', classes: 'c', form: 'xyxy' },
      { b: float32Tensor([2, 4], new Array<number>(8).fill(0)), s: float32Tensor([3], [0, 0, 0]), c: float32Tensor([2], [0, 0]) },
      'answer.output-unlike',
    ],
    ['too many boxes', { output: 'y', form: 'xyxy' }, { y: float32Tensor([1, 5, 200_001], new Float32Array(5 * 200_001)) }, 'answer.output-unlike'],
  ])('%s is refused', async (_what, how, outputs, code) => {
    await expect(found(how, outputs)).rejects.toMatchObject({ code, owner: 'input' });
  });

  test('a recipe names one output or two', () => {
    for (const how of ['form: xyxy', 'form: xyxy, boxes: b', 'form: xyxy, output: y, boxes: b, scores: s'])
      expect(() => parseRecipe(`{kind: tensors, answer: {kind: boxes, ${how}}}`)).toThrow(expect.objectContaining({ code: 'recipe.field-wrong' }));
  });
});
