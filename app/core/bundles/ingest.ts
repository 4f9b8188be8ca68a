/**
 * Where bytes wait until they are known to be whole: `ingest/` in the store, on the same file system, so that taking them in
 * is a rename. Its entries name the process that owns them; what a dead process left is swept.
 */
import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive, startMark } from '#core/platform';
import { digestFromHex } from './digests.ts';
import { altered } from './errors.ts';
import { EARLY_SYNC_BYTES } from './limits.ts';

/** Tells this run of the program from one before it with the same pid, as after a reboot. */
const RUN = randomBytes(4).toString('hex');
const ENTRY = /^(\d+)-(\d*)-([0-9a-f]{8})-[0-9a-f]{12}(?:\.([0-9a-f]{64}))?$/;
/** Blobs are never changed in place; nothing should be able to do so by accident. */
export const BLOB_MODE = 0o444;

export interface Blob {
  digest: string;
  /** Bytes. */
  size: number;
}

/** A file in the store's ingest folder that is whole, durable and hashed: only a rename away from being a blob. */
export interface Staged extends Blob {
  path: string;
  /** While the disk is still taking it; `adopt` waits for that. */
  durable?: Promise<void>;
}

/**
 * A path in `ingest` that no other process will touch.
 * @param partialOf the hex digest of the blob of which it is to hold a part, worth keeping when this process dies
 */
export function ingestPath(ingest: string, partialOf?: string): string {
  const own = `${process.pid}-${startMark(process.pid)}-${RUN}-${randomBytes(6).toString('hex')}`;
  return join(ingest, partialOf === undefined ? own : `${own}.${partialOf}`);
}

/** A private folder in `ingest`; the caller removes it. */
export async function ingestFolder(ingest: string): Promise<string> {
  const path = ingestPath(ingest);
  await mkdir(path, { mode: 0o700 });
  return path;
}

/**
 * Removes what processes that no longer run left behind.
 * @param keep is given what holds a part of a blob instead
 */
export async function sweepIngest(ingest: string, keep: (path: string, hex: string) => Promise<void>): Promise<void> {
  for (const name of await readdir(ingest)) {
    const [, pid, mark, run, partialOf] = ENTRY.exec(name) ?? [];
    const mine = Number(pid) === process.pid;
    if (mine ? run === RUN : pid !== undefined && isAlive(Number(pid)) && startMark(Number(pid)) === mark) continue;
    if (partialOf === undefined) await rm(join(ingest, name), { recursive: true, force: true });
    else await keep(join(ingest, name), partialOf);
  }
}

/** What is known of the bytes before they come. */
export interface Expected {
  digest?: string | undefined;
  /** Exact size in bytes. */
  size?: number | undefined;
  /** Upper bound in bytes where the exact size is not known. */
  maxBytes: number;
}

/**
 * Writes a stream to `path`, durably, hashing on the way. One byte more than expected ends it. On any failure the file is gone.
 * @param options.later the disk's part is not waited for: the result's `durable` says when it is done
 * @throws store.size-mismatch, store.digest-mismatch (owner trust)
 */
export async function writeHashed(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  path: string,
  expected: Expected,
  options: { signal?: AbortSignal | undefined; onBytes?: ((bytes: number) => void) | undefined; later?: boolean | undefined } = {},
): Promise<{ digest: string; size: number; durable?: Promise<void> }> {
  const handle = await open(path, 'wx', 0o600);
  const early = new EarlySync(handle);
  try {
    const written = await pump(source, handle, expected, options, early);
    const durable = finish(handle, early);
    if (!options.later) await durable;
    // Whoever adopts the file meets the failure; until then nobody may.
    durable.catch(() => {});
    return { ...written, ...(options.later && { durable }) };
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(path, { force: true });
    throw error;
  }
}

async function finish(handle: FileHandle, early: EarlySync): Promise<void> {
  try {
    await early.end();
    await handle.chmod(BLOB_MODE);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function pump(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  handle: FileHandle,
  expected: Expected,
  options: { signal?: AbortSignal | undefined; onBytes?: ((bytes: number) => void) | undefined },
  early: EarlySync,
): Promise<{ digest: string; size: number }> {
  const hash = createHash('sha256');
  const most = expected.size ?? expected.maxBytes;
  let size = 0;
  const wrongSize = (found: string) =>
    altered('store.size-mismatch', 'The data does not have the size it should have.', {
      expected: expected.size === undefined ? `at most ${most} bytes` : `${most} bytes`,
      found,
    });
  for await (const chunk of source) {
    options.signal?.throwIfAborted();
    size += chunk.length;
    if (size > most) throw wrongSize(`more than ${most} bytes`);
    // The system writes while we hash.
    const writing = writeAll(handle, chunk);
    hash.update(chunk);
    await writing;
    early.wrote(chunk.length);
    options.onBytes?.(chunk.length);
  }
  if (expected.size !== undefined && size !== expected.size) throw wrongSize(`${size} bytes`);
  const digest = digestFromHex(hash.digest('hex'));
  if (expected.digest !== undefined && digest !== expected.digest) {
    throw altered('store.digest-mismatch', 'The data is not what its digest says.', { expected: expected.digest, found: digest });
  }
  return { digest, size };
}

/** Has the disk take what was written while more comes, so that the sync at the end finds little left to do. */
export class EarlySync {
  readonly #handle: FileHandle;
  #since = 0;
  #running: Promise<void> | undefined;
  #failure: unknown;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  wrote(bytes: number): void {
    this.#since += bytes;
    if (this.#since < EARLY_SYNC_BYTES || this.#running) return;
    this.#since = 0;
    this.#running = this.#handle
      .datasync()
      .catch((error: unknown) => {
        // A failure is reported once only: the sync at the end might succeed all the same.
        this.#failure ??= error;
      })
      .finally(() => {
        this.#running = undefined;
      });
  }

  /** @throws what one of them threw */
  async end(): Promise<void> {
    await this.#running;
    if (this.#failure !== undefined) throw asError(this.#failure);
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** A single write may take less than it is given, as when the disk fills up. */
export async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.length; ) done += (await handle.write(chunk, done, chunk.length - done)).bytesWritten;
}
