/**
 * What this device keeps of administrators: the newest word of its workspace about whom it revoked, who came, and how far the
 * orders of each have been taken. Counters only go up, each in the transaction that makes use of it.
 */
import { EdgewrightError } from '#contract';
import type { Clock, Sqlite } from '#core/platform';
import { MAX_TOLD_ADMINISTRATORS, type RevocationsAnswer } from '#core/protocol';
import { type Note, noteDigest, NoteSchema, type Revocations, type Standing, standingProblem } from '#core/trust';
import { SEEN_NOTE_MS } from '../limits.ts';

interface AdministrationRow {
  counter: number;
  note: string | null;
  latest: number;
}

export class AdministratorStore {
  readonly #db: Sqlite;
  readonly #clock: Clock;

  constructor(db: Sqlite, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  /** @throws trust.administrator-revoked, trust.clock-behind, trust.grant-expired */
  check(standing: Standing): void {
    const problem = standingProblem(standing, { now: this.#clock.now(), latest: this.#administration().latest, revoked: this.revoked(), whose: 'the device' });
    if (problem) throw problem;
  }

  /** Whom the workspace has revoked, by the fingerprint of the signing key. */
  revoked(): ReadonlySet<string> {
    return new Set(
      this.#db
        .prepare<[], { key: string }>('SELECT key FROM revoked_keys')
        .all()
        .map(({ key }) => key),
    );
  }

  /** The newest statement that was taken. */
  statement(): RevocationsAnswer {
    const { counter, note } = this.#administration();
    return { counter, ...(note !== null && { revocations: NoteSchema.parse(JSON.parse(note)) }) };
  }

  /**
   * Takes a statement of the workspace if it is newer than the last one. A key that was revoked stays so, whatever a later one says.
   * @returns the keys that are revoked since; undefined: it is not newer
   */
  take(note: Note, { counter, at, revoked }: Revocations): string[] | undefined {
    return this.#db
      .transaction(() => {
        if (counter <= this.#administration().counter) return undefined;
        const put = this.#db.prepare('INSERT OR IGNORE INTO revoked_keys (key, at) VALUES (?, ?)');
        const added = revoked.filter((one) => put.run(one.key, one.at).changes === 1);
        this.#db.prepare('UPDATE administration SET counter = ?, note = ?, latest = max(latest, ?)').run(counter, JSON.stringify(note), at);
        return added.map(({ key }) => key);
      })
      .immediate();
  }

  /** One who may act came through the door. Not each time is written down. */
  came(key: string): void {
    const now = this.#clock.now();
    const known = this.#db.prepare<[string], { seen_at: number }>('SELECT seen_at FROM administrators WHERE key = ?').get(key);
    if (known && Math.abs(now - known.seen_at) < SEEN_NOTE_MS) return;
    this.#db
      .transaction(() => {
        this.#see(key, now);
        this.#db.prepare('UPDATE administration SET latest = max(latest, ?)').run(now);
      })
      .immediate();
  }

  /**
   * Takes the counter of an order; inside a transaction it stands or falls with it.
   * @throws trust.order-replayed
   */
  count(key: string, name: string, counter: number): void {
    const last = this.lastOrder(key);
    if (counter <= last) {
      throw new EdgewrightError({
        code: 'trust.order-replayed',
        message: 'An order with this counter, or a later one, was taken already: this one is old.',
        expected: `a counter above ${last}`,
        found: String(counter),
        hint: 'Deploy again, which makes a new order.',
        owner: 'trust',
      });
    }
    this.#see(key, this.#clock.now());
    this.#db.prepare('UPDATE administrators SET last_order = ?, name = ? WHERE key = ?').run(counter, name, key);
  }

  lastOrder(key: string): number {
    return this.#db.prepare<[string], { last_order: number }>('SELECT last_order FROM administrators WHERE key = ?').get(key)?.last_order ?? 0;
  }

  /** What to call one in a message. */
  nameOf(key: string): string {
    const name = this.#db.prepare<[string], { name: string | null }>('SELECT name FROM administrators WHERE key = ?').get(key)?.name;
    return name ?? `administrator ${key.slice(0, 16)}`;
  }

  /** What the device tells of all this. */
  report(): { counter: number; statement?: string; seen: { key: string; at: number }[] } {
    const { counter, revocations } = this.statement();
    const seen = this.#db
      .prepare<[number], { key: string; at: number }>('SELECT key, seen_at AS at FROM administrators ORDER BY seen_at DESC, key LIMIT ?')
      .all(MAX_TOLD_ADMINISTRATORS);
    return { counter, ...(revocations && { statement: noteDigest(revocations) }), seen };
  }

  /** The device belongs to a workspace from now on, or anew. @param statement what that one says of whom it revoked */
  reset(statement?: { note: Note; revocations: Revocations }): void {
    this.#db
      .transaction(() => {
        this.#db.exec('DELETE FROM administrators; DELETE FROM revoked_keys; UPDATE administration SET counter = 0, note = NULL, latest = 0;');
        if (statement) this.take(statement.note, statement.revocations);
      })
      .immediate();
  }

  #see(key: string, at: number): void {
    this.#db.prepare('INSERT INTO administrators (key, seen_at) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET seen_at = excluded.seen_at').run(key, at);
  }

  #administration(): AdministrationRow {
    const row = this.#db.prepare<[], AdministrationRow>('SELECT counter, note, latest FROM administration').get();
    // Whoever deletes it must not thereby let revoked ones in.
    if (!row)
      throw new EdgewrightError({
        code: 'machine.database-damaged',
        message: 'The database of this device lacks what it must know of administrators.',
        owner: 'machine',
      });
    return row;
  }
}
