import { join } from 'node:path';
import { expect, test } from 'vitest';
import { benchmarkModels } from '#core/runtime';

const model = join(import.meta.dirname, '../../fixtures/digits/model.onnx');

test('models are measured side by side in rounds, the order turning, with every figure a trial needs', async () => {
  const steps: string[] = [];
  const results = await benchmarkModels(
    [
      { label: 'one', load: { path: model } },
      { label: 'two', load: { path: model, optimization: 'disabled' } },
    ],
    { rounds: 3, runsPerRound: 10, batch: 4, onProgress: (p) => steps.push(p.step) },
  );
  expect(steps.filter((s) => s.startsWith('round'))).toEqual([
    'round 1 of 3: one',
    'round 1 of 3: two',
    'round 2 of 3: two',
    'round 2 of 3: one',
    'round 3 of 3: one',
    'round 3 of 3: two',
  ]);
  expect(results.map((r) => r.label)).toEqual(['one', 'two']);
  for (const { benchmark, samplesMs, providers, enforcement } of results) {
    expect(samplesMs).toHaveLength(30);
    const { p50, p95, p99, min, max } = benchmark.latencyMs;
    expect([min, p50, p95, p99, max]).toEqual([min, p50, p95, p99, max].toSorted((a, b) => a - b));
    expect(min).toBeGreaterThan(0);
    expect(benchmark.throughputPerSecond).toBeCloseTo(4000 / benchmark.latencyMs.mean, 6);
    expect(benchmark.loadMs.cold).toBeGreaterThan(0);
    expect(benchmark.loadMs.warm).toBeGreaterThan(0);
    expect(benchmark.peakMemoryBytes).toBeGreaterThan(20e6);
    expect(benchmark.noise).toBeGreaterThanOrEqual(0);
    expect(benchmark).toMatchObject({ threads: 1, batch: 4 });
    expect(providers.actual.cpu).toBeGreaterThan(3);
    expect(enforcement).toBe('none');
  }
});

test('cancelling a benchmark ends its runners', async () => {
  const stop = new AbortController();
  const running = benchmarkModels([{ label: 'one', load: { path: model } }], {
    rounds: 100,
    runsPerRound: 10_000,
    signal: stop.signal,
    onProgress: (p) => p.step.startsWith('round 2') && stop.abort(),
  });
  await expect(running).rejects.toMatchObject({ code: 'cancelled' });
});
