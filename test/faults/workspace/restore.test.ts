import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bench, prepare, restoreWithFault } from './restore-sweep.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await prepare();
});
afterAll(() => rm(bench.dir, { recursive: true, force: true }));

test('a restore that is killed around its switch leaves one of the two workspaces, whole', async () => {
  const note = bench.steps.flatMap((step, i) => (step.includes('restore.json') ? [i + 1] : []));
  const [first = 1] = note;
  const last = note.at(-1) ?? first;
  const telling = [
    ...new Set([first - 1, ...note, ...bench.steps.flatMap((step, i) => (i + 1 > first && i + 1 <= last && step.startsWith('rename') ? [i + 1] : []))]),
  ];
  const there: boolean[] = [];
  for (const at of telling.sort((a, b) => a - b)) there.push(await restoreWithFault(bench, 'kill', at));
  // Once it is in place it stays: exactly one step makes the difference.
  expect(there).toEqual([...there].sort());
  expect(new Set(there).size).toBe(2);
}, 240_000);

test('a disk that fills up while it unpacks leaves what was there, and nothing beside it', async () => {
  const writes = bench.steps.flatMap((step, i) => (step.startsWith('writeFile') && step.includes('restoring') ? [i + 1] : []));
  expect(await restoreWithFault(bench, 'full', writes[Math.floor(writes.length / 2)] ?? 3)).toBe(false);
}, 120_000);
