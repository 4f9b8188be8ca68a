import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bench, buildWithFaults, prepare } from './harness.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await prepare();
});
afterAll(() => rm(bench.dir, { recursive: true, force: true }));

/** Steps where it matters most: where files are taken in and the list is replaced, and a few on the way there. Counted from 1. */
function telling(): number[] {
  const renames = bench.steps.flatMap((step, i) => (/^rename .*\/ingest\//.test(step) ? [i + 1] : []));
  const [first = 1, last = 1] = [renames[0], renames.at(-1)];
  const index = bench.steps.flatMap((step, i) => (i + 1 > last && /index\.json/.test(step) ? [i + 1] : []));
  const after = index.at(-1) ?? last;
  return [...new Set([10, Math.round(first / 2), first - 1, first, first + 1, last, last + 1, ...index, after + 1, after + 2])].filter(
    (at) => at >= 1 && at <= bench.steps.length,
  );
}

test('a build that is killed at a telling step leaves nothing or all of the bundle', async () => {
  const there = await buildWithFaults(bench, 'kill', telling());
  // Once it is there it stays there: exactly one step makes the difference.
  expect(there).toEqual([...there].sort());
  expect(new Set(there).size).toBe(2);
});

test('a disk that fills up at a telling step leaves nothing, and says so', async () => {
  await buildWithFaults(
    bench,
    'full',
    telling().filter((_, i) => i % 3 === 0),
  );
});
