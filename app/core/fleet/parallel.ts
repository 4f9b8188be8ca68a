/** At most so many at once; the others wait in line. */
import { abortError } from '#core/platform';

export interface Slots {
  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** How many wait for a slot. */
  readonly waiting: number;
}

export function slots(count: number): Slots {
  let free = count;
  const line: (() => void)[] = [];

  function take(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(abortError());
    if (free > 0) {
      free--;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        line.splice(line.indexOf(mine), 1);
        reject(abortError());
      };
      const mine = () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      line.push(mine);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  return {
    get waiting() {
      return line.length;
    },
    async run(work, signal) {
      await take(signal);
      try {
        return await work();
      } finally {
        const next = line.shift();
        if (next) next();
        else free++;
      }
    },
  };
}
