/** Keeps the last few models loaded, so that a person who draws digits waits for the model and not for its loading. */
import { asEdgewrightError } from '#contract';
import { type LoadRequest, type Runner, startRunner } from '#core/runtime';
import { LOAD_TIMEOUT_MS, WARM_RUNNER_IDLE_MS, WARM_RUNNERS } from './limits.ts';

interface Warm {
  key: string;
  runner: Promise<{ runner: Runner; loadMs: number }>;
  idle: NodeJS.Timeout | undefined;
  users: number;
}

export class WarmRunners {
  /** Least recently used first. */
  #warm: Warm[] = [];

  /** Runs `use` with a runner that has `request` loaded. A runner that failed in any way is never kept. */
  async with<T>(
    key: string,
    request: LoadRequest,
    options: { threads: number; memoryLimitBytes: number },
    use: (runner: Runner, loadMs: number) => Promise<T>,
  ): Promise<T> {
    const warm = this.#take(key, request, options);
    warm.users += 1;
    clearTimeout(warm.idle);
    try {
      const { runner, loadMs } = await warm.runner;
      return await use(runner, loadMs);
    } catch (error) {
      // Wrong inputs leave the runner whole; anything else may not have.
      if (asEdgewrightError(error).owner !== 'input') this.#drop(warm);
      throw error;
    } finally {
      warm.users -= 1;
      if (warm.users === 0) this.#rest(warm);
    }
  }

  /** Every runner starts anew for the next request; those at work finish what they do. */
  renew(): void {
    const all = this.#warm;
    this.#warm = [];
    for (const warm of all) if (warm.users === 0) this.#drop(warm);
  }

  async close(): Promise<void> {
    const all = this.#warm;
    this.#warm = [];
    await Promise.allSettled(
      all.map(async (warm) => {
        clearTimeout(warm.idle);
        await (await warm.runner).runner.close();
      }),
    );
  }

  #take(key: string, request: LoadRequest, options: { threads: number; memoryLimitBytes: number }): Warm {
    const there = this.#warm.find((w) => w.key === key);
    if (there) {
      this.#warm = [...this.#warm.filter((w) => w !== there), there];
      return there;
    }
    while (this.#warm.length >= WARM_RUNNERS) {
      const oldest = this.#warm.find((w) => w.users === 0);
      if (!oldest) break;
      this.#drop(oldest);
    }
    const warm: Warm = { key, runner: start(request, options), idle: undefined, users: 0 };
    warm.runner.catch(() => this.#drop(warm));
    this.#warm.push(warm);
    return warm;
  }

  /** Nobody uses it for now. */
  #rest(warm: Warm): void {
    if (!this.#warm.includes(warm)) return this.#drop(warm);
    warm.idle = setTimeout(() => this.#drop(warm), WARM_RUNNER_IDLE_MS);
    warm.idle.unref();
  }

  #drop(warm: Warm): void {
    clearTimeout(warm.idle);
    this.#warm = this.#warm.filter((w) => w !== warm);
    void warm.runner.then(({ runner }) => runner.kill()).catch(() => {});
  }
}

async function start(request: LoadRequest, options: { threads: number; memoryLimitBytes: number }): Promise<{ runner: Runner; loadMs: number }> {
  const runner = await startRunner({ ...options, label: request.path });
  try {
    const loaded = await runner.load(request, { timeoutMs: LOAD_TIMEOUT_MS });
    return { runner, loadMs: loaded.loadMs };
  } catch (error) {
    runner.kill();
    throw error;
  }
}
