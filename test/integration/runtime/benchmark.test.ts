import { join } from 'node:path';
import { expect, test } from 'vitest';
import { benchmarkModels, compareProviders, largestBatch, nodeCosts, startRunner, syntheticFeeds } from '#core/runtime';
import { saved, small } from '../../unit/onnx/models.ts';

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

test('settings are measured side by side, each with its own threads and batch', async () => {
  const targets = [1, 2].map((threads) => ({ label: `${threads}`, load: { path: model }, threads, batch: threads * 8 }));
  const results = await benchmarkModels(targets, { rounds: 3, runsPerRound: 5 });
  expect(results.map((one) => [one.benchmark.threads, one.benchmark.batch])).toEqual([
    [1, 8],
    [2, 16],
  ]);
  for (const { benchmark, rounds } of results) {
    expect(rounds.map((round) => round.length)).toEqual([5, 5, 5]);
    expect(benchmark.firstMs).toBeGreaterThan(0);
    expect(benchmark.cpuCores).toBeGreaterThan(0);
    expect(benchmark.p50Interval?.low).toBeLessThanOrEqual(benchmark.p50Interval?.high ?? 0);
  }
});

test('the largest batch inside a limit was run, and the next one above it was outside', async () => {
  // Everything fits within an hour: the search ends at the largest batch that is tried.
  const found = await largestBatch({ label: 'digits', load: { path: model } }, { p99Ms: 3_600_000, threads: 1, maxBatch: 8 });
  expect(found).toMatchObject({ batch: 8, stoppedBy: expect.stringContaining('8') as string });
  expect(found.tried.map((row) => row.batch)).toEqual([1, 2, 4, 8]);
  const none = await largestBatch({ label: 'digits', load: { path: model } }, { p99Ms: 1e-6, threads: 1 });
  expect(none).toMatchObject({ batch: 0, tried: [{ batch: 1 }] });
});

test('where the time goes is read from real runs', async () => {
  const runner = await startRunner({ threads: 1 });
  try {
    const { inputs } = await runner.load({ path: model });
    const costs = await nodeCosts(runner, syntheticFeeds(inputs, 4));
    expect(costs.nodeCount).toBeGreaterThan(3);
    expect(costs.runs).toBeGreaterThanOrEqual(3);
    expect(costs.nodesMs).toBeGreaterThan(0);
    expect(costs.nodesMs).toBeLessThanOrEqual(costs.runMs * 1.05);
    expect(costs.operators.map((one) => one.op)).toContain('Conv');
    // The session that answers requests is not the one that was profiled.
    await runner.run(syntheticFeeds(inputs, 1));
  } finally {
    await runner.close();
  }
});

// DirectML is on Windows only, so everywhere else it is missing for certain.
test.skipIf(process.platform === 'win32')('a provider on which no node ran is told with its reason, and is not taken for one that was measured', async () => {
  const compared = await compareProviders({ label: 'digits', load: { path: model } }, [{ name: 'dml', title: 'DirectML' }], { rounds: 3, runsPerRound: 5 });
  expect(compared.measured.map((row) => row.provider)).toEqual(['cpu']);
  expect(compared.failed).toEqual([{ provider: 'dml', reason: expect.stringContaining('no dml') as string }]);
  expect(compared).toMatchObject({ provider: 'cpu', reason: expect.stringContaining('no other execution provider works here') as string });
});

test('a model with a fixed batch has no largest one', async () => {
  const fixed = await saved(small());
  const wanted = { p99Ms: 10, threads: 1 };
  await expect(largestBatch({ label: 'fixed', load: { path: fixed } }, wanted)).rejects.toMatchObject({ code: 'runtime.batch-fixed', owner: 'input' });
});
