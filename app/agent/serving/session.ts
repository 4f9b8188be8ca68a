/**
 * One model loaded in one runner process of its own. A runner that dies is started again with growing pauses; whoever
 * asks meanwhile is told so at once.
 */
import { asEdgewrightError, EdgewrightError, type TensorInfo } from '#contract';
import type { InferPlan, Tensor } from '#core/datasets';
import { type Clock, sleep } from '#core/platform';
import { type Runner, startRunner } from '#core/runtime';
import { DRAIN_MS, INFER_MS, LOAD_MS, MAX_IN_FLIGHT, RESTART_FIRST_MS, RESTART_FORGET_MS, RESTART_MAX_MS, WATCH_LATENCIES } from '../limits.ts';

export interface SessionOptions {
  /** The deployment it belongs to. */
  id: string;
  /** `name@version#variant`, for labels and messages. */
  ref: string;
  model: string;
  version: string;
  variant: string;
  modelPath: string;
  /** How the bundle reads raw inputs and tells answers, where it says so. */
  reading: (() => Promise<Omit<InferPlan, 'inputs'>>) | undefined;
  memoryLimitBytes: number | undefined;
  clock: Clock;
  /** The runner ended by itself, or could not be started again. */
  onCrash(session: ModelSession, error: EdgewrightError): void;
}

export interface Inference {
  outputs: Record<string, Tensor>;
  /** Of the run alone, measured in the runner, in ms. */
  latencyMs: number;
}

/** What the session has seen since it was opened. */
export interface SessionStats {
  requests: number;
  failures: number;
  restarts: number;
  latencies: number[];
}

export class ModelSession {
  readonly options: SessionOptions;
  readonly stats: SessionStats = { requests: 0, failures: 0, restarts: 0, latencies: [] };
  inputs: readonly TensorInfo[] = [];
  outputs: readonly TensorInfo[] = [];
  #runner: Runner | undefined;
  #inFlight = 0;
  #pauseMs = RESTART_FIRST_MS;
  readonly #closing = new AbortController();
  #idle: (() => void) | undefined;

  private constructor(options: SessionOptions) {
    this.options = options;
  }

  /** Loads the model, in a runner of its own or in `started`, which holds none yet. @throws runtime.* when it cannot be loaded */
  static async open(options: SessionOptions, signal?: AbortSignal, started?: Runner): Promise<ModelSession> {
    const session = new ModelSession(options);
    await session.#start(signal, started);
    return session;
  }

  get ready(): boolean {
    return this.#runner !== undefined;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get pid(): number | undefined {
    return this.#runner?.pid;
  }

  /** The runner itself, for the golden set and timing before it serves. @throws device.restarting */
  runner(): Runner {
    if (!this.#runner) throw restarting(this.options.ref);
    return this.#runner;
  }

  /**
   * Runs one request. A client that goes away does not stop it: stopping means killing the runner.
   * @throws device.restarting, device.overloaded, or what the runner says
   */
  async infer(feeds: Record<string, Tensor>): Promise<Inference> {
    const runner = this.runner();
    if (this.#inFlight >= MAX_IN_FLIGHT) {
      throw new EdgewrightError({
        code: 'device.overloaded',
        message: `${this.options.model} has too many requests waiting.`,
        expected: `at most ${MAX_IN_FLIGHT}`,
        hint: 'Try again in a moment.',
        owner: 'machine',
      });
    }
    this.#inFlight++;
    this.stats.requests++;
    try {
      const result = await runner.run(feeds, { timeoutMs: INFER_MS });
      this.stats.latencies.push(result.latencyMs);
      if (this.stats.latencies.length > WATCH_LATENCIES) this.stats.latencies.shift();
      return result;
    } catch (error) {
      // The runner ended before this one had its turn: whatever ended it, this request was not it.
      const { code } = asEdgewrightError(error);
      if (code === 'runtime.stopped' || code === 'runtime.closed') throw restarting(this.options.ref);
      this.stats.failures++;
      throw error;
    } finally {
      this.#inFlight--;
      if (this.#inFlight === 0) this.#idle?.();
    }
  }

  /** Lets running requests finish, then ends the runner. */
  async drain(): Promise<void> {
    if (this.#inFlight > 0) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
        timer = setTimeout(resolve, DRAIN_MS);
      });
      clearTimeout(timer);
    }
    await this.close();
  }

  /** Ends the runner now. */
  async close(): Promise<void> {
    this.#closing.abort();
    const runner = this.#runner;
    this.#runner = undefined;
    await runner?.close();
  }

  async #start(signal?: AbortSignal, started?: Runner): Promise<void> {
    const { ref, modelPath, memoryLimitBytes } = this.options;
    const runner = started ?? (await startRunner({ label: ref, memoryLimitBytes, writes: false }));
    try {
      const loaded = await runner.load({ path: modelPath, providers: ['cpu'] }, { timeoutMs: LOAD_MS, ...(signal && { signal }) });
      if (this.#closing.signal.aborted) throw new EdgewrightError({ code: 'cancelled', message: 'Cancelled.', owner: 'cancelled' });
      this.inputs = loaded.inputs;
      this.outputs = loaded.outputs;
    } catch (error) {
      runner.kill();
      throw error;
    }
    const startedAt = this.options.clock.monotonic();
    this.#runner = runner;
    void runner.ended.then(() => this.#onEnded(runner, startedAt));
  }

  #onEnded(runner: Runner, startedAt: number): void {
    if (this.#closing.signal.aborted || this.#runner !== runner) return;
    this.#runner = undefined;
    if (this.options.clock.monotonic() - startedAt > RESTART_FORGET_MS) this.#pauseMs = RESTART_FIRST_MS;
    this.options.onCrash(
      this,
      new EdgewrightError({ code: 'runtime.crashed', message: `The runner of ${this.options.ref} ended by itself.`, owner: 'machine' }),
    );
    void this.#restart();
  }

  async #restart(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      try {
        await sleep(this.#pauseMs, this.#closing.signal);
        this.#pauseMs = Math.min(this.#pauseMs * 2, RESTART_MAX_MS);
        this.stats.restarts++;
        await this.#start(this.#closing.signal);
        return;
      } catch (error) {
        if (!this.#closing.signal.aborted) this.options.onCrash(this, asEdgewrightError(error));
      }
    }
  }
}

function restarting(ref: string): EdgewrightError {
  return new EdgewrightError({
    code: 'device.restarting',
    message: `The runner of ${ref} is being started again.`,
    hint: 'Try again in a moment.',
    owner: 'machine',
  });
}
