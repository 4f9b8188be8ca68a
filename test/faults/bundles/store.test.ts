import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { countSteps, type Ground, OPERATIONS, prepareGround, withFaults } from './store-faults.ts';

let ground: Ground;
beforeAll(async () => {
  ground = await prepareGround();
});
afterAll(() => rm(ground.dir, { recursive: true, force: true }));

/** The middle, and the last two, where what was done becomes visible; the long test takes every step. */
const some = (steps: number) => [...new Set([Math.ceil(steps / 2), steps - 1, steps])].filter((at) => at >= 1);

for (const what of OPERATIONS) {
  test(`${what}: killed, on a full disk or a failing one, it leaves a whole store, and succeeds the next time`, { timeout: 180_000 }, async () => {
    const steps = await countSteps(ground, what);
    expect(steps).toBeGreaterThan(0);
    await withFaults(ground, what, 'kill', some(steps));
    for (const fault of ['full', 'broken'] as const) await withFaults(ground, what, fault, [Math.ceil(steps / 2)]);
  });
}
