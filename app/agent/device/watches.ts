/** The watches of everything on trial: fed by the inference door, looked at twice a second, kept in the database. */
import type { ErrorBody } from '#contract';
import type { DeviceLimits } from '#core/protocol';
import type { Clock } from '#core/platform';
import { WATCH_TICK_MS } from '../limits.ts';
import type { Verdict } from '../plan.ts';
import type { Router } from '../serving/router.ts';
import type { ModelSession } from '../serving/session.ts';
import { TrialWatch } from '../serving/watch.ts';
import type { DeploymentRecord } from '../state/deployments.ts';
import type { Ledger } from '../state/ledger.ts';

export interface WatchesOptions {
  ledger: Ledger;
  router: Router;
  clock: Clock;
  /** Must take effect before it returns: the very next request must not meet the failing bundle. */
  rollBack(model: string, deployment: string, error: ErrorBody): void;
  /** A trial may be committed. */
  onDue(model: string): void;
  onError(error: unknown): void;
}

export class Watches {
  readonly #options: WatchesOptions;
  readonly #watches = new Map<string, TrialWatch>();
  #timer: NodeJS.Timeout | undefined;
  #lastTick = 0;

  constructor(options: WatchesOptions) {
    this.#options = options;
  }

  /** Watches what now serves; takes up the counts where they were left. */
  begin(record: DeploymentRecord, limits: DeviceLimits): void {
    this.#watches.set(record.model, new TrialWatch(record.id, record.order.watch, limits, record.trial, record.trialStarts));
    if (this.#timer) return;
    this.#lastTick = this.#options.clock.monotonic();
    this.#timer = setInterval(() => this.#tick(), WATCH_TICK_MS);
  }

  /** The bundle's own limits, once they were read from its files. */
  limit(model: string, deployment: string, limits: DeviceLimits): void {
    const watch = this.of(model, deployment);
    if (watch) watch.limits = limits;
  }

  end(model: string): void {
    this.#watches.delete(model);
    if (this.#watches.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Writes the counts down and stops looking. */
  stop(): void {
    this.#save();
    for (const model of [...this.#watches.keys()]) this.end(model);
  }

  of(model: string, deployment: string): TrialWatch | undefined {
    const watch = this.#watches.get(model);
    return watch?.id === deployment ? watch : undefined;
  }

  verdict(model: string, deployment: string): Verdict {
    const verdict = this.of(model, deployment)?.verdict() ?? { is: 'wait' };
    // Nothing is committed that cannot answer at this moment.
    return verdict.is === 'commit' && !this.#options.router.get(deployment)?.ready ? { is: 'wait' } : verdict;
  }

  outcome(session: ModelSession, outcome: { ok: true; latencyMs: number } | { ok: false }): void {
    const { model, id } = session.options;
    const watch = this.of(model, id);
    if (!watch) return;
    if (outcome.ok) watch.succeeded(outcome.latencyMs);
    else watch.failed();
    this.#decide(model, id);
  }

  crashed(session: ModelSession): void {
    const { model, id } = session.options;
    const watch = this.of(model, id);
    if (!watch) return;
    watch.crashed();
    this.#decide(model, id);
  }

  /** Never throws: a verdict that cannot be written down, as on a full disk, is no fault of the request that brought it about, and comes again. */
  #decide(model: string, id: string): void {
    try {
      const verdict = this.verdict(model, id);
      if (verdict.is === 'roll back') this.#options.rollBack(model, id, verdict.error);
      else if (verdict.is === 'commit') this.#options.onDue(model);
    } catch (error) {
      this.#options.onError(error);
    }
  }

  #tick(): void {
    const now = this.#options.clock.monotonic();
    const passed = now - this.#lastTick;
    this.#lastTick = now;
    try {
      for (const [model, watch] of [...this.#watches]) {
        watch.passed(passed);
        this.#measure(watch);
        this.#decide(model, watch.id);
      }
      this.#save();
    } catch (error) {
      this.#options.onError(error);
    }
  }

  #measure(watch: TrialWatch): void {
    const session = this.#options.router.get(watch.id);
    if (watch.limits.memoryBytes === undefined || !session?.ready) return;
    session
      .runner()
      .memory()
      .then(
        ({ peak }) => watch.memory(peak),
        () => {},
      );
  }

  #save(): void {
    for (const watch of this.#watches.values()) {
      const progress = watch.unsaved();
      if (progress) this.#options.ledger.saveTrial(watch.id, progress);
    }
  }
}
