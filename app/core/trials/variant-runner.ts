/** One runner for the checks of one variant after another: starting one takes longer than most checks. */
import { type Runner, RUNNER_MEMORY_BYTES, startRunner } from '#core/runtime';

export class VariantRunner {
  readonly #options: { threads: number; label: string };
  #runner: Runner | undefined;
  #loaded: string | undefined;

  constructor(options: { threads: number; label: string }) {
    this.#options = options;
  }

  /** The runner, with the model at `path` loaded. @throws what starting a runner and loading a model throws */
  async holding(path: string, signal: AbortSignal): Promise<Runner> {
    this.#runner ??= await startRunner({ ...this.#options, memoryLimitBytes: RUNNER_MEMORY_BYTES, writes: false, signal });
    if (this.#loaded !== path) {
      this.#loaded = undefined;
      await this.#runner.load({ path }, { signal });
      this.#loaded = path;
    }
    return this.#runner;
  }

  /** Ends the process, without waiting until it is gone; the next variant gets another. */
  kill(): void {
    this.#runner?.kill();
    this.#forget();
  }

  async close(): Promise<void> {
    const runner = this.#runner;
    this.#forget();
    await runner?.close();
  }

  #forget(): void {
    this.#runner = undefined;
    this.#loaded = undefined;
  }
}
