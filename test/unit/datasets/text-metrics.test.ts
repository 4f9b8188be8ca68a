import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { float32Tensor, makeTensor, scoreMetric, type Tensor } from '#core/datasets';

const text = (...values: string[]) => makeTensor('string', [values.length], values);
const ids = (rows: number[][]) => makeTensor('int64', [rows.length, rows[0]?.length ?? 0], BigInt64Array.from(rows.flat(), BigInt));
const score = async (name: string, y: Tensor, labels: Tensor, more = {}) =>
  (await scoreMetric({ name, output: 'y', ...more }, [{ outputs: { y }, labels }])).value;

describe('error rates', () => {
  test('count edits over the length of what is right, of the whole set', async () => {
    // kitten, sitting: three edits of seven; nothing to change in the second.
    expect(await score('character_error_rate', text('kitten', 'abc'), text('sitting', 'abc'))).toBeCloseTo(3 / 10, 12);
    expect(await score('character_error_rate', text('aaaa'), text('b'))).toBe(4);
    expect(await score('character_error_rate', text('😀b'), text('😀a'))).toBe(0.5);
    expect(await score('word_error_rate', text('the cat  sat'), text('the cat sat down'))).toBe(0.25);
  });

  test('read scores as CTC, and symbol numbers as they are; negative ones fill up', async () => {
    const best = [1, 1, 0, 2, 3, 2];
    const y = float32Tensor(
      [1, 6, 4],
      best.flatMap((b) => [0, 1, 2, 3].map((i) => (i === b ? 5 : 0))),
    );
    expect(await score('character_error_rate', y, ids([[1, 2, 3, 2, -1]]))).toBe(0);
    expect(await score('character_error_rate', y, ids([[1, 2, 3, 3, -1]]))).toBe(0.25);
    expect(await score('word_error_rate', y, ids([[1, 2, 3, 1, -1]]), { delimiter: 3 })).toBe(0.5);
    expect(await score('character_error_rate', ids([[1, 2, -1]]), ids([[1, 2, 3]]))).toBeCloseTo(1 / 3, 12);
    await expect(score('word_error_rate', y, ids([[1]]))).rejects.toMatchObject({ code: 'metric.no-delimiter' });
    await expect(score('character_error_rate', y, ids([[1]]), { blank: 9 })).rejects.toMatchObject({ code: 'metric.shape-differs' });
  });

  test('are 0 for the same text, no less than the difference in length, no more than the longer one', async () => {
    const some = fc.string({ minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(some, some, async (a, b) => {
        const [m, n] = [[...a].length, [...b].length];
        const edits = (await score('character_error_rate', text(a), text(b))) * n;
        expect(edits).toBeGreaterThanOrEqual(Math.abs(m - n) - 1e-9);
        expect(edits).toBeLessThanOrEqual(Math.max(m, n) + 1e-9);
        expect(await score('character_error_rate', text(a), text(a))).toBe(0);
      }),
      { numRuns: 20 },
    );
  });
});

test('cosine is the mean over the samples, and 0 where a vector has no length', async () => {
  const y = float32Tensor([4, 2], [1, 0, 1, 1, 0, 0, 2, 2]);
  const labels = float32Tensor([4, 2], [0, 3, 5, 5, 1, 1, -1, -1]);
  expect(await score('cosine', y, labels)).toBeCloseTo((0 + 1 + 0 - 1) / 4, 12);
});
