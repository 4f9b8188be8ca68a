/**
 * Long work that outlives the screen that started it.
 * INVARIANTS: a job ends exactly once; after `cancel` its signal has fired and its state becomes `cancelled` only when the
 * work has really stopped, so that "cancelled" never means "still running somewhere".
 */
import { randomUUID } from 'node:crypto';
import { asEdgewrightError, EdgewrightError, type Job, type Warning } from '#contract';
import type { Clock } from '#core/platform';
import type { Changes } from './changes.ts';
import { KEPT_JOBS, KEPT_WARNINGS } from './limits.ts';

export interface JobControl {
  signal: AbortSignal;
  /** @param fraction 0..1, or undefined while unknown */
  progress(step: string, fraction?: number): void;
  /** What a person should know about the result although it was reached. */
  warn(warning: Warning): void;
}

interface Running {
  job: Job;
  abort: AbortController;
  done: Promise<unknown>;
}

export class Jobs {
  readonly #jobs = new Map<string, Running>();
  readonly #changes: Changes;
  readonly #clock: Clock;

  constructor(changes: Changes, clock: Clock) {
    this.#changes = changes;
    this.#clock = clock;
  }

  /** Starts `work`; its result is what `done` resolves to, and a failure is kept on the job as well. */
  start<T>(
    what: { kind: Job['kind']; title: string; link?: string; id?: string },
    work: (control: JobControl) => Promise<T>,
  ): { id: string; done: Promise<T> } {
    const id = what.id ?? randomUUID();
    if (this.#jobs.has(id)) {
      const hint = 'Give every job an id of its own, or none.';
      throw new EdgewrightError({ code: 'usage.job-taken', message: `There is a job ${id} already.`, hint, owner: 'usage' });
    }
    const abort = new AbortController();
    const job: Job = { ...what, id, state: 'running', startedAt: this.#clock.now() };
    const began = this.#clock.monotonic();
    const control: JobControl = {
      signal: abort.signal,
      progress: (step, fraction) => {
        if (job.state !== 'running') return;
        job.step = step;
        if (fraction !== undefined) {
          job.progress = Math.min(1, Math.max(0, fraction));
          // Before a twentieth is done an estimate would only be noise.
          if (job.progress > 0.05) job.etaMs = ((this.#clock.monotonic() - began) / job.progress) * (1 - job.progress);
        }
        this.#changes.publish('jobs', id);
      },
      warn: (warning) => {
        job.warnings = [...(job.warnings ?? []), warning].slice(0, KEPT_WARNINGS);
      },
    };
    const end = (state: Job['state'], error?: EdgewrightError) => {
      job.state = state;
      job.endedAt = this.#clock.now();
      delete job.etaMs;
      if (state === 'done') job.progress = 1;
      if (error) job.error = error.toBody();
      this.#changes.publish('jobs', id);
    };
    const done = (async () => {
      try {
        const result = await work(control);
        end('done');
        return result;
      } catch (thrown) {
        const error = asEdgewrightError(thrown);
        end(abort.signal.aborted || error.owner === 'cancelled' ? 'cancelled' : 'failed', error);
        throw error;
      }
    })();
    // A job nobody waits for must not end the process; its error is kept on the job.
    done.catch(() => {});
    this.#jobs.set(id, { job, abort, done });
    this.#forgetOld();
    this.#changes.publish('jobs', id);
    return { id, done };
  }

  /** Starts `work` and waits for it; `signal` cancels it. */
  async run<T>(
    what: { kind: Job['kind']; title: string; link?: string; id?: string | undefined },
    signal: AbortSignal | undefined,
    work: (control: JobControl) => Promise<T>,
  ): Promise<T> {
    const { id: wanted, ...rest } = what;
    const { id, done } = this.start({ ...rest, ...(wanted !== undefined && { id: wanted }) }, work);
    const cancel = () => void this.cancel(id);
    if (signal?.aborted) cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      return await done;
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  list(): Job[] {
    return [...this.#jobs.values()].map((r) => ({ ...r.job })).sort((a, b) => b.startedAt - a.startedAt);
  }

  get(id: string): Job {
    return { ...this.#find(id).job };
  }

  /** Fires the job's signal and waits until it has stopped. */
  async cancel(id: string): Promise<Job> {
    const running = this.#find(id);
    running.abort.abort();
    await running.done.catch(() => {});
    return { ...running.job };
  }

  /** The job now, then at every change, until it ends. */
  async *watch(id: string, signal: AbortSignal): AsyncGenerator<Job, void> {
    const running = this.#find(id);
    let changed = true;
    let wake: (() => void) | undefined;
    const poke = () => {
      changed = true;
      wake?.();
    };
    const stop = this.#changes.subscribe((change) => {
      if (change.topic === 'jobs' && change.id === id) poke();
    });
    signal.addEventListener('abort', poke);
    try {
      while (!signal.aborted) {
        if (!changed) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          wake = undefined;
          continue;
        }
        changed = false;
        const job = { ...running.job };
        yield job;
        if (job.state !== 'running') return;
      }
    } finally {
      signal.removeEventListener('abort', poke);
      stop();
    }
  }

  /** Cancels all that runs and waits for it: used before the engine ends. */
  async stopAll(): Promise<void> {
    const running = [...this.#jobs.values()].filter((r) => r.job.state === 'running');
    for (const one of running) one.abort.abort();
    await Promise.allSettled(running.map((r) => r.done));
  }

  #find(id: string): Running {
    const running = this.#jobs.get(id);
    if (running) return running;
    throw new EdgewrightError({
      code: 'usage.unknown-job',
      message: `There is no job ${id}.`,
      hint: 'Jobs are kept until the engine ends; the result of a trial or deployment is kept for good.',
      owner: 'usage',
    });
  }

  #forgetOld(): void {
    for (const [id, one] of this.#jobs) {
      if (this.#jobs.size <= KEPT_JOBS) return;
      if (one.job.state !== 'running') this.#jobs.delete(id);
    }
  }
}
