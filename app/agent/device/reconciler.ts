/** The loop of every model: plan, take the first step of each lane, plan again; after a failure, later. */
import { asEdgewrightError, type EdgewrightError } from '#contract';
import type { Log } from '#core/platform';
import { LANE_RETRY_MS, RESTART_MAX_MS } from '../limits.ts';
import { type Actual, desiredOf, type Lane as LaneName, nextStep, type Plan, plan } from '../plan.ts';
import type { DeploymentRecord } from '../state/deployments.ts';
import { execute, type Workshop } from './executors.ts';
import { Lane } from './lane.ts';

export interface ReconcilerOptions {
  shop: Workshop;
  log: Log;
  /** Sessions an order by hand is about to use: no plan may let them go. */
  held: ReadonlySet<string>;
  missing(record: DeploymentRecord): Promise<string[]>;
  /** Blobs or files may have become unneeded. */
  onEnded(): void;
}

export class Reconciler {
  readonly #o: ReconcilerOptions;
  readonly #lanes = new Map<string, Record<LaneName, Lane>>();
  readonly #retries = new Map<string, { timer: NodeJS.Timeout; ms: number }>();
  /** Aborts what is being done for a candidate. */
  readonly #work = new Map<string, AbortController>();
  readonly #stopping = new AbortController();

  constructor(options: ReconcilerOptions) {
    this.#o = options;
  }

  /** Fires when the agent ends. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Something changed for this model. */
  poke(model: string): void {
    if (this.stopping.aborted) return;
    const lanes = this.#lanes.get(model) ?? this.#makeLanes(model);
    lanes.serving.poke();
    lanes.candidate.poke();
  }

  /** Stops what is being done for a candidate that was cancelled or superseded; without an id, for all. */
  abandon(id?: string): void {
    if (id !== undefined) this.#work.get(id)?.abort();
    else for (const work of this.#work.values()) work.abort();
  }

  /** No further step; resolves when those under way have ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const { timer } of this.#retries.values()) clearTimeout(timer);
    this.abandon();
    await Promise.all([...this.#lanes.values()].flatMap((lanes) => [lanes.serving.stop(), lanes.candidate.stop()]));
  }

  #makeLanes(model: string): Record<LaneName, Lane> {
    const make = (name: LaneName) =>
      new Lane(
        () => this.#step(model, name),
        (error) => this.#retryLater(model, error),
      );
    const lanes = { serving: make('serving'), candidate: make('candidate') };
    this.#lanes.set(model, lanes);
    return lanes;
  }

  /** Plans anew and takes the first step of the lane. @returns whether there was one */
  async #step(model: string, lane: LaneName): Promise<boolean> {
    const { shop } = this.#o;
    const step = nextStep(await this.#plan(model), lane);
    const record = step && shop.ledger.get(step.deployment);
    if (!step || !record || this.stopping.aborted) return false;
    const work = new AbortController();
    if (lane === 'candidate') this.#work.set(record.id, work);
    try {
      await execute(shop, record, step, AbortSignal.any([work.signal, this.stopping]));
    } catch (error) {
      if (this.stopping.aborted) return false;
      // Cancelled or superseded: the next plan knows.
      if (work.signal.aborted) return true;
      if (lane === 'serving') throw error;
      this.#refuse(record, asEdgewrightError(error));
    } finally {
      if (lane === 'candidate') this.#work.delete(record.id);
      shop.events.wake();
    }
    this.#retries.delete(model);
    if (step.do === 'commit' || step.do === 'stop') this.#o.onEnded();
    // Each lane's step may be what the other waits for.
    this.poke(model);
    return true;
  }

  async #plan(model: string): Promise<Plan> {
    const { ledger, router, watches } = this.#o.shop;
    const candidate = ledger.candidate(model);
    const missing = candidate?.state === 'receiving' ? (await this.#o.missing(candidate)).length : 0;
    // Read after the last wait, so that the plan is of one moment.
    const desired = desiredOf(ledger.slot(model), ledger.ofModel(model));
    const same = desired.candidate?.id === candidate?.id;
    const actual: Actual = {
      sessions: router.loaded(model),
      held: this.#o.held,
      missing: same ? missing : Number.POSITIVE_INFINITY,
      verdict: desired.serving ? watches.verdict(model, desired.serving.id) : { is: 'wait' },
    };
    if (!same) setImmediate(() => this.poke(model));
    return plan(actual, desired);
  }

  #refuse(record: DeploymentRecord, error: EdgewrightError): void {
    const { ledger, metrics } = this.#o.shop;
    this.#o.log.warn({ deployment: record.id, problem: error.code }, 'refused');
    if (ledger.refuse(record.id, error.toBody())) metrics.deployment(record.model, 'refused');
    this.#o.onEnded();
  }

  #retryLater(model: string, error: unknown): void {
    if (this.stopping.aborted) return;
    const last = this.#retries.get(model);
    clearTimeout(last?.timer);
    const ms = Math.min((last?.ms ?? LANE_RETRY_MS / 2) * 2, RESTART_MAX_MS);
    this.#o.log.error({ err: error, model, retryMs: ms }, 'a step failed');
    this.#retries.set(model, { ms, timer: setTimeout(() => this.poke(model), ms) });
  }
}
