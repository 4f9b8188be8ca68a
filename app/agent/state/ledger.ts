/**
 * Every change of a deployment or a slot: one transaction each, with the event that tells of it. A power cut therefore
 * finds the state before or the state after, never one between.
 */
import { EdgewrightError, type ErrorBody } from '#contract';
import { type AgentDeploymentState, compareVersions, type DeploymentOrder } from '#core/protocol';
import type { Clock, Sqlite } from '#core/platform';
import { MAX_KEPT_DEPLOYMENTS } from '../limits.ts';
import { CANDIDATE_STATES, TRANSITIONS } from './transitions.ts';
import { type Authority, type DeploymentRecord, Deployments, refOf, type TrialProgress } from './deployments.ts';
import type { EventKind, EventLog } from './events.ts';

export interface RolledBack {
  from: DeploymentRecord;
  /** Absent: nothing was there before, so nothing serves now. */
  to: DeploymentRecord | undefined;
}

/** Tables that hold nothing but what the workspace sent, or said. */
const WIPED = ['slots', 'deployment_blobs', 'deployments', 'floors', 'trust', 'identity', 'events', 'administrators', 'revoked_keys'];

export class Ledger extends Deployments {
  readonly #events: EventLog;
  readonly #clock: Clock;

  constructor(db: Sqlite, events: EventLog, clock: Clock) {
    super(db);
    this.#events = events;
    this.#clock = clock;
  }

  /**
   * Takes a decision of the workspace, or of an administrator. The same id again changes nothing. Whatever of this model was still
   * on its way is superseded, whoever ordered it.
   * @param ordered who ordered it, and what is written down along with a new order of his
   * @returns the record, and the ids it superseded
   * @throws device.id-reused (input), trust.older-version, and what `ordered.count` throws
   */
  accept(order: DeploymentOrder, ordered?: { by: Authority; count: () => void }): { record: DeploymentRecord; superseded: string[] } {
    return this.#transaction(() => {
      const known = this.get(order.id);
      if (known) {
        if (known.digest === order.manifest.digest && known.model === order.name && known.by?.key === ordered?.by.key) return { record: known, superseded: [] };
        throw new EdgewrightError({
          code: 'device.id-reused',
          message: 'This deployment id was used before for something else.',
          expected: `${refOf(known)} ${known.digest}`,
          found: `${order.name}@${order.version}#${order.variant} ${order.manifest.digest}`,
          owner: 'input',
        });
      }
      ordered?.count();
      this.#checkFloor(order);
      const superseded = this.ofModel(order.name).filter((d) => CANDIDATE_STATES.includes(d.state));
      for (const old of superseded) {
        this.#move(old, 'superseded');
        this.#note('superseded', old, `${refOf(old)} was still on its way when a newer deployment came.`);
      }
      const now = this.#clock.now();
      this.db
        .prepare(
          'INSERT INTO deployments (id, model, version, variant, digest, decision, authority, state, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
        )
        .run(
          order.id,
          order.name,
          order.version,
          order.variant,
          order.manifest.digest,
          JSON.stringify(order),
          ordered ? JSON.stringify(ordered.by) : null,
          'receiving',
          now,
          now,
        );
      const blob = this.db.prepare('INSERT OR IGNORE INTO deployment_blobs (deployment, digest, size) VALUES (?, ?, ?)');
      for (const { digest, size } of order.blobs) blob.run(order.id, digest, size);
      const record = this.#must(order.id);
      this.#note('accepted', record, ordered ? `${refOf(record)} was accepted, as ${ordered.by.name} ordered.` : `${refOf(record)} was accepted.`);
      this.#forgetOld(order.name);
      return { record, superseded: superseded.map((d) => d.id) };
    });
  }

  /** Moves a candidate one state on. @returns false when it left that path meanwhile (cancelled, superseded). */
  advance(id: string, from: AgentDeploymentState, to: AgentDeploymentState, event?: { kind: EventKind; message: string }): boolean {
    return this.#transaction(() => {
      const record = this.get(id);
      if (record?.state !== from) return false;
      this.#move(record, to);
      if (event) this.#note(event.kind, record, event.message);
      else this.#events.wake();
      return true;
    });
  }

  /** Counts a test that begins. @returns how many have begun. */
  beginTest(id: string): number {
    return this.#transaction(() => {
      this.db.prepare('UPDATE deployments SET attempts = attempts + 1 WHERE id = ?').run(id);
      return this.#must(id).attempts;
    });
  }

  /** A candidate that may never serve. What serves now is not touched. */
  refuse(id: string, error: ErrorBody): boolean {
    return this.#transaction(() => {
      const record = this.get(id);
      if (!record || !CANDIDATE_STATES.includes(record.state)) return false;
      this.#move(record, 'refused', error);
      this.#note('refused', record, `${refOf(record)} was refused: ${error.message}`);
      return true;
    });
  }

  /** @param error the reason, as it is kept */
  cancelCandidate(id: string, error = CANCELLED): boolean {
    return this.#transaction(() => {
      const record = this.get(id);
      if (!record || !CANDIDATE_STATES.includes(record.state)) return false;
      this.#move(record, 'cancelled', error);
      this.#note('cancelled', record, `${refOf(record)} was cancelled: ${error.message}`);
      return true;
    });
  }

  /** The switch: from the commit of this transaction on, the slot serves `id`, on trial. */
  switchTo(id: string): boolean {
    return this.#transaction(() => {
      const record = this.get(id);
      if (record?.state !== 'activating') return false;
      const slot = this.slot(record.model);
      const old = slot.serving === undefined ? undefined : this.#must(slot.serving);
      // What never passed its own trial is no good place to go back to; the one before it still is.
      const previous = old?.state === 'on trial' ? slot.previous : slot.serving;
      if (old?.state === 'on trial') this.#move(old, 'superseded');
      this.#move(record, 'on trial');
      this.#setSlot(record.model, id, previous);
      this.#note(
        'switched',
        record,
        old ? `${refOf(record)} serves now, on trial; ${refOf(old)} served before.` : `${refOf(record)} serves now, on trial; nothing served before.`,
      );
      return true;
    });
  }

  /** Ends the trial well. */
  commit(id: string): boolean {
    return this.#transaction(() => {
      const record = this.get(id);
      if (record?.state !== 'on trial') return false;
      const slot = this.slot(record.model);
      const before = slot.previous === undefined ? undefined : this.get(slot.previous);
      if (before?.state === 'active') this.#move(before, 'superseded');
      this.#move(record, 'active');
      this.#setFloor(record);
      this.#note('committed', record, `${refOf(record)} passed its watch and is active.`);
      return true;
    });
  }

  /**
   * Puts the one before back, or nothing where there is none.
   * @param only roll back only while this deployment serves: a late verdict must not hit its successor
   * @param byHand the version floor goes down with it, because a person decided so
   */
  rollBack(model: string, only: string, reason: { error: ErrorBody; state: 'rolled back' | 'cancelled'; byHand: boolean }): RolledBack | undefined {
    return this.#transaction(() => {
      const slot = this.slot(model);
      if (slot.serving !== only) return undefined;
      const from = this.#must(only);
      // A trial can be cancelled; what is active already can only be rolled back.
      this.#move(from, from.state === 'active' ? 'rolled back' : reason.state, reason.error);
      const to = slot.previous === undefined ? undefined : this.#must(slot.previous);
      if (to?.state === 'superseded') this.#move(to, 'active');
      this.#setSlot(model, to?.id, undefined);
      if (to && reason.byHand) this.#setFloor(to);
      this.#note(
        'rolled-back',
        from,
        to
          ? `${refOf(from)} was rolled back to ${refOf(to)}: ${reason.error.message}`
          : `${refOf(from)} was rolled back; nothing was there before, so ${model} is not served: ${reason.error.message}`,
      );
      return { from: this.#must(from.id), to: to && this.#must(to.id) };
    });
  }

  saveTrial(id: string, progress: TrialProgress): void {
    this.db
      .prepare('UPDATE deployments SET trial_ms = ?, trial_requests = ?, trial_failures = ?, trial_crashes = ? WHERE id = ?')
      .run(Math.round(progress.ms), progress.requests, progress.failures, progress.crashes, id);
  }

  /** Called at a start after an unclean end: everything on trial may have caused it. */
  countUncleanStart(): void {
    this.db.prepare("UPDATE deployments SET trial_starts = trial_starts + 1 WHERE state = 'on trial'").run();
  }

  /** Forgets everything the workspace ever sent. */
  wipe(): void {
    this.#transaction(() => {
      for (const table of WIPED) this.db.exec(`DELETE FROM ${table}`);
      this.db.exec('UPDATE administration SET counter = 0, note = NULL, latest = 0');
    });
  }

  #checkFloor(order: DeploymentOrder): void {
    const floor = this.floor(order.name);
    if (floor === undefined || order.allowDowngrade || compareVersions(order.version, floor) >= 0) return;
    throw new EdgewrightError({
      code: 'trust.older-version',
      message: `${order.name}@${order.version} is older than what this device has already committed.`,
      expected: `${floor} or newer`,
      found: order.version,
      hint: 'Going back is a decision of its own: roll the device back, or deploy with an explicit downgrade.',
      owner: 'trust',
    });
  }

  #move(record: DeploymentRecord, to: AgentDeploymentState, error?: ErrorBody): void {
    if (!TRANSITIONS[record.state].includes(to)) {
      throw new EdgewrightError({ code: 'bug', message: `A deployment cannot go from ${record.state} to ${to}.`, owner: 'bug' });
    }
    this.db
      .prepare('UPDATE deployments SET state = ?, error = ?, updated_at = ? WHERE id = ?')
      .run(to, error ? JSON.stringify(error) : null, this.#clock.now(), record.id);
  }

  #setSlot(model: string, serving: string | undefined, previous: string | undefined): void {
    this.db
      .prepare(
        'INSERT INTO slots (model, serving, previous) VALUES (?, ?, ?) ON CONFLICT (model) DO UPDATE SET serving = excluded.serving, previous = excluded.previous',
      )
      .run(model, serving ?? null, previous ?? null);
  }

  #setFloor(record: DeploymentRecord): void {
    this.db
      .prepare('INSERT INTO floors (model, version) VALUES (?, ?) ON CONFLICT (model) DO UPDATE SET version = excluded.version')
      .run(record.model, record.version);
  }

  /** Old lines go once nothing points at them any more. */
  #forgetOld(model: string): void {
    const ended = this.ofModel(model).filter((d) => !this.isLiveDeployment(d.id));
    for (const old of ended.slice(0, Math.max(0, ended.length - MAX_KEPT_DEPLOYMENTS))) this.db.prepare('DELETE FROM deployments WHERE id = ?').run(old.id);
  }

  #note(kind: EventKind, record: DeploymentRecord, message: string): void {
    this.#events.add(kind, message, record.model);
  }

  #must(id: string): DeploymentRecord {
    const record = this.get(id);
    if (!record) throw new EdgewrightError({ code: 'bug', message: `Deployment ${id} is gone from the database.`, owner: 'bug' });
    return record;
  }

  #transaction<T>(work: () => T): T {
    return this.db.transaction(work).immediate();
  }
}

export const CANCELLED: ErrorBody = { code: 'device.cancelled', message: 'The workspace cancelled this deployment.', owner: 'cancelled' };
