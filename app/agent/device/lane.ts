/** A worker that takes step after step until there is none, and starts again when it is poked. */

export class Lane {
  readonly #take: () => Promise<boolean>;
  readonly #onError: (error: unknown) => void;
  #running: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  /** @param take carries out one step; false when there was none to take */
  constructor(take: () => Promise<boolean>, onError: (error: unknown) => void) {
    this.#take = take;
    this.#onError = onError;
  }

  /** Something may have changed. What changes while a step runs is seen by the next plan. */
  poke(): void {
    if (this.#stopped) return;
    this.#again = true;
    this.#running ??= this.#run();
  }

  /** No further step; resolves when the one under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (this.#again && !this.#stopped) {
        this.#again = false;
        if (await this.#take()) this.#again = true;
      }
    } catch (error) {
      this.#onError(error);
    } finally {
      this.#running = undefined;
    }
  }
}
