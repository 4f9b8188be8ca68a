/** Tells listeners what changed, in order. Events say that something is new; the listener reads it again. */
import type { Change } from '#contract';
import { MAX_CHANGE_BACKLOG } from './limits.ts';

export type Topic = Change['topic'];

export class Changes {
  #seq = 0;
  readonly #listeners = new Set<(change: Change) => void>();

  publish(topic: Topic, id?: string): void {
    const change: Change = { topic, seq: ++this.#seq, ...(id !== undefined && { id }) };
    for (const listener of this.#listeners) listener(change);
  }

  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Every change from now on, until `signal` fires. A listener that falls behind loses the oldest ones, and sees it by the
   * gap in `seq`.
   */
  async *stream(signal: AbortSignal): AsyncGenerator<Change, void> {
    const waiting: Change[] = [];
    let wake: (() => void) | undefined;
    const stop = this.subscribe((change) => {
      waiting.push(change);
      if (waiting.length > MAX_CHANGE_BACKLOG) waiting.shift();
      wake?.();
    });
    const onAbort = () => wake?.();
    signal.addEventListener('abort', onAbort);
    try {
      // At once, so that a client knows that it listens.
      yield { topic: 'status', seq: this.#seq };
      while (!signal.aborted) {
        const next = waiting.shift();
        if (next) {
          yield next;
          continue;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = undefined;
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      stop();
    }
  }
}
