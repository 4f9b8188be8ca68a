import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bootstrapInterval,
  compareGolden,
  float32Tensor,
  goldenCases,
  goldenRule,
  makeTensor,
  metricKind,
  percentile,
  scoreMetric,
  seededPrng,
  sorted,
  wilsonInterval,
} from '#core/datasets';

const int64 = (dims: number[], values: number[]) => makeTensor('int64', dims, BigInt64Array.from(values, BigInt));

describe('percentiles', () => {
  test('are numpy’s, linear between order statistics', () => {
    const inOrder = sorted([5, 1, 9, 3, 7, 2, 8]);
    expect([0, 2.5, 37, 50, 90, 95, 99, 100].map((p) => percentile(inOrder, p))).toEqual([1, 1.15, 3.4399999999999995, 5, 8.4, 8.7, 8.94, 9]);
    expect(percentile([4], 99)).toBe(4);
  });

  test('never leave the range and never fall as p grows', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { minLength: 1 }), fc.nat(100), fc.nat(100), (values, p, q) => {
        const inOrder = sorted(values);
        const [a, b] = [percentile(inOrder, Math.min(p, q)), percentile(inOrder, Math.max(p, q))];
        expect(a).toBeLessThanOrEqual(b);
        expect(a).toBeGreaterThanOrEqual(inOrder[0] ?? 0);
        expect(b).toBeLessThanOrEqual(inOrder.at(-1) ?? 0);
      }),
    );
  });
});

describe('intervals', () => {
  test.each([
    [591, 600, 0.9717403929844038, 0.9920887570323066],
    [0, 10, 0, 0.2775327998628892],
    [10, 10, 0.7224672001371107, 1],
    [3, 7, 0.15821985525146975, 0.7495416354723428],
  ])('Wilson: %i of %i', (successes, n, low, high) => {
    const found = wilsonInterval(successes, n);
    expect(found.low).toBeCloseTo(low, 12);
    expect(found.high).toBeCloseTo(high, 12);
  });

  test('bootstrap: the same seed gives the same interval, near the normal one for a mean', async () => {
    const prng = seededPrng(7);
    const values = Float64Array.from({ length: 400 }, () => prng.next() / 2 ** 32);
    const weighted = (weights: Uint32Array) => weights.reduce((sum, times, i) => sum + times * (values[i] ?? 0), 0) / 400;
    const a = await bootstrapInterval(400, weighted);
    expect(await bootstrapInterval(400, weighted)).toEqual(a);
    const mean = values.reduce((x, y) => x + y) / 400;
    const error = Math.sqrt(values.reduce((s, v) => s + (v - mean) ** 2, 0) / 400 / 400);
    expect(a.low).toBeCloseTo(mean - 1.96 * error, 2);
    expect(a.high).toBeCloseTo(mean + 1.96 * error, 2);
  });

  test('random numbers are those of xoshiro128** for good: the first of seed 1', () => {
    const prng = seededPrng(1);
    expect([prng.next(), prng.next(), prng.next()]).toEqual([2442144158, 3238099751, 3819917871]);
  });
});

describe('metrics', () => {
  const logits = float32Tensor([4, 3], [1, 2, 3, 3, 2, 1, 1, 1, 0, Number.NaN, 5, 0]);

  test('top1 takes the first of equal scores, and NaN as numpy’s argmax does', async () => {
    const result = await scoreMetric({ name: 'top1_accuracy', output: 'y' }, [{ outputs: { y: logits }, labels: int64([4], [2, 0, 0, 0]) }]);
    expect(result).toMatchObject({ value: 1, samples: 4, higherIsBetter: true });
    expect(await scoreMetric({ name: 'top1_accuracy', output: 'y' }, [{ outputs: { y: logits }, labels: int64([4], [2, 0, 1, 1]) }])).toMatchObject({
      value: 0.5,
    });
  });

  test('is the same however the samples are cut into batches', async () => {
    const rows = (from: number, to: number) => ({
      outputs: {
        y: float32Tensor(
          [to - from],
          Array.from({ length: to - from }, (_, i) => (from + i) ** 1.5),
        ),
      },
      labels: float32Tensor(
        [to - from],
        Array.from({ length: to - from }, (_, i) => (from + i) * 2),
      ),
    });
    const whole = await scoreMetric({ name: 'rmse', output: 'y' }, [rows(0, 40)]);
    expect(await scoreMetric({ name: 'rmse', output: 'y' }, [rows(0, 7), rows(7, 40)])).toEqual(whole);
    expect(whole.low).toBeLessThan(whole.value);
    expect(whole.high).toBeGreaterThan(whole.value);
  });

  test('mae multiplies the output by its scale', async () => {
    const batch = { outputs: { y: float32Tensor([2, 2], [1, 2, 3, 4]) }, labels: float32Tensor([2, 2], [3, 5, 9, 12]) };
    expect(await scoreMetric({ name: 'mae', output: 'y', outputScale: 3 }, [batch])).toMatchObject({ value: 0.25, higherIsBetter: false });
  });

  test('label accuracy compares labels, of text too', async () => {
    const batch = { outputs: { y: makeTensor('string', [3], ['a', 'b', 'c']) }, labels: makeTensor('string', [3], ['a', 'b', 'x']) };
    expect((await scoreMetric({ name: 'label_accuracy', output: 'y' }, [batch])).value).toBeCloseTo(2 / 3, 12);
    expect((await scoreMetric({ name: 'label_accuracy', output: 'y' }, [{ outputs: { y: int64([2, 1], [4, 5]) }, labels: int64([2], [4, 6]) }])).value).toBe(
      0.5,
    );
  });

  test('perplexity leaves out tokens with a negative label', async () => {
    const batch = { outputs: { y: float32Tensor([1, 3, 2], [0, 0, 100, -100, 1, 0]) }, labels: int64([1, 3], [1, -1, 0]) };
    const nll = (Math.log(2) + Math.log(1 + Math.exp(-1))) / 2;
    expect((await scoreMetric({ name: 'perplexity', output: 'y' }, [batch])).value).toBeCloseTo(Math.exp(nll), 12);
  });

  test.each([
    ['an unknown metric', { name: 'charm', output: 'y' }, int64([4], [0, 0, 0, 0]), 'metric.unknown'],
    ['a property every object has', { name: 'constructor', output: 'y' }, int64([4], [0, 0, 0, 0]), 'metric.unknown'],
    ['labels for other samples', { name: 'top1_accuracy', output: 'y' }, int64([3], [0, 0, 0]), 'metric.samples-differ'],
    ['no samples', { name: 'top1_accuracy', output: 'y' }, int64([0], []), 'metric.samples-differ'],
    ['labels of another shape', { name: 'mae', output: 'y' }, int64([4], [0, 0, 0, 0]), 'metric.shape-differs'],
    ['answers of NaN', { name: 'mae', output: 'y' }, float32Tensor([4, 3], new Float32Array(12)), 'metric.not-finite'],
  ])('%s is refused', async (_what, spec, labels, code) => {
    await expect(scoreMetric(spec, [{ outputs: { y: logits }, labels }])).rejects.toMatchObject({ code, owner: 'input' });
  });
});

describe('golden comparison', () => {
  const expected = { y: float32Tensor([2, 2], [1, -2, 0, Number.POSITIVE_INFINITY]) };
  const close = { atol: 0.01, rtol: 0.1 };

  test('numbers are near as numpy’s allclose has it, and the worst element is named', () => {
    expect(compareGolden(expected, { y: float32Tensor([2, 2], [1.109, -2.2, 0.01, Number.POSITIVE_INFINITY]) }, close)).toMatchObject({ pass: true });
    const found = compareGolden(expected, { y: float32Tensor([2, 2], [1.2, -2, 0.5, Number.POSITIVE_INFINITY]) }, close);
    expect(found).toMatchObject({
      pass: false,
      maxAbsError: 0.5,
      worst: 'y[1,0] expected 0, found 0.5 (golden sample 1; at most 0.01 apart allowed; 2 of 4 values are beyond)',
      detail: { output: 'y', sample: 1, index: [1, 0], expected: '0', found: '0.5', allowed: 0.01, failing: 2, elements: 4 },
    });
  });

  test.each([
    ['NaN where a number was expected', float32Tensor([2, 2], [Number.NaN, -2, 0, Number.POSITIVE_INFINITY])],
    ['a number where infinity was expected', float32Tensor([2, 2], [1, -2, 0, 1e30])],
    ['another shape', float32Tensor([4], [1, -2, 0, 1])],
    ['another type', makeTensor('float64', [2, 2], Float64Array.of(1, -2, 0, 1))],
  ])('%s never passes', (_what, y) => {
    expect(compareGolden(expected, { y }, { atol: 1e30, rtol: 1 })).toMatchObject({ pass: false, maxAbsError: Number.MAX_VALUE });
  });

  test('NaN equals NaN, a missing output fails, whole numbers must be equal', () => {
    const nan = { y: float32Tensor([1], [Number.NaN]) };
    expect(compareGolden(nan, { y: float32Tensor([1], [Number.NaN]) }, close).pass).toBe(true);
    expect(compareGolden({ a: expected.y, b: expected.y }, { a: expected.y }, close)).toMatchObject({ pass: false, worst: 'the output b is missing' });
    expect(compareGolden({ label: int64([2], [1, 2]) }, { label: int64([2], [1, 3]) }, { atol: 10, rtol: 1 })).toMatchObject({
      pass: false,
      worst: 'label[1] expected 2, found 3 (golden sample 1; they must be equal; 1 of 2 values are beyond)',
    });
    expect(compareGolden({ t: makeTensor('string', [1], ['a']) }, { t: makeTensor('string', [1], ['b']) }, close)).toMatchObject({
      pass: false,
      worst: 't[0] expected a, found b (golden sample 0; they must be equal; 1 of 1 values are beyond)',
    });
  });

  test('a quantized model is held to its answers: best class, equal label, or near value', () => {
    const want = { y: float32Tensor([4, 2], [1, 0, 0, 1, 1, 0, 0, 1]) };
    const got = { y: float32Tensor([4, 2], [5, 3, 0, 9, 0.9, 0, 2, 1]) };
    expect(compareGolden(want, got, goldenRule('int8', {}))).toMatchObject({
      pass: false,
      agreement: 0.75,
      worst: 'y[3] expected best class 1, found 0 (1 of 4 golden samples differ)',
    });
    expect(compareGolden(want, got, goldenRule('int8', { int8: { agreement: 0.7 } }))).toMatchObject({ pass: true, agreement: 0.75 });
    expect(metricKind('label_accuracy').answer).toBe('equal');
    const near = goldenRule('int8', {}, { name: 'mae', output: 'y' });
    expect(compareGolden({ y: float32Tensor([2, 1], [0, 10]) }, { y: float32Tensor([2, 1], [0.9, 10.9]) }, near)).toMatchObject({ pass: true, agreement: 1 });
    expect(compareGolden({ y: float32Tensor([2, 1], [0, 10]) }, { y: float32Tensor([2, 1], [0.9, 11.1]) }, near)).toMatchObject({
      pass: false,
      agreement: 0.5,
    });
    expect(compareGolden(want, { y: float32Tensor([4, 2], new Array<number>(8).fill(Number.NaN)) }, goldenRule('int8'))).toMatchObject({
      pass: false,
      agreement: 0,
    });
  });

  test('whole numbers beyond 2^53 are told apart and named to the last digit', () => {
    const ids = (value: bigint) => ({ id: makeTensor('int64', [1], BigInt64Array.of(value)) });
    expect(compareGolden(ids(2n ** 53n), ids(2n ** 53n + 1n), close)).toMatchObject({
      pass: false,
      detail: { expected: '9007199254740992', found: '9007199254740993', allowed: 0 },
    });
  });

  test('each precision has its own rule; int4 may be held to another than int8, and doubles to that of fp32', () => {
    expect(goldenRule('fp64')).toEqual({ atol: 1e-4, rtol: 1e-4 });
    expect(goldenRule('bf16')).toEqual({ atol: 5e-2, rtol: 5e-2 });
    expect(goldenRule('fp16', { fp16: { rtol: 0.5 } })).toEqual({ atol: 2e-2, rtol: 0.5 });
    expect(goldenRule('int4-block32', { int4: { agreement: 0.8 }, int8: { agreement: 0.9 } })).toMatchObject({ agreement: 0.8, maxDrop: 0.01 });
    expect(goldenRule('int8-static', { int4: { agreement: 0.8 }, int8: { maxDrop: 0.2 } })).toMatchObject({ agreement: 0.95, maxDrop: 0.2 });
  });

  test('of a quantized model a label that is a number must be the same, and a single score near, whatever the metric', () => {
    const rule = goldenRule('int8');
    expect(compareGolden({ label: int64([2], [1, 0]) }, { label: int64([2], [1, 1]) }, rule)).toMatchObject({ pass: false, agreement: 0.5 });
    const score = (...values: number[]) => ({ y: float32Tensor([values.length, 1], values) });
    expect(compareGolden(score(0, 1), score(0.5, 1), rule)).toMatchObject({ pass: false, agreement: 0.5 });
    expect(compareGolden(score(0, 1), score(0.05, 1), rule)).toMatchObject({ pass: true, agreement: 1 });
  });

  test('an array without its partner’s number of samples is named', () => {
    const arrays = new Map([
      ['in_x', float32Tensor([2, 1], [1, 2])],
      ['out_y', float32Tensor([3], [1, 2, 3])],
    ]);
    expect(() => goldenCases(arrays)).toThrowError(expect.objectContaining({ code: 'golden.samples-differ', found: '3 rows in out_y' }));
    expect(() => goldenCases(new Map([['in_x', float32Tensor([1], [1])]]))).toThrowError(expect.objectContaining({ code: 'golden.no-outputs' }));
  });
});
