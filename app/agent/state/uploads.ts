/** Begun uploads. The bytes lie in a file named by the upload's id; its length is how far the upload has come. */
import { randomUUID } from 'node:crypto';
import { open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, ensureDir, type Sqlite } from '#core/platform';
import { MAX_UPLOADS, UPLOAD_EXPIRES_MS, UPLOAD_SYNC_BYTES } from '../limits.ts';

export interface Upload {
  id: string;
  model: string;
  /** The blob it will become, where the sender said so at the start. */
  digest: string | undefined;
  /** It can't become longer than this: the size of that blob, or of the largest one that is awaited. */
  maxBytes: number;
  /** Bytes that are here. */
  offset: number;
}

interface UploadRow {
  id: string;
  model: string;
  digest: string | null;
  max_bytes: number;
  touched_at: number;
}

/** More came than the decision allows. */
export class TooLong extends Error {}

export class Uploads {
  readonly #db: Sqlite;
  readonly #dir: string;
  readonly #clock: Clock;
  /** One writer per upload; a newer one takes over from a connection that is half dead. */
  readonly #busy = new Map<string, { stop: AbortController; done: Promise<void> }>();

  private constructor(db: Sqlite, dir: string, clock: Clock) {
    this.#db = db;
    this.#dir = dir;
    this.#clock = clock;
  }

  static async open(db: Sqlite, dir: string, clock: Clock): Promise<Uploads> {
    await ensureDir(dir);
    const uploads = new Uploads(db, dir, clock);
    await uploads.sweep();
    return uploads;
  }

  path(id: string): string {
    return join(this.#dir, id);
  }

  /** @returns undefined when too many are open */
  async begin(model: string, digest: string | undefined, maxBytes: number): Promise<Upload | undefined> {
    if (digest !== undefined) {
      const known = this.#db.prepare<[string, string], UploadRow>('SELECT * FROM uploads WHERE model = ? AND digest = ?').get(model, digest);
      const there = known && (await this.#withOffset(known));
      if (there) return there;
    }
    if (this.#count() >= MAX_UPLOADS) await this.sweep();
    // Whoever comes back without the address of the upload begun before begins a new one: the oldest of them makes room.
    if (this.#count() >= MAX_UPLOADS) {
      const oldest = this.#db
        .prepare<[], UploadRow>('SELECT * FROM uploads ORDER BY touched_at')
        .all()
        .find((row) => !this.#busy.has(row.id));
      if (!oldest) return undefined;
      await this.drop(oldest.id);
    }
    const id = randomUUID();
    const file = await open(this.path(id), 'wx', 0o600);
    await file.close();
    this.#db
      .prepare('INSERT INTO uploads (id, model, digest, max_bytes, touched_at) VALUES (?, ?, ?, ?, ?)')
      .run(id, model, digest ?? null, maxBytes, this.#clock.now());
    return { id, model, digest, maxBytes, offset: 0 };
  }

  async find(model: string, id: string): Promise<Upload | undefined> {
    const row = this.#db.prepare<[string, string], UploadRow>('SELECT * FROM uploads WHERE id = ? AND model = ?').get(id, model);
    return row && this.#withOffset(row);
  }

  /** Runs `work` as the only one on this upload; `signal` fires when a newer request takes over. */
  async exclusive<T>(id: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    for (let other = this.#busy.get(id); other; other = this.#busy.get(id)) {
      other.stop.abort();
      await other.done;
    }
    const stop = new AbortController();
    let finished = () => {};
    const done = new Promise<void>((resolve) => {
      finished = resolve;
    });
    this.#busy.set(id, { stop, done });
    try {
      return await work(stop.signal);
    } finally {
      this.#busy.delete(id);
      finished();
    }
  }

  /**
   * Adds what `source` gives at the end of the upload, durably. What came before a cut is kept.
   * @returns the new length in bytes
   * @throws TooLong as soon as one byte too many came; nothing of it is kept
   */
  async append(upload: Upload, source: AsyncIterable<Uint8Array>): Promise<number> {
    const file = await open(this.path(upload.id), 'r+');
    let offset = upload.offset;
    let unsynced = 0;
    try {
      for await (const chunk of source) {
        if (offset + chunk.length > upload.maxBytes) throw new TooLong();
        // A write may take less than it is given, as when the disk fills up.
        for (let done = 0; done < chunk.length; ) done += (await file.write(chunk, done, chunk.length - done, offset + done)).bytesWritten;
        offset += chunk.length;
        unsynced += chunk.length;
        if (unsynced >= UPLOAD_SYNC_BYTES) {
          await file.sync();
          unsynced = 0;
        }
      }
    } finally {
      await file.sync().finally(() => file.close());
      this.#db.prepare('UPDATE uploads SET touched_at = ? WHERE id = ?').run(this.#clock.now(), upload.id);
    }
    return offset;
  }

  async drop(id: string): Promise<void> {
    this.#db.prepare('DELETE FROM uploads WHERE id = ?').run(id);
    await rm(this.path(id), { force: true });
  }

  /** Deletes uploads nobody came back for, and files that no upload owns. */
  async sweep(): Promise<void> {
    const before = this.#clock.now() - UPLOAD_EXPIRES_MS;
    for (const row of this.#db.prepare<[number], UploadRow>('SELECT * FROM uploads WHERE touched_at < ?').all(before)) {
      if (!this.#busy.has(row.id)) await this.drop(row.id);
    }
    const known = new Set(
      this.#db
        .prepare<[], { id: string }>('SELECT id FROM uploads')
        .all()
        .map((row) => row.id),
    );
    for (const name of await readdir(this.#dir)) if (!known.has(name)) await rm(join(this.#dir, name), { force: true, recursive: true });
  }

  /** Drops every upload of models that nothing is awaited for any more. */
  async dropExcept(models: ReadonlySet<string>): Promise<void> {
    for (const row of this.#db.prepare<[], UploadRow>('SELECT * FROM uploads').all()) {
      if (!models.has(row.model) && !this.#busy.has(row.id)) await this.drop(row.id);
    }
  }

  #count(): number {
    return this.#db.prepare<[], { n: number }>('SELECT count(*) AS n FROM uploads').get()?.n ?? 0;
  }

  async #withOffset(row: UploadRow): Promise<Upload | undefined> {
    const size = await stat(this.path(row.id)).then(
      (info) => info.size,
      () => undefined,
    );
    if (size === undefined) {
      await this.drop(row.id);
      return undefined;
    }
    return { id: row.id, model: row.model, digest: row.digest ?? undefined, maxBytes: row.max_bytes, offset: size };
  }
}
