import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Chooser } from './disk.ts';
import { cutAt, EXTREMES, recordOf } from './power-cut.ts';
import { type Ground, OPERATIONS, prepareGround } from './store-faults.ts';

let ground: Ground;
beforeAll(async () => {
  ground = await prepareGround();
});
afterAll(() => rm(ground.dir, { recursive: true, force: true }));

/** Some of it kept, some lost, some as long as it should be and empty: the same for the same seed. */
function mixed(seed: number): Chooser {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (['kept', 'lost', 'kept', 'zeros'] as const)[state >>> 30] ?? 'kept';
  };
}

for (const what of [...OPERATIONS, 'build'] as const) {
  test(`${what}: the power goes at every moment, and takes what it likes of what was not synced`, { timeout: 1_800_000 }, async () => {
    const recording = await recordOf(ground, what);
    const moments = recording.record.map((_, at) => at + 1);
    expect(await cutAt(ground, recording, moments, EXTREMES, true)).toBeGreaterThan(3);
    for (let seed = 1; seed <= 8; seed++) await cutAt(ground, recording, moments, [{ name: `seed ${seed}`, choose: mixed(seed) }]);
  });
}
