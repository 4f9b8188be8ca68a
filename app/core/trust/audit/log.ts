/**
 * The audit log: who did what to which digest when. Lines are only ever added, each in one transaction with the head that
 * signs it, so that no kill can come between the two; several processes may add at once. While the private keys are locked,
 * lines are added unsigned, and the next one that can be signed covers them.
 */
import { hostname, userInfo } from 'node:os';
import { asEdgewrightError, EdgewrightError } from '#contract';
import type { Clock, Sqlite } from '#core/platform';
import { distrust } from '../errors.ts';
import { MAX_AUDIT_LINES } from '../limits.ts';
import type { Note } from '../note.ts';
import { archiveOldest } from './archive.ts';
import { type CheckpointRow, type LineRow, openAuditDatabase } from './database.ts';
import { type AuditAct, type AuditEntry, AuditEntrySchema, bounded, canonical, entryHash, GENESIS } from './entry.ts';
import { type HeadSigner, signHead } from './head.ts';

export interface AuditOptions {
  path: string;
  /** Where lines go once there are more than MAX_AUDIT_LINES. */
  archive: string;
  keyring: HeadSigner;
  clock: Clock;
  /** There was a log: an empty one is one that was taken away. */
  begun?: boolean;
}

/** A line as it is shown. */
export type AuditLine = AuditEntry & { hash: string };

export class AuditLog {
  readonly #db: Sqlite;
  readonly #options: AuditOptions;
  readonly #user = currentUser();
  /** The newest line when the transaction under way began. */
  #before = 0;

  constructor(options: AuditOptions) {
    this.#options = options;
    this.#db = openAuditDatabase(options.path);
  }

  get db(): Sqlite {
    return this.#db;
  }
  get archive(): string {
    return this.#options.archive;
  }
  /** Whether there should be lines and are none. */
  get gone(): boolean {
    return this.#options.begun === true && this.#last().seq === 0;
  }
  get keyring(): HeadSigner {
    return this.#options.keyring;
  }

  /**
   * Adds a line, durably. Whoever must not act unrecorded calls it before the act and lets its failure stop the act.
   * @returns the line's number
   * @throws machine.audit-failed when it cannot be written: then nothing was
   */
  append(act: AuditAct): number {
    return this.#write(() => {
      const line = this.#add(act, this.#user, this.#now(), this.#last());
      if (this.#options.keyring.unlocked) this.#sign(line);
      return line.seq;
    });
  }

  /** The first lines of a log that has none: those of before there was a chain keep their time, and nobody vouches for who. */
  begin(lines: readonly (AuditAct & { at: number; user?: string })[]): void {
    if (this.#last().seq > 0 || this.gone) return;
    this.#write(() => {
      if (this.#last().seq > 0) return;
      let last = this.#last();
      for (const { at, user = this.#user, ...act } of lines) last = this.#add(act, user, at, last);
      if (this.#options.keyring.unlocked && lines.length > 0) this.#sign(last);
    });
  }

  /** Signs what was added while the keys were locked. */
  sign(): void {
    if (!this.#options.keyring.unlocked) return;
    this.#write(() => {
      const last = this.#last();
      if (last.seq > (this.head()?.seq ?? 0)) this.#sign(last);
    });
  }

  /** Newest first; `before` pages on. Without `asked` only what was done or failed; with `link` only what leads there. */
  list(options: { before?: number | undefined; limit: number; asked?: boolean | undefined; link?: string | undefined }): AuditLine[] {
    const which = `${options.asked ? '' : "AND phase IS NOT 'asked'"} ${options.link === undefined ? '' : "AND entry ->> 'link' = ?"}`;
    const rows = this.#db
      .prepare<(number | string)[], LineRow>(`SELECT seq, hash, entry FROM lines WHERE seq < ? ${which} ORDER BY seq DESC LIMIT ?`)
      .all(options.before ?? Number.MAX_SAFE_INTEGER, ...(options.link === undefined ? [] : [options.link]), options.limit);
    return rows.map(({ hash, entry }) => ({ ...AuditEntrySchema.parse(JSON.parse(entry)), hash }));
  }

  /** The newest head, which nobody has checked here. */
  head(): { seq: number; note: Note } | undefined {
    const row = this.#db.prepare<[], { seq: number; note: string }>('SELECT seq, note FROM head').get();
    return row && { seq: row.seq, note: JSON.parse(row.note) as Note };
  }

  /** The newest checkpoint: lines up to it are in archives. */
  checkpoint(): CheckpointRow | undefined {
    return this.#db.prepare<[], CheckpointRow>('SELECT * FROM checkpoints ORDER BY seq DESC LIMIT 1').get();
  }

  close(): void {
    try {
      this.sign();
    } catch {
      // A disk that is full now: the lines are there, and the next head covers them.
    }
    this.#db.close();
  }

  #now(): number {
    return Math.trunc(this.#options.clock.now());
  }

  /** Adds a line after `last`; whoever calls it signs. */
  #add({ actor, kind, phase, message, link, digest }: AuditAct, user: string, at: number, last: { seq: number; hash: string }): { seq: number; hash: string } {
    const signed = this.#options.keyring.unlocked;
    const entry: AuditEntry = {
      v: 1,
      seq: last.seq + 1,
      at,
      user,
      actor: bounded(actor),
      kind: bounded(kind),
      ...(phase !== undefined && { phase }),
      message: bounded(message),
      ...(link !== undefined && { link: bounded(link) }),
      ...(digest !== undefined && { digest: bounded(digest) }),
      ...(signed && { signed }),
      prev: last.hash,
    };
    const text = canonical(entry);
    const hash = entryHash(text);
    this.#db.prepare('INSERT INTO lines (seq, hash, entry) VALUES (?, ?, ?)').run(entry.seq, hash, text);
    return { seq: entry.seq, hash };
  }

  #sign(line: { seq: number; hash: string }): void {
    // A head that somebody removed must not be replaced by one that vouches for what is left.
    if (!this.head() && this.#wasSigned()) throw broken('its signed head is gone');
    const note = signHead(this.#options.keyring, { ...line, at: this.#now() });
    this.#db
      .prepare('INSERT INTO head (only, seq, note) VALUES (1, ?, ?) ON CONFLICT (only) DO UPDATE SET seq = excluded.seq, note = excluded.note')
      .run(line.seq, JSON.stringify(note));
  }

  /** Whether there was a head before this line. */
  #wasSigned(): boolean {
    if (this.checkpoint()) return true;
    // Not the lines that are being signed now, which are not there yet for others.
    return this.#db.prepare<[number]>("SELECT 1 FROM lines WHERE seq <= ? AND entry ->> 'signed' LIMIT 1").get(this.#before) !== undefined;
  }

  /** The newest line, wherever it is; before the first one what that stands on. */
  #last(): { seq: number; hash: string } {
    const row = this.#db.prepare<[], { seq: number; hash: string }>('SELECT seq, hash FROM lines ORDER BY seq DESC LIMIT 1').get();
    return row ?? this.checkpoint() ?? { seq: 0, hash: GENESIS };
  }

  #write<T>(work: () => T): T {
    try {
      const result = this.#db
        .transaction(() => {
          this.#before = this.#last().seq;
          if (this.#before === 0 && this.#options.begun) throw broken('all of it is gone');
          // Nor may a line take the place of one that was signed and cut off.
          if ((this.head()?.seq ?? 0) > this.#before) throw broken('lines that were signed are missing at its end');
          return work();
        })
        .immediate();
      this.#keepSmall();
      return result;
    } catch (error) {
      throw unrecorded(error);
    }
  }

  /** Best effort: a log that could not be archived now only stays larger for a while. */
  #keepSmall(): void {
    if (!this.#options.keyring.unlocked) return;
    const { seq } = this.#last();
    if (seq - (this.checkpoint()?.seq ?? 0) <= MAX_AUDIT_LINES) return;
    try {
      archiveOldest(this.#db, this.#options.archive, this.#options.keyring, this.#now());
    } catch (error) {
      if (asEdgewrightError(error).owner === 'bug') throw error;
    }
  }
}

function currentUser(): string {
  let name = '?';
  try {
    name = userInfo().username;
  } catch {
    // A user without an entry in the system's list, as in some containers.
    name = `uid ${process.getuid?.() ?? '?'}`;
  }
  return bounded(`${name}@${hostname()}`);
}

function broken(how: string): EdgewrightError {
  return distrust('audit-broken', `The audit log is broken: ${how}.`, {
    hint: 'See what is missing: edgewright audit verify. To go on, put the broken log aside: edgewright audit restart --reason TEXT.',
  });
}

function unrecorded(error: unknown): EdgewrightError {
  const known = asEdgewrightError(error);
  const refused = error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_CONSTRAINT');
  if (known.owner === 'bug' && !refused) throw error;
  return new EdgewrightError(
    {
      code: 'machine.audit-failed',
      message: `This cannot be done, because it cannot be written to the audit log: ${refused ? `${error.message}.` : known.message}`,
      hint: refused ? 'See what is wrong with it: edgewright audit verify.' : (known.hint ?? 'Free some space, then run it again.'),
      owner: 'machine',
    },
    { cause: error },
  );
}
