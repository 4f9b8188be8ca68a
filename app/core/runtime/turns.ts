/** One after another: a queue whose members may leave before their turn. */
import { cancelled } from './errors.ts';

export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `work` once everything before it is done. Aborting while it waits leaves those before and after undisturbed. */
  async take<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const before = this.#last;
    const mine = Promise.withResolvers<void>();
    this.#last = before.then(() => mine.promise);
    try {
      await untilAborted(before, signal);
      return await work();
    } finally {
      mine.resolve();
    }
  }
}

async function untilAborted(work: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) throw cancelled(signal);
  const stop = Promise.withResolvers<never>();
  const onAbort = () => signal && stop.reject(cancelled(signal));
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([work, stop.promise]);
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}
