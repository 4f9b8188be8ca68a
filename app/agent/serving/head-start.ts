/**
 * Runners started while a bundle is still on its way: the start of a process is most of what a small deployment waits for.
 * They hold nothing yet; one that nobody takes ends by itself.
 */
import { type Runner, startRunner } from '#core/runtime';
import { HEAD_START_MS, MAX_HEAD_STARTS } from '../limits.ts';

interface Waiting {
  memoryLimitBytes: number | undefined;
  /** undefined: it did not start. Whoever needs one then tries anew and hears why. */
  runner: Promise<Runner | undefined>;
  timer: NodeJS.Timeout;
}

export class HeadStarts {
  readonly #waiting = new Map<string, Waiting>();
  #alive = 0;

  begin(deployment: string, label: string, memoryLimitBytes: number | undefined): void {
    if (this.#waiting.has(deployment) || this.#alive >= MAX_HEAD_STARTS) return;
    this.#alive++;
    const runner = startRunner({ label, memoryLimitBytes, writes: false }).catch(() => undefined);
    const timer = setTimeout(() => this.drop(deployment), HEAD_START_MS);
    this.#waiting.set(deployment, { memoryLimitBytes, runner, timer });
  }

  /** The runner for this deployment, its taker's from now on; undefined when there is none that lives under this very limit. */
  async take(deployment: string, memoryLimitBytes: number | undefined): Promise<Runner | undefined> {
    const waiting = this.#waiting.get(deployment);
    if (!waiting) return undefined;
    if (waiting.memoryLimitBytes !== memoryLimitBytes) {
      this.drop(deployment);
      return undefined;
    }
    this.#forget(deployment, waiting);
    const runner = await waiting.runner;
    this.#alive--;
    return runner?.alive ? runner : undefined;
  }

  /** It is not needed any more. */
  drop(deployment: string): void {
    const waiting = this.#waiting.get(deployment);
    if (!waiting) return;
    this.#forget(deployment, waiting);
    void waiting.runner.then((runner) => {
      runner?.kill();
      this.#alive--;
    });
  }

  async close(): Promise<void> {
    const all = [...this.#waiting.values()];
    for (const id of [...this.#waiting.keys()]) this.drop(id);
    await Promise.all(all.map((waiting) => waiting.runner.then((runner) => runner?.close())));
  }

  #forget(deployment: string, waiting: Waiting): void {
    clearTimeout(waiting.timer);
    this.#waiting.delete(deployment);
  }
}
