import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, test } from 'vitest';
import { countSteps, type Ground, OPERATIONS, prepareGround, withFaults } from './store-faults.ts';

let ground: Ground;
beforeAll(async () => {
  ground = await prepareGround();
});
afterAll(() => rm(ground.dir, { recursive: true, force: true }));

for (const what of OPERATIONS) {
  for (const fault of ['kill', 'full', 'broken'] as const) {
    test(`${what}: ${fault} at every step`, { timeout: 1_800_000 }, async () => {
      const steps = await countSteps(ground, what);
      await withFaults(
        ground,
        what,
        fault,
        Array.from({ length: steps }, (_, i) => i + 1),
      );
    });
  }
}
