/** The watch over a deployment on trial: counts, and a verdict that depends on nothing but the counts. */
import type { ErrorBody, Watch } from '#contract';
import type { DeviceLimits } from '#core/protocol';
import { latencySummary } from '#core/runtime';
import { MAX_TRIAL_CRASHES, MAX_TRIAL_STARTS, MIN_LATENCY_SAMPLES, WATCH_LATENCIES } from '../limits.ts';
import type { Verdict } from '../plan.ts';
import type { TrialProgress } from '../state/deployments.ts';

export interface Observed extends TrialProgress {
  /** Starts of the agent after an unclean end during this trial. */
  starts: number;
  /** Latency of the newest runs, in ms. */
  latencies: readonly number[];
  /** Highest resident memory of the runner so far, in bytes; 0 while unknown. */
  peakMemoryBytes: number;
}

/** Both the time and the requests must have passed; every reason to go back comes first. */
export function judge(seen: Observed, watch: Watch, limits: DeviceLimits): Verdict {
  const back = (code: string, message: string, expected: string, found: string): Verdict => {
    const error: ErrorBody = { code, message, expected, found, owner: 'gate' };
    return { is: 'roll back', error };
  };
  if (seen.starts >= MAX_TRIAL_STARTS) {
    return back(
      'device.crash-loop',
      'The agent ended uncleanly again and again while this bundle was on trial.',
      `fewer than ${MAX_TRIAL_STARTS} such starts`,
      `${seen.starts}`,
    );
  }
  if (seen.crashes >= MAX_TRIAL_CRASHES) {
    return back(
      'device.runner-crashes',
      'The model brought its runner down again and again.',
      `fewer than ${MAX_TRIAL_CRASHES} crashes on trial`,
      `${seen.crashes}`,
    );
  }
  const share = seen.requests === 0 ? 0 : seen.failures / seen.requests;
  if (seen.failures >= watch.minFailures && share > watch.maxFailureShare) {
    return back(
      'device.failures',
      'Too many requests failed.',
      `at most ${percent(watch.maxFailureShare)} of requests`,
      `${seen.failures} of ${seen.requests} (${percent(share)})`,
    );
  }
  if (limits.p95Ms !== undefined && seen.latencies.length >= MIN_LATENCY_SAMPLES) {
    const { p95 } = latencySummary(seen.latencies);
    if (p95 > limits.p95Ms)
      return back(
        'device.too-slow',
        'The model is slower in service than its limit.',
        `p95 of at most ${limits.p95Ms} ms`,
        `${p95.toFixed(2)} ms over the last ${seen.latencies.length} requests`,
      );
  }
  if (limits.memoryBytes !== undefined && seen.peakMemoryBytes > limits.memoryBytes) {
    return back(
      'device.too-much-memory',
      'The model takes more memory in service than its limit.',
      `at most ${limits.memoryBytes} bytes`,
      `${seen.peakMemoryBytes} bytes`,
    );
  }
  return seen.ms >= watch.seconds * 1000 && seen.requests >= watch.requests ? { is: 'commit' } : { is: 'wait' };
}

function percent(share: number): string {
  return `${+(share * 100).toFixed(1)}%`;
}

/** The counts of one trial as they come in; the ledger keeps them across restarts. */
export class TrialWatch {
  readonly id: string;
  readonly watch: Watch;
  limits: DeviceLimits;
  readonly #seen: Observed & { latencies: number[] };
  #saved: string;

  constructor(id: string, watch: Watch, limits: DeviceLimits, progress: TrialProgress, starts: number) {
    this.id = id;
    this.watch = watch;
    this.limits = limits;
    this.#seen = { ...progress, starts, latencies: [], peakMemoryBytes: 0 };
    this.#saved = JSON.stringify(progress);
  }

  get progress(): TrialProgress {
    const { ms, requests, failures, crashes } = this.#seen;
    return { ms, requests, failures, crashes };
  }

  verdict(): Verdict {
    return judge(this.#seen, this.watch, this.limits);
  }

  succeeded(latencyMs: number): void {
    this.#seen.requests++;
    this.#seen.latencies.push(latencyMs);
    if (this.#seen.latencies.length > WATCH_LATENCIES) this.#seen.latencies.shift();
  }

  failed(): void {
    this.#seen.requests++;
    this.#seen.failures++;
  }

  crashed(): void {
    this.#seen.crashes++;
  }

  passed(ms: number): void {
    this.#seen.ms += ms;
  }

  memory(peakBytes: number): void {
    this.#seen.peakMemoryBytes = Math.max(this.#seen.peakMemoryBytes, peakBytes);
  }

  /** @returns the progress when it changed since it was last asked for */
  unsaved(): TrialProgress | undefined {
    const now = JSON.stringify(this.progress);
    if (now === this.#saved) return undefined;
    this.#saved = now;
    return this.progress;
  }
}
