import { describe, expect, test } from 'vitest';
import { elementCount } from '#core/datasets';
import { latencySummary, roundNoise, syntheticFeeds } from '#core/runtime';

test('a latency summary has numpy’s percentiles', () => {
  expect(latencySummary(Float64Array.of(3, 1, 2, 4))).toEqual({
    p50: 2.5,
    p90: 3.7,
    p95: 3.8499999999999996,
    p99: 3.9699999999999998,
    mean: 2.5,
    min: 1,
    max: 4,
    samples: 4,
  });
});

test('noise is the spread of the rounds’ medians', () => {
  expect(roundNoise([Float64Array.of(1, 2, 3), Float64Array.of(2, 3, 4), Float64Array.of(1, 2.5, 9)])).toBeCloseTo(1 / 2.5, 12);
  expect(roundNoise([Float64Array.of(5)])).toBe(0);
});

describe('made-up inputs', () => {
  test('fill open dimensions, are the same each time, and fit every type', () => {
    const inputs = [
      { name: 'image', type: 'float32', dims: ['batch', 3, 'height', 4] },
      { name: 'half', type: 'float16', dims: ['n'] },
      { name: 'ids', type: 'int64', dims: ['batch', 'sequence'] },
      { name: 'mask', type: 'bool', dims: [2] },
      { name: 'text', type: 'string', dims: [] },
    ];
    const feeds = syntheticFeeds(inputs, 2);
    expect(Object.values(feeds).map((t) => t.dims)).toEqual([[2, 3, 1, 4], [2], [2, 1], [2], []]);
    expect(Object.values(feeds).every((t) => t.data.length === elementCount(t.dims))).toBe(true);
    expect(feeds.mask?.data).toEqual(Uint8Array.of(1, 1));
    expect(syntheticFeeds(inputs, 2)).toEqual(feeds);
  });

  test('are refused where they would not fit memory, or for what is no tensor', () => {
    expect(() => syntheticFeeds([{ name: 'x', type: 'float32', dims: [100_000, 100_000] }])).toThrowError(
      expect.objectContaining({ code: 'runtime.input-unsupported' }),
    );
    expect(() => syntheticFeeds([{ name: 'x', type: 'not a tensor', dims: [] }])).toThrowError(expect.objectContaining({ code: 'runtime.input-unsupported' }));
  });
});
