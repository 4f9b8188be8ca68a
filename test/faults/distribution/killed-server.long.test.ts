/** As killed-server.test.ts, at every step. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pushWithFault, undisturbed } from './harness.ts';

let dir: string;
let steps: number;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ew-killed-'));
  ({ steps } = await undisturbed(dir));
  expect(steps).toBeGreaterThan(20);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

test.each(['kill', 'full'] as const)('%s, at every step from its start on', async (kind) => {
  for (let at = 1; at <= steps; at++) {
    await pushWithFault(dir, kind, at).catch((cause: unknown) => {
      throw new Error(`at step ${at} of ${steps}`, { cause });
    });
  }
});
