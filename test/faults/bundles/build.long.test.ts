import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bench, buildWithFaults, prepare } from './harness.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await prepare();
});
afterAll(() => rm(bench.dir, { recursive: true, force: true }));

const everyStep = () => bench.steps.map((_, i) => i + 1);

test('a build that is killed at any step leaves nothing or all of the bundle', { timeout: 1_800_000 }, async () => {
  const there = await buildWithFaults(bench, 'kill', everyStep());
  expect(there).toEqual([...there].sort());
  expect(new Set(there).size).toBe(2);
});

test('a disk that fills up at any step leaves nothing, and says so', { timeout: 1_800_000 }, async () => {
  await buildWithFaults(bench, 'full', everyStep());
});
