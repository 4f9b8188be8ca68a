/** Pauses between tries: short after progress, longer while nothing moves, and an end. */
import { EdgewrightError } from '#contract';
import { type Clock, sleep } from '#core/platform';
import { FIRST_RETRY_MS, GIVE_UP_MS, MAX_RETRY_MS } from '../limits.ts';
import { BusyError, mayRetry, UNREACHABLE } from './line-errors.ts';

export interface RetryOptions {
  clock: Clock;
  signal?: AbortSignal | undefined;
  firstMs?: number;
  giveUpMs?: number;
  /** It gives up sooner than `giveUpMs` while the other side cannot be reached at all, as under a wrong name, in ms. */
  unreachableMs?: number;
}

export interface Retry {
  /** Something moved: the next failure starts with a short pause and a whole budget again. */
  progress(): void;
  /** Waits before the next try; rethrows `error` when it can't help or the budget is spent. */
  wait(error: unknown): Promise<void>;
}

/** Does it again while that can help. */
export async function withRetries<T>(options: RetryOptions, work: () => Promise<T>): Promise<T> {
  const tries = retry(options);
  for (;;) {
    try {
      return await work();
    } catch (error) {
      await tries.wait(error);
    }
  }
}

/** A budget of time without progress (`giveUpMs`), spent in pauses that double. */
export function retry(options: RetryOptions): Retry {
  const first = options.firstMs ?? FIRST_RETRY_MS;
  const giveUpMs = options.giveUpMs ?? GIVE_UP_MS;
  let since: number | undefined;
  let pause = first;
  return {
    progress() {
      since = undefined;
      pause = first;
    },
    async wait(error) {
      if (!mayRetry(error)) throw error;
      const now = options.clock.monotonic();
      since ??= now;
      const isUnreachable = error instanceof EdgewrightError && error.code === UNREACHABLE;
      const patience = isUnreachable ? Math.min(options.unreachableMs ?? giveUpMs, giveUpMs) : giveUpMs;
      const left = patience - (now - since);
      if (left <= 0) throw error;
      // Half of the pause is random, so that many uploads cut by one switch do not come back in step.
      const own = pause * (0.5 + Math.random() / 2);
      const asked = error instanceof BusyError ? error.afterMs : 0;
      await sleep(Math.min(Math.max(own, asked), left), options.signal);
      pause = Math.min(pause * 2, MAX_RETRY_MS);
    },
  };
}
