import { expect, test } from 'vitest';
import { EdgewrightError } from '#contract';
import { INTERRUPTED, retry, UNREACHABLE } from '#core/distribution';
import { systemClock } from '#core/platform';

const failure = (code: string) => new EdgewrightError({ code, message: 'It failed.', owner: 'network' });

/** How often one waits before the error is thrown, where each wait takes that long. */
async function waits(code: string, options: { giveUpMs: number; unreachableMs?: number }, eachMs: number, progressAfter?: number): Promise<number> {
  let now = 0;
  const tries = retry({ ...options, clock: { ...systemClock, monotonic: () => now }, firstMs: 1 });
  for (let n = 0; ; n++) {
    const thrown = await tries.wait(failure(code)).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (thrown !== undefined) {
      expect(thrown).toMatchObject({ code });
      return n;
    }
    if (n === progressAfter) tries.progress();
    now += eachMs;
  }
}

test('what never moves is given up after its time, and what moves gets all of it again', async () => {
  expect(await waits(INTERRUPTED, { giveUpMs: 100 }, 25)).toBe(4);
  expect(await waits(INTERRUPTED, { giveUpMs: 100 }, 25, 2)).toBe(7);
});

test('who cannot be reached at all is given up sooner, where that is said', async () => {
  expect(await waits(UNREACHABLE, { giveUpMs: 100 }, 25)).toBe(4);
  expect(await waits(UNREACHABLE, { giveUpMs: 100, unreachableMs: 50 }, 25)).toBe(2);
  expect(await waits(INTERRUPTED, { giveUpMs: 100, unreachableMs: 50 }, 25)).toBe(4);
});

test('what trying again cannot help is thrown at once', async () => {
  expect(await waits('network.registry-login', { giveUpMs: 100 }, 25)).toBe(0);
});
