/** The same as in the short test, everywhere and many times. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { changedFiles, give, nothingOutside, whole } from './archive-ground.ts';

test('cut off at the end of any block, it is refused unless nothing is missing', { timeout: 600_000 }, async () => {
  const blocks = whole.length / 512;
  for (let n = 0; n <= blocks; n++) {
    const code = await give(whole.subarray(0, n * 512));
    if (n >= blocks - 2) expect(code).toBe('sound');
    else expect(code, `${n} of ${blocks} blocks`).toMatch(/^(archive\.|usage\.)/);
  }
});

test('thousands of changed files: what comes in has its digests', { timeout: 1_800_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(changedFiles(), async (bytes) => void (await give(bytes))),
    { numRuns: 5000 },
  );
  await nothingOutside();
});
