/**
 * The device as one thing: takes the workspace's decisions, keeps the lanes of every model working, and answers what
 * runs. All state that matters is in the ledger; what is here can be lost at any moment.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ErrorBody } from '#contract';
import type { BlobStore } from '#core/bundles';
import type { Uploads } from '#core/distribution';
import type { DeploymentAccepted, DeploymentOrder, DeploymentStatus, RollbackAnswer } from '#core/protocol';
import { type Clock, type Log, Turns } from '#core/platform';
import { type Note, type Revocations, revokedError } from '#core/trust';
import { HEAD_START_BYTES } from '../limits.ts';
import type { Metrics } from '../metrics.ts';
import { HeadStarts } from '../serving/head-start.ts';
import type { Router } from '../serving/router.ts';
import type { ModelSession, SessionOptions } from '../serving/session.ts';
import { type DeploymentRecord, refOf } from '../state/deployments.ts';
import type { AdministratorStore } from '../state/administrators.ts';
import type { EventLog } from '../state/events.ts';
import type { IdentityStore } from '../state/identity.ts';
import { CANCELLED, type Ledger, type RolledBack } from '../state/ledger.ts';
import type { AdministratorOrder } from './authority.ts';
import { keep, layOut, openSession, type Workshop } from './executors.ts';
import { collectGarbage } from './garbage.ts';
import type { StagedBundle } from './install.ts';
import { Reconciler } from './reconciler.ts';
import { bytesOf, checkOrder, checkSpace, nothingBefore, onlyModel } from './orders.ts';
import { statusOf } from './report.ts';
import { Watches } from './watches.ts';

export interface DeviceOptions {
  dir: string;
  ledger: Ledger;
  store: BlobStore;
  uploads: Uploads;
  router: Router;
  events: EventLog;
  metrics: Metrics;
  identity: IdentityStore;
  administrators: AdministratorStore;
  clock: Clock;
  log: Log;
}

export class Device {
  readonly watches: Watches;
  readonly #o: DeviceOptions;
  readonly #shop: Workshop;
  /** Sessions an order by hand is about to use: no plan may let them go. */
  readonly #held = new Set<string>();
  readonly #retiring = new Set<ModelSession>();
  readonly #headStarts = new HeadStarts();
  readonly #layingOut = new Map<string, Turns>();
  readonly #storeTurn = new Turns();
  readonly #handTurn = new Turns();
  readonly #reconciler: Reconciler;

  constructor(options: DeviceOptions) {
    this.#o = options;
    this.watches = new Watches({
      ledger: options.ledger,
      router: options.router,
      clock: options.clock,
      rollBack: (model, deployment, error) => void this.#rollBackNow(model, deployment, { error, state: 'rolled back', byHand: false }),
      onDue: (model) => this.poke(model),
      onError: (error) => options.log.error({ err: error }, 'the watch failed'),
    });
    this.#shop = {
      ...options,
      watches: this.watches,
      staged: new Map<string, StagedBundle>(),
      serveFailures: new Map<string, number>(),
      headStarts: this.#headStarts,
      layingOut: (deployment) => {
        const turn = this.#layingOut.get(deployment) ?? new Turns();
        this.#layingOut.set(deployment, turn);
        return turn;
      },
      stagedDir: (deployment) => join(this.stagedRoot, deployment),
      sessionOptions: (record, staged) => this.#sessionOptions(record, staged),
      rollBack: (model, deployment, error) => void this.#rollBackNow(model, deployment, { error: error.toBody(), state: 'rolled back', byHand: false }),
      retire: (session) => this.#retire(session),
    };
    this.#reconciler = new Reconciler({
      shop: this.#shop,
      log: options.log,
      held: this.#held,
      missing: (record) => this.missing(record),
      onEnded: () => this.#collectSoon(),
    });
    // Before any door opens: what is not loaded yet must never look unknown, nor the device ready without it.
    for (const slot of options.ledger.slots()) options.router.point(slot.model, slot.serving);
  }

  get stagedRoot(): string {
    return join(this.#o.dir, 'staged');
  }

  /** Takes up every model where it was left. @param unclean the agent's last life ended without a goodbye */
  async start(unclean: boolean): Promise<void> {
    const { ledger } = this.#o;
    if (unclean) ledger.countUncleanStart();
    // Laid-out files are links made anew: whatever a cut left half done goes.
    await rm(this.stagedRoot, { recursive: true, force: true });
    for (const slot of ledger.slots()) {
      const record = slot.serving === undefined ? undefined : ledger.get(slot.serving);
      if (record?.state === 'on trial') this.watches.begin(record, record.order.limits);
    }
    await this.collect();
    for (const model of ledger.models()) this.poke(model);
  }

  async stop(): Promise<void> {
    this.watches.stop();
    await this.#reconciler.stop();
    await Promise.all([this.#o.router.close(), this.#headStarts.close(), ...[...this.#retiring].map((session) => session.close())]);
  }

  /** Something changed for this model. */
  poke(model: string): void {
    this.#reconciler.poke(model);
  }

  /**
   * @param from whose order it is; absent: the workspace's own
   * @throws trust.older-version, trust.order-replayed, trust.grant-expired, trust.administrator-revoked, device.disk-full, device.id-reused
   */
  async accept(order: DeploymentOrder, from?: AdministratorOrder): Promise<DeploymentAccepted> {
    const { ledger, administrators, dir } = this.#o;
    checkOrder(order);
    // In turn with the garbage collector: what is found here now must not be deleted before it is listed.
    return this.#storeTurn.take(async () => {
      const known = ledger.get(order.id);
      if (!known) await checkSpace(order, this.#o.store, dir);
      // Nothing waits from here until it is written: who was revoked meanwhile gives no order.
      if (from) administrators.check(from.grant);
      const ordered = from && { by: from.by, count: () => administrators.count(from.by.key, from.by.name, from.counter) };
      const { record, superseded } = ledger.accept(order, ordered);
      for (const id of superseded) this.#abandon(id);
      const missing = await this.missing(record);
      if (record.state === 'receiving' && bytesOf(order, missing) <= HEAD_START_BYTES)
        this.#headStarts.begin(record.id, refOf(record), order.limits.memoryBytes);
      this.poke(record.model);
      return { id: record.id, state: record.state, missing };
    });
  }

  /** The workspace says whom it revoked: what they ordered and does not serve yet never will. @returns the keys that are revoked since */
  revoke(note: Note, revocations: Revocations): ReadonlySet<string> {
    const { ledger, administrators, events } = this.#o;
    const added = administrators.take(note, revocations) ?? [];
    for (const key of added) events.add('revoked', `The workspace revoked ${administrators.nameOf(key)}.`);
    for (const { id, by } of ledger.candidates()) {
      if (!by || !added.includes(by.key)) continue;
      if (ledger.refuse(id, revokedError(by.key).toBody())) this.#abandon(id);
    }
    return new Set(added);
  }

  /** Cancels at any state; what has ended stays as it ended. @param by the administrator who said so; absent: the workspace */
  cancel(record: DeploymentRecord, by?: string): void {
    const error: ErrorBody = by === undefined ? CANCELLED : { ...CANCELLED, message: `${by} cancelled this deployment.` };
    if (this.#o.ledger.cancelCandidate(record.id, error)) this.#abandon(record.id);
    else if (record.state === 'on trial') this.#rollBackNow(record.model, record.id, { error, state: 'cancelled', byHand: false });
    this.poke(record.model);
  }

  /**
   * Puts the one before back because a person said so. The one that serves goes on serving until the other is loaded.
   * @param by the administrator who said so; absent: the workspace
   */
  rollBack(asked: string | undefined, by?: string): Promise<RollbackAnswer> {
    const { ledger, router, clock } = this.#o;
    const started = clock.monotonic();
    return this.#handTurn.take(async () => {
      const slot = ledger.slot(asked ?? onlyModel(ledger));
      const serving = slot.serving === undefined ? undefined : ledger.get(slot.serving);
      const previous = slot.previous === undefined ? undefined : ledger.get(slot.previous);
      if (!serving || !previous) throw nothingBefore(slot.model, serving);
      this.#held.add(previous.id);
      try {
        if (!router.get(previous.id)) {
          const staged = await layOut(this.#shop, previous, this.#reconciler.stopping);
          await keep(this.#shop, await openSession(this.#shop, previous, staged, this.#reconciler.stopping));
        }
        const message = `It was rolled back by hand${by === undefined ? '' : `, by ${by}`}.`;
        const error: ErrorBody = { code: 'device.rolled-back-by-hand', message, owner: 'cancelled' };
        const done = this.#rollBackNow(slot.model, serving.id, { error, state: 'rolled back', byHand: true });
        if (!done?.to) throw nothingBefore(slot.model, serving);
        return { model: slot.model, from: refOf(done.from), to: refOf(done.to), seconds: (clock.monotonic() - started) / 1000 };
      } finally {
        this.#held.delete(previous.id);
        this.poke(slot.model);
      }
    });
  }

  /** Un-enrols: nothing of the workspace stays, and nothing serves. */
  async forget(): Promise<void> {
    const { ledger, router, store, uploads, events } = this.#o;
    this.#reconciler.abandon();
    for (const model of ledger.models()) this.watches.end(model);
    ledger.wipe();
    await Promise.all([router.close(), this.#headStarts.close()]);
    this.#shop.staged.clear();
    await this.#storeTurn.take(async () => {
      await uploads.sweep();
      for await (const { digest } of store.list()) await store.remove(digest);
      await rm(this.stagedRoot, { recursive: true, force: true });
    });
    events.add('forgotten', 'This device belongs to no workspace any more.');
  }

  async status(record: DeploymentRecord): Promise<DeploymentStatus> {
    return statusOf(record, this.#o.ledger, this.watches, record.state === 'receiving' ? await this.missing(record) : [], this.#o.clock);
  }

  /** A blob arrived. */
  onBlob(model: string): void {
    this.#o.events.wake();
    this.poke(model);
  }

  async missing(record: DeploymentRecord): Promise<string[]> {
    const missing: string[] = [];
    for (const { digest, size } of this.#o.ledger.blobsOf(record.id)) if ((await this.#o.store.size(digest)) !== size) missing.push(digest);
    return missing;
  }

  /** Deletes what nothing that may still serve needs. */
  collect(): Promise<void> {
    return this.#storeTurn.take(() => collectGarbage(this.#o, this.stagedRoot, this.#shop.staged));
  }

  /** One transaction and one assignment: from the next request on, the one before answers. */
  #rollBackNow(model: string, deployment: string, reason: Parameters<Ledger['rollBack']>[2]): RolledBack | undefined {
    const done = this.#o.ledger.rollBack(model, deployment, reason);
    if (!done) return undefined;
    this.#o.router.point(model, done.to?.id);
    this.watches.end(model);
    this.#o.metrics.deployment(model, reason.state);
    this.poke(model);
    return done;
  }

  /** Stops what is being done for a candidate that was cancelled or superseded. */
  #abandon(id: string): void {
    this.#reconciler.abandon(id);
    this.#headStarts.drop(id);
    this.#collectSoon();
  }

  #collectSoon(): void {
    this.collect().catch((error: unknown) => this.#o.log.warn({ err: error }, 'cleaning up failed'));
  }

  #retire(session: ModelSession): void {
    this.#retiring.add(session);
    void session
      .drain()
      .catch((error: unknown) => this.#o.log.warn({ err: error }, 'a runner did not end cleanly'))
      .finally(() => this.#retiring.delete(session));
  }

  #sessionOptions(record: DeploymentRecord, staged: StagedBundle): SessionOptions {
    const memoryLimitBytes = record.order.limits.memoryBytes ?? staged.limits.memoryBytes;
    return {
      id: record.id,
      ref: refOf(record),
      model: record.model,
      version: record.version,
      variant: record.variant,
      modelPath: staged.modelPath,
      reading: staged.reading,
      memoryLimitBytes,
      clock: this.#o.clock,
      onCrash: (session, error) => {
        this.#o.metrics.runnerEnded(record.model);
        this.watches.crashed(session);
        // A disk that is full takes no note; the model is started again all the same.
        try {
          this.#o.events.add('runner-ended', `The runner of ${refOf(record)} ended: ${error.message}`, record.model);
        } catch (cause) {
          this.#o.log.error({ err: cause, ended: error.message }, 'the end of a runner could not be noted');
        }
      },
    };
  }
}
