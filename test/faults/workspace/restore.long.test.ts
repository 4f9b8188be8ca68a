import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bench, prepare, restoreWithFault } from './restore-sweep.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await prepare();
}, 120_000);
afterAll(() => rm(bench.dir, { recursive: true, force: true }));

test.each(['kill', 'full'] as const)(
  'a restore that meets "%s" at any step leaves one of the two workspaces, whole',
  async (kind) => {
    const there: boolean[] = [];
    for (let at = 1; at <= bench.steps.length; at++) there.push(await restoreWithFault(bench, kind, at));
    expect(there).toEqual([...there].sort());
    expect(there[0]).toBe(false);
    expect(there.at(-1)).toBe(true);
  },
  1_800_000,
);
