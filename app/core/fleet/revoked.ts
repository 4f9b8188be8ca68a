/**
 * Who was revoked: one signed statement, which each contact with a device of ours brings up to date. What counts of a device's
 * own statement is our signature on it: after this workspace was restored from an old backup, the devices know more than it.
 */
import { EdgewrightError } from '#contract';
import type { Clock, Sqlite } from '#core/platform';
import type { AgentStatus, RevocationsAnswer } from '#core/protocol';
import { type Keyring, MAX_REVOKED_KEYS, type Note, noteDigest, NoteSchema, openRevocations, signRevocations } from '#core/trust';
import type { DeviceClient } from './device-client.ts';
import type { DeviceRow, DeviceStore } from './device-store.ts';
import { MAX_PARALLEL_DEVICES, MAX_STATEMENT_ROUNDS, TELL_MS } from './limits.ts';
import { slots } from './parallel.ts';

export interface RevokedRow {
  key: string;
  /** null: it became known here from a device. */
  name: string | null;
  at: number;
}

export interface RevokedOptions {
  db: Sqlite;
  devices: DeviceStore;
  keyring: Keyring;
  clock: Clock;
  client(row: DeviceRow): Pick<DeviceClient, 'revocations'>;
}

export class Revoked {
  readonly #o: RevokedOptions;

  constructor(options: RevokedOptions) {
    this.#o = options;
  }

  /** Oldest first. */
  list(): RevokedRow[] {
    return this.#o.db.prepare<[], RevokedRow>('SELECT * FROM revoked_keys ORDER BY at, key').all();
  }

  /** The newest statement; undefined: nobody ever was revoked. */
  statement(): { counter: number; note: Note } | undefined {
    const row = this.#o.db.prepare<[], { counter: number; note: string }>('SELECT counter, note FROM revocations').get();
    return row && { counter: row.counter, note: NoteSchema.parse(JSON.parse(row.note)) };
  }

  /** Revokes a key for good. @throws trust.too-many-revoked, machine.keys-locked */
  add(key: string, name: string | undefined): void {
    const { db, clock } = this.#o;
    db.transaction(() => {
      if (this.list().length >= MAX_REVOKED_KEYS) {
        throw new EdgewrightError({
          code: 'trust.too-many-revoked',
          message: 'This workspace has revoked as many keys as its devices keep.',
          expected: `at most ${MAX_REVOKED_KEYS}`,
          owner: 'input',
        });
      }
      db.prepare('INSERT OR IGNORE INTO revoked_keys (key, name, at) VALUES (?, ?, ?)').run(key, name ?? null, clock.now());
      this.#state((this.statement()?.counter ?? 0) + 1);
    }).immediate();
  }

  /** A device answered: brings it what it lacks. An agent that takes no administrators lacks nothing. */
  async bring(row: DeviceRow, status: Pick<AgentStatus, 'administrators'>): Promise<void> {
    const held = status.administrators;
    if (row.workspace !== null || !held) return;
    const own = this.statement();
    if (own?.note === undefined ? held.counter === 0 : held.statement === noteDigest(own.note)) {
      if (own && row.told !== own.counter) this.#o.devices.told(row.id, own.counter);
      return;
    }
    await this.#tell(row);
  }

  /** Brings it to every device of ours that answers within TELL_MS. */
  async tellAll(signal?: AbortSignal): Promise<void> {
    const line = slots(MAX_PARALLEL_DEVICES);
    const ours = this.#o.devices.all().filter((d) => d.workspace === null);
    const until = AbortSignal.any([AbortSignal.timeout(TELL_MS), ...(signal ? [signal] : [])]);
    await Promise.allSettled(ours.map((row) => line.run(() => this.#tell(row, until), until)));
  }

  /** Whichever of the two knows more, both know all of it afterwards. */
  async #tell(row: DeviceRow, signal?: AbortSignal): Promise<void> {
    for (let round = 0; round < MAX_STATEMENT_ROUNDS; round++) {
      const answer = await this.#o.client(row).revocations(this.statement()?.note, signal);
      this.#learn(answer);
      const own = this.statement();
      if (own && (!answer.revocations || noteDigest(answer.revocations) !== noteDigest(own.note))) continue;
      if (own) this.#o.devices.told(row.id, own.counter);
      return;
    }
  }

  /** Only what we signed counts: a device that lies about its counter must not use up ours. */
  #learn({ revocations: note }: RevocationsAnswer): void {
    const { db, keyring } = this.#o;
    if (!note) return;
    const theirs = openRevocations(note, { workspaceId: keyring.workspaceId, signerPem: keyring.publicKeyPem });
    db.transaction(() => {
      const own = this.statement();
      if (own && noteDigest(own.note) === noteDigest(note)) return;
      const before = this.list().length;
      const put = db.prepare('INSERT OR IGNORE INTO revoked_keys (key, name, at) VALUES (?, NULL, ?)');
      for (const { key, at } of theirs.revoked) put.run(key, at);
      const count = this.list().length;
      const counter = own?.counter ?? 0;
      if (theirs.counter > counter && count === theirs.revoked.length) this.#keep(theirs.counter, note);
      // Each knew something that the other did not, or two statements have one counter: one more says all of it.
      else if (theirs.counter >= counter || count > before) this.#state(Math.max(theirs.counter, counter) + 1);
    }).immediate();
  }

  /** Signs all that is revoked, as the statement with this counter. */
  #state(counter: number): void {
    const { keyring, clock } = this.#o;
    this.#keep(counter, signRevocations(keyring, { counter, at: clock.now(), revoked: this.list().map(({ key, at }) => ({ key, at })) }));
  }

  #keep(counter: number, note: Note): void {
    this.#o.db
      .prepare(
        'INSERT INTO revocations (only, counter, note) VALUES (1, ?, ?) ON CONFLICT (only) DO UPDATE SET counter = excluded.counter, note = excluded.note',
      )
      .run(counter, JSON.stringify(note));
  }
}
