/** The device's own history: numbered, kept in the database, and waited for by whoever follows it. */
import { type DeviceEvent } from '#contract';
import { type Clock, type Sqlite } from '#core/platform';
import { MAX_KEPT_EVENTS } from '../limits.ts';

export type EventKind =
  | 'started'
  | 'enrolled'
  | 'forgotten'
  | 'revoked'
  | 'accepted'
  | 'verified'
  | 'tested'
  | 'refused'
  | 'switched'
  | 'committed'
  | 'rolled-back'
  | 'cancelled'
  | 'superseded'
  | 'bit-rot'
  | 'runner-ended'
  | 'serving'
  | 'not-serving';

interface EventRow {
  seq: number;
  at: number;
  kind: string;
  model: string | null;
  message: string;
}

export class EventLog {
  readonly #db: Sqlite;
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();

  constructor(db: Sqlite, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  /** Writes one line; inside a transaction it stands or falls with it. Whoever waits is woken once that is decided. */
  add(kind: EventKind, message: string, model?: string): void {
    const { lastInsertRowid } = this.#db
      .prepare('INSERT INTO events (at, kind, model, message) VALUES (?, ?, ?, ?)')
      .run(this.#clock.now(), kind, model ?? null, message);
    this.#db.prepare('DELETE FROM events WHERE seq <= ?').run(Number(lastInsertRowid) - MAX_KEPT_EVENTS);
    setImmediate(() => this.wake());
  }

  /** Wakes everyone who waits for a change of any kind. */
  wake(): void {
    for (const resolve of [...this.#waiting]) resolve();
  }

  last(): number {
    const row = this.#db.prepare<[], { seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'events'").get();
    return row?.seq ?? 0;
  }

  /** Events after `seq`, oldest first. */
  after(seq: number, limit: number): DeviceEvent[] {
    const rows = this.#db.prepare<[number, number], EventRow>('SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?').all(seq, limit);
    return rows.map((row) => ({ seq: row.seq, at: row.at, kind: row.kind, message: row.message, ...(row.model !== null && { model: row.model }) }));
  }

  /** Resolves at the next change, after `ms`, or when `signal` fires; never rejects. */
  changed(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#waiting.add(done);
      if (signal?.aborted) done();
      else signal?.addEventListener('abort', done, { once: true });
    });
  }
}
