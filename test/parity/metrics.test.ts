/** Task metrics against scikit-learn's, and intervals against SciPy's. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { float32Tensor, makeTensor, scoreMetric, type Tensor, wilsonInterval } from '#core/datasets';

interface Case {
  name: string;
  metric: string;
  shape: number[];
  output: number[] | string[];
  /** Whether the output is a label. */
  whole: boolean;
  label: number[] | string[];
  labelShape: number[];
  value: number;
  threshold?: number;
  positive?: number | string;
}

/** Made by make.py there. */
const reference = JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/metrics/metrics.json'), 'utf8')) as {
  cases: Case[];
  wilson: [number, number, number, number][];
  confusion: number[][];
};

function tensor(shape: number[], values: number[] | string[], whole: boolean): Tensor {
  if (typeof values[0] === 'string') return makeTensor('string', shape, values as string[]);
  return whole
    ? makeTensor('int64', shape, BigInt64Array.from(values as number[], BigInt))
    : makeTensor('float64', shape, Float64Array.from(values as number[]));
}

function score({ metric, shape, output, whole, label, labelShape, threshold, positive }: Case, order?: number[]) {
  const labels = tensor(labelShape, label, false);
  const outputs = { y: tensor(shape, output, whole) };
  const spec = { name: metric, output: 'y', ...(threshold !== undefined && { threshold }), ...(positive !== undefined && { positive }) };
  return scoreMetric(spec, order ? order.map((i) => ({ outputs: { y: row(outputs.y, i) }, labels: row(labels, i) })) : [{ outputs, labels }]);
}

function row(all: Tensor, i: number): Tensor {
  const per = all.data.length / (all.dims[0] ?? 1);
  return { type: all.type, dims: [1, ...all.dims.slice(1)], data: all.data.slice(i * per, (i + 1) * per) };
}

describe('figures are scikit-learn’s', () => {
  test.each(reference.cases)('$name', async (one) => {
    const found = await score(one);
    expect(Math.abs(found.value - one.value)).toBeLessThan(1e-12);
    expect(found.low).toBeLessThanOrEqual(found.value);
    expect(found.high).toBeGreaterThanOrEqual(found.value);
    expect(found.high - found.low).toBeGreaterThan(0);
  });

  test.each(reference.cases.filter((one) => ['auc', 'f1_macro', 'r2'].includes(one.metric)).slice(0, 4))(
    '$name: sample by sample in another order',
    async (one) => {
      const order = Array.from({ length: one.shape[0] ?? 0 }, (_, i) => i).reverse();
      expect((await score(one, order)).value).toBeCloseTo(one.value, 12);
    },
  );

  test('and so is the confusion matrix', async () => {
    const one = reference.cases.find((c) => c.metric === 'f1_macro' && !c.whole);
    expect((one && (await score(one)))?.confusion).toEqual({ classes: ['0', '1', '2', '3'].slice(0, reference.confusion.length), counts: reference.confusion });
  });
});

test.each(reference.wilson)('Wilson’s interval of %i in %i is SciPy’s', (successes, n, low, high) => {
  const found = wilsonInterval(successes, n);
  expect(found.low).toBeCloseTo(low, 12);
  expect(found.high).toBeCloseTo(high, 12);
});

describe('what a metric cannot make anything of', () => {
  const labels = (values: number[]) => makeTensor('int64', [values.length], BigInt64Array.from(values, BigInt));
  const scores = (...rows: number[][]) => float32Tensor([rows.length, rows[0]?.length ?? 0], rows.flat());

  test.each([
    ['f1 of three classes', 'f1', scores([1, 0, 0], [0, 1, 0], [0, 0, 1]), labels([0, 1, 2]), 'metric.not-binary'],
    ['an AUC of one class', 'auc', scores([0.5], [0.6]), labels([1, 1]), 'metric.not-finite'],
    ['an AUC of NaN', 'auc', scores([Number.NaN], [0.6]), labels([1, 0]), 'metric.not-finite'],
    ['an AUC of two columns and three kinds of labels', 'auc', scores([1, 0], [0, 1], [0, 1]), labels([0, 1, 2]), 'metric.not-binary'],
    ['a label of two numbers', 'f1', scores([0.5], [0.6]), makeTensor('int64', [2, 2], new BigInt64Array(4)), 'metric.shape-differs'],
    ['r2 of other shapes', 'r2', scores([1, 2], [3, 4]), labels([1, 2]), 'metric.shape-differs'],
  ])('%s is refused', async (_what, name, output, label, code) => {
    await expect(scoreMetric({ name, output: 'y' }, [{ outputs: { y: output }, labels: label }])).rejects.toMatchObject({ code, owner: 'input' });
  });

  test('a mistyped name is guessed', async () => {
    await expect(scoreMetric({ name: 'f1_makro', output: 'y' }, [])).rejects.toMatchObject({ code: 'metric.unknown', hint: 'Did you mean "f1_macro"?' });
  });

  test('labels that are all alike: r2 is 1 where they are met, else 0', async () => {
    const same = labels([3, 3]);
    expect((await scoreMetric({ name: 'r2', output: 'y' }, [{ outputs: { y: scores([3], [3]) }, labels: same }])).value).toBe(1);
    expect((await scoreMetric({ name: 'r2', output: 'y' }, [{ outputs: { y: scores([3], [4]) }, labels: same }])).value).toBe(0);
  });
});
