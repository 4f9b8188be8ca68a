/** One piece of work after another, in the order asked; who waits may leave before its turn. */
import { abortError } from './clock.ts';

export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `work` once everything before it is done. Aborting while it waits leaves those before and after undisturbed. */
  async take<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
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
  const why = () => (signal?.reason instanceof Error ? signal.reason : abortError());
  if (signal?.aborted) throw why();
  const stop = Promise.withResolvers<never>();
  const onAbort = () => stop.reject(why());
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([work, stop.promise]);
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}
