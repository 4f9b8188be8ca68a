import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BenchmarkReport } from '#contract';
import { cli, ROOT, throwAwayDir } from '../../lib/cli.ts';

const MODEL = join(ROOT, 'assets/sample-bundle/model.onnx');

let work: Awaited<ReturnType<typeof throwAwayDir>>;
beforeAll(async () => {
  work = await throwAwayDir('benchmark-cli');
});
afterAll(() => work.remove());

const benchmark = (...args: string[]) => cli(['benchmark', MODEL, ...args], { home: work.dir });

test('measures settings side by side and answers every question asked beside them', async () => {
  const asked = [
    '--threads',
    '1,2',
    '--batch',
    '1,4',
    '--rounds',
    '3',
    '--runs',
    '5',
    '--tune',
    '--p99',
    '0.000001',
    '--compare-providers',
    '--profile',
    '--json',
  ];
  const result = await benchmark(...asked);
  expect(result.code, result.stderr).toBe(0);
  const report = result.json() as BenchmarkReport;
  expect(report.settings.map((one) => [one.threads, one.batch])).toEqual([
    [1, 1],
    [1, 4],
    [2, 1],
    [2, 4],
  ]);
  for (const one of report.settings) expect(one).toMatchObject({ latencyMs: { samples: 15 }, p50Interval: { low: expect.any(Number) as number } });
  // What scripts read: the first setting at the top.
  expect(report).toMatchObject({ threads: 1, batch: 1, latencyMs: report.settings[0]?.latencyMs });
  expect(report.tuned?.tried.length).toBeGreaterThanOrEqual(4);
  // Nothing runs in a nanosecond.
  expect(report.largestBatch).toMatchObject({ batch: 0, tried: [{ batch: 1 }] });
  expect(report.providerComparison?.measured[0]).toMatchObject({ provider: 'cpu' });
  expect(report.profile?.operators.map((one) => one.op)).toContain('Conv');
});

test('numbers that are none are wrong usage', async () => {
  for (const args of [
    ['--threads', 'many'],
    ['--batch', '0'],
    ['--p99', '-1'],
    ['--runs', 'x'],
  ])
    expect((await benchmark(...args, '--json')).code, args.join(' ')).toBe(64);
});
