import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startEngine } from '../../../app/engine/engine.ts';

test('two engines that start at once on one workspace end as one, and the other knows its link', async () => {
  const home = await mkdtemp(join(tmpdir(), 'edgewright-two-'));
  const engines = await Promise.all([1, 2].map(() => startEngine({ home, practice: false, sample: false })));
  try {
    expect(engines.map((e) => e.already).sort()).toEqual([false, true]);
    expect(engines[0]?.link).toBe(engines[1]?.link);
  } finally {
    for (const engine of engines) await engine.close();
    await rm(home, { recursive: true, force: true });
  }
});
