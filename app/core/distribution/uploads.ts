/**
 * Uploads that were begun and are not finished. Each is a folder: the bytes so far, whose number is how far the upload has
 * come, and a note of where it belongs. Whoever works on one renames the folder to carry his process, so that no two, in
 * whatever processes, write to it; what a dead process held is taken over.
 */
import { createHash, type Hash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type Clock, ensureDir, fsyncDir, readFileIfThere, writeFileAtomic } from '#core/platform';
import { HASH_CHUNK_BYTES, MAX_UPLOAD_NOTE_BYTES, UPLOAD_SYNC_BYTES } from './limits.ts';
import { type Algorithm, newHash } from './names.ts';
import { claimedName, isUploadId, parseFolderName } from './upload-folder.ts';

const DATA = 'data';
const NOTE = 'upload.json';
const NEW = 'new-';

const NoteSchema = z.object({ repository: z.string(), digest: z.string().optional(), maxBytes: z.number().int().min(0) });

export interface UploadNote {
  /** The repository it was begun in. */
  repository: string;
  /** The blob it will become, where the sender said so at the start. */
  digest?: string | undefined;
  /** It can't become longer than this. */
  maxBytes: number;
}

export interface Upload extends UploadNote {
  id: string;
  /** Bytes that are here. */
  offset: number;
  /** The file that holds them. */
  path: string;
}

export interface UploadsOptions {
  clock: Clock;
  /** Uploads open at once. */
  max: number;
  /** One that nobody touched for so long is dropped, in ms. */
  expiresMs: number;
  /** One that rested so long makes room for a new one, in ms. */
  yieldsMs: number;
}

/** More came than the upload may hold. */
export class TooLong extends Error {}
/** Another process, or a newer request, works on the upload. */
export class UploadBusy extends Error {}

interface Entry {
  id: string;
  folder: string;
  /** Wall clock ms of the last byte. */
  touched: number;
  /** Its worker lives. */
  held: boolean;
}

export class Uploads {
  readonly #dir: string;
  readonly #options: UploadsOptions;
  /** One worker per upload here; a newer request takes over from a connection that is half dead. */
  readonly #busy = new Map<string, { stop: AbortController; done: Promise<void> }>();
  /** What the bytes so far hash to, while this process has seen all of them. */
  readonly #hashes = new Map<string, { offset: number; hash: Hash }>();

  /** @param dir made when the first upload begins */
  constructor(dir: string, options: UploadsOptions) {
    this.#dir = dir;
    this.#options = options;
  }

  /** @returns undefined when too many are open and none has rested long enough to make room */
  async begin(note: UploadNote): Promise<Upload | undefined> {
    await ensureDir(this.#dir);
    let entries = await this.#entries();
    if (entries.length >= this.#options.max) {
      await this.sweep();
      entries = await this.#entries();
    }
    if (entries.length >= this.#options.max) {
      const [oldest] = entries.filter((entry) => !entry.held).sort((a, b) => a.touched - b.touched);
      if (!oldest || this.#options.clock.now() - oldest.touched < this.#options.yieldsMs) return undefined;
      await this.#discard(oldest.id);
    }
    const id = randomUUID();
    const folder = join(this.#dir, id);
    // Made under another name: a folder that can be found is a whole one.
    const fresh = join(this.#dir, `${NEW}${id}`);
    await mkdir(fresh, { mode: 0o700 });
    const data = await open(join(fresh, DATA), 'wx', 0o600);
    await data.close();
    await writeFileAtomic(join(fresh, NOTE), JSON.stringify(note));
    await rename(fresh, folder);
    await fsyncDir(this.#dir);
    this.#hashes.set(id, { offset: 0, hash: createHash('sha256') });
    return { ...note, id, offset: 0, path: join(folder, DATA) };
  }

  /** The upload of this repository that was begun for this blob. */
  async beganFor(repository: string, digest: string): Promise<Upload | undefined> {
    for (const { id, folder } of await this.#entries()) {
      const upload = await this.#read(id, folder);
      if (upload?.repository === repository && upload.digest === digest) return upload;
    }
    return undefined;
  }

  /**
   * Runs `work` as the only one on this upload; `signal` fires when a newer request takes over.
   * @throws UploadBusy while another process works on it, or a newer request took over before this one began
   */
  async exclusive<T>(id: string, work: (upload: Upload | undefined, signal: AbortSignal) => Promise<T>): Promise<T> {
    for (let other = this.#busy.get(id); other; other = this.#busy.get(id)) {
      other.stop.abort();
      await other.done;
    }
    const stop = new AbortController();
    const { promise: done, resolve: finished } = Promise.withResolvers<void>();
    this.#busy.set(id, { stop, done });
    try {
      const folder = await this.#claim(id);
      if (folder === undefined) return await work(undefined, stop.signal);
      try {
        const upload = await this.#read(id, folder);
        if (stop.signal.aborted) throw new UploadBusy();
        return await work(upload, stop.signal);
      } finally {
        // Gone when the work dropped it.
        await rename(folder, join(this.#dir, id)).catch(ignoreMissing);
      }
    } finally {
      this.#busy.delete(id);
      finished();
    }
  }

  /**
   * Adds what `source` gives at the end of the upload, durably. What came before a cut is kept.
   * @returns the new length in bytes
   * @throws TooLong as soon as one byte too many came; nothing of that piece is kept
   */
  async append(upload: Upload, source: AsyncIterable<Uint8Array>, onBytes?: (bytes: number) => void): Promise<number> {
    const file = await open(upload.path, 'r+');
    const known = this.#hashes.get(upload.id);
    const hash = known?.offset === upload.offset ? known.hash : undefined;
    this.#hashes.delete(upload.id);
    let offset = upload.offset;
    let unsynced = 0;
    try {
      for await (const chunk of source) {
        if (offset + chunk.length > upload.maxBytes) throw new TooLong();
        // A write may take less than it is given, as when the disk fills up.
        for (let done = 0; done < chunk.length; ) done += (await file.write(chunk, done, chunk.length - done, offset + done)).bytesWritten;
        hash?.update(chunk);
        offset += chunk.length;
        unsynced += chunk.length;
        onBytes?.(chunk.length);
        if (unsynced >= UPLOAD_SYNC_BYTES) {
          await file.sync();
          unsynced = 0;
        }
      }
    } finally {
      // A failed write may have left a part behind; only what was counted is there.
      await file.truncate(offset).catch(() => {});
      await file.sync().finally(() => file.close());
      if (hash) this.#hashes.set(upload.id, { offset, hash });
      upload.offset = offset;
      const now = this.#options.clock.now() / 1000;
      await utimes(upload.path, now, now).catch(() => {});
    }
    return offset;
  }

  /** The digest of all bytes that are here. */
  async digest(upload: Upload, algorithm: Algorithm): Promise<string> {
    const known = this.#hashes.get(upload.id);
    if (algorithm === 'sha256' && known?.offset === upload.offset) return `sha256:${known.hash.copy().digest('hex')}`;
    const hash = newHash(algorithm);
    if (upload.offset > 0) {
      const bytes: AsyncIterable<Buffer> = createReadStream(upload.path, { highWaterMark: HASH_CHUNK_BYTES, end: upload.offset - 1 });
      for await (const chunk of bytes) hash.update(chunk);
    }
    return `${algorithm}:${hash.digest('hex')}`;
  }

  /** Forgets an upload. Call it from its `exclusive` work. */
  async drop(id: string): Promise<void> {
    this.#hashes.delete(id);
    await rm(this.#mine(id), { recursive: true, force: true });
  }

  /** Deletes uploads nobody came back for, and what a death left of beginning one. */
  async sweep(): Promise<void> {
    const now = this.#options.clock.now();
    // A clock that was set back must not keep one for ever.
    const old = (touched: number) => Math.abs(now - touched) > this.#options.expiresMs;
    for (const entry of await this.#entries()) if (!entry.held && old(entry.touched)) await this.#discard(entry.id);
    for (const name of await this.#names()) {
      const path = join(this.#dir, name);
      if (!parseFolderName(name) && old(await touchedAt(path))) await rm(path, { force: true, recursive: true });
    }
  }

  /** Drops every upload of repositories that nothing is awaited for any more. */
  async dropExcept(repositories: ReadonlySet<string>): Promise<void> {
    for (const { id, folder, held } of await this.#entries()) {
      const upload = held ? undefined : await this.#read(id, folder);
      if (upload && !repositories.has(upload.repository)) await this.#discard(id);
    }
  }

  /** Deletes an upload that nobody works on. */
  async #discard(id: string): Promise<void> {
    if (this.#busy.has(id)) return;
    try {
      if ((await this.#claim(id)) !== undefined) await this.drop(id);
    } catch (error) {
      if (!(error instanceof UploadBusy)) throw error;
    }
  }

  #mine(id: string): string {
    return join(this.#dir, claimedName(id));
  }

  async #entries(): Promise<Entry[]> {
    const entries: Entry[] = [];
    for (const name of await this.#names()) {
      const named = parseFolderName(name);
      if (!named) continue;
      const folder = join(this.#dir, name);
      const touched = await touchedAt(join(folder, DATA));
      entries.push({ id: named.id, folder, touched, held: this.#busy.has(named.id) || named.isElsewhere });
    }
    return entries;
  }

  async #names(): Promise<string[]> {
    return (await readdir(this.#dir).catch(ignoreMissing)) ?? [];
  }

  /** Renames the upload's folder to carry this process. undefined when there is no such upload. */
  async #claim(id: string): Promise<string | undefined> {
    if (!isUploadId(id)) return undefined;
    const mine = this.#mine(id);
    if (await moved(join(this.#dir, id), mine)) return mine;
    for (const name of await this.#names()) {
      const named = parseFolderName(name);
      if (named?.id !== id || !named.isClaimed) continue;
      if (named.isElsewhere) throw new UploadBusy();
      if (join(this.#dir, name) === mine || (await moved(join(this.#dir, name), mine))) return mine;
    }
    return undefined;
  }

  async #read(id: string, folder: string): Promise<Upload | undefined> {
    const path = join(folder, DATA);
    const [bytes, info] = [await readFileIfThere(join(folder, NOTE), MAX_UPLOAD_NOTE_BYTES), await stat(path).catch(ignoreMissing)];
    const note = bytes && NoteSchema.safeParse(jsonOf(bytes));
    return note?.success && info ? { ...note.data, id, path, offset: info.size } : undefined;
  }
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

/** Wall clock ms; 0 when it is gone. */
async function touchedAt(path: string): Promise<number> {
  return stat(path).then(
    (info) => info.mtimeMs,
    () => 0,
  );
}

async function moved(from: string, to: string): Promise<boolean> {
  return rename(from, to).then(
    () => true,
    (error: unknown) => {
      ignoreMissing(error);
      return false;
    },
  );
}

function ignoreMissing(error: unknown): undefined {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
}
