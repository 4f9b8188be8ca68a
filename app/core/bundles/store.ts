/**
 * The content store: an OCI image layout. Blobs are named by their SHA-256, written once and never changed; `index.json` says
 * which of them are in use, and replacing it is the single moment at which anything becomes visible.
 */
import { createHash } from 'node:crypto';
import { createReadStream, type Dirent } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { acquireLock, ensureDir, fsyncDir, readFileIfThere, readPieces, TEMP_PREFIX, writeFileAtomic } from '#core/platform';
import { digestFromHex, digestOf, hexOf } from './digests.ts';
import { altered, broken } from './errors.ts';
import { type Blob, type Expected, ingestFolder, ingestPath, type Staged, sweepIngest, writeHashed } from './ingest.ts';
import { COPY_CHUNK_BYTES, MAX_BLOB_BYTES, MAX_INDEX_BYTES, MAX_MANIFEST_BYTES, STORE_WAIT_MS } from './limits.ts';
import { type Descriptor, INDEX_TYPE, parseIndex } from './oci.ts';
import { giveBack } from './partial.ts';

/** The content of oci-layout. */
export const LAYOUT = '{"imageLayoutVersion":"1.0.0"}\n';

/** What to do when index.json is lost. */
const REBUILD = 'Make it again from what is stored: edgewright store rebuild. Nothing is removed meanwhile.';

export interface PutOptions {
  digest?: string;
  size?: number;
  signal?: AbortSignal;
}

export interface StageOptions {
  /** A path in a staging folder; a fresh one otherwise. */
  path?: string;
  /** See writeHashed. */
  later?: boolean;
  signal?: AbortSignal | undefined;
  onBytes?: ((bytes: number) => void) | undefined;
}

export type BlobStore = Awaited<ReturnType<typeof openStore>>;

/** Opens the store in `dir`, making an empty one where there is none. Several processes may have it open. */
export async function openStore(dir: string) {
  const root = resolve(dir);
  const blobs = join(root, 'blobs', 'sha256');
  const ingest = join(root, 'ingest');
  const indexFile = join(root, 'index.json');
  await ensureDir(blobs);
  await ensureDir(ingest);

  /** Changes in this process queue up here, so that they do not poll each other for the lock. */
  let queue: Promise<unknown> = Promise.resolve();

  /** Who needs blobs besides what index.json leads to. */
  const keepers: ((digest: string) => boolean)[] = [];

  const isKept = (digest: string) => keepers.some((needs) => needs(digest));
  const pathOf = (digest: string) => join(blobs, hexOf(digest));

  async function size(digest: string): Promise<number | undefined> {
    try {
      const info = await stat(pathOf(digest));
      return info.isFile() ? info.size : undefined;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async function has(digest: string): Promise<boolean> {
    return (await size(digest)) !== undefined;
  }

  /** Renames staged files into place, then makes all of it durable at once. */
  async function adopt(files: readonly Staged[]): Promise<void> {
    for (const file of files) await file.durable;
    for (const file of files) {
      try {
        await rename(file.path, pathOf(file.digest));
      } catch (error) {
        // Windows does not rename over a file that is there; the same bytes are there already.
        if (process.platform !== 'win32' || !(await has(file.digest))) throw error;
      }
    }
    await fsyncDir(blobs);
  }

  /** Hashes and keeps a stream without making it a blob yet; pass the result to `adopt`. */
  async function stage(source: AsyncIterable<Uint8Array> | Uint8Array, expected: Expected, options: StageOptions = {}): Promise<Staged> {
    const path = options.path ?? ingestPath(ingest);
    const stream = source instanceof Uint8Array ? [source] : source;
    return { path, ...(await writeHashed(stream, path, expected, options)) };
  }

  /**
   * Keeps the bytes of `source` under their digest. With an expected digest that is here already, `source` is not read.
   * @throws store.size-mismatch at the first byte too many, store.digest-mismatch (owner trust); then nothing is kept
   */
  async function put(source: AsyncIterable<Uint8Array> | Uint8Array | { file: string }, expected: PutOptions = {}): Promise<Blob> {
    if (expected.digest !== undefined) {
      const there = await size(expected.digest);
      if (there !== undefined && (expected.size === undefined || there === expected.size)) return { digest: expected.digest, size: there };
    }
    const stream = 'file' in source ? createReadStream(source.file, { highWaterMark: COPY_CHUNK_BYTES }) : source;
    const staged = await stage(stream, { digest: expected.digest, size: expected.size, maxBytes: MAX_BLOB_BYTES }, { signal: expected.signal });
    try {
      await adopt([staged]);
    } finally {
      await rm(staged.path, { force: true });
    }
    return { digest: staged.digest, size: staged.size };
  }

  /**
   * A whole small blob, checked against its digest.
   * @throws store.blob-missing (machine), store.blob-altered (trust)
   */
  async function read(digest: string, maxBytes = MAX_MANIFEST_BYTES): Promise<Buffer> {
    const bytes = await readFileIfThere(pathOf(digest), maxBytes);
    if (!bytes) throw missing(digest);
    if (digestOf(bytes) !== digest) throw alteredBlob(digest);
    return bytes;
  }

  /** The bytes from `start` on, unchecked: whoever receives them checks them against the digest. */
  function stream(digest: string, options: { start?: number; signal?: AbortSignal } = {}): Readable {
    return createReadStream(pathOf(digest), { highWaterMark: COPY_CHUNK_BYTES, start: options.start ?? 0, ...(options.signal && { signal: options.signal }) });
  }

  /** Whether the blob is here and its bytes have its digest. Reads all of it. */
  async function verify(digest: string, signal?: AbortSignal): Promise<boolean> {
    return (await has(digest)) && (await hashFile(pathOf(digest), signal)) === digest;
  }

  /** @returns the bytes freed; 0 when it was not there, or when someone else needs it */
  async function remove(digest: string): Promise<number> {
    if (isKept(digest)) return 0;
    const bytes = await size(digest);
    if (bytes === undefined) return 0;
    await rm(pathOf(digest), { force: true });
    return bytes;
  }

  async function* list(): AsyncIterable<Blob> {
    for (const name of await readdir(blobs)) {
      if (!/^[0-9a-f]{64}$/.test(name)) continue;
      const digest = digestFromHex(name);
      const bytes = await size(digest);
      if (bytes !== undefined) yield { digest, size: bytes };
    }
  }

  /** Runs one change of what the store holds or lists while no other process, nor another change here, does so. */
  function exclusively<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const run = queue.then(async () => {
      const lock = await acquireLock(join(root, 'store.lock'), { what: 'changing the store', waitMs: STORE_WAIT_MS, ...(signal && { signal }) });
      try {
        return await work();
      } finally {
        await lock.release();
      }
    });
    queue = run.catch(() => {});
    return run;
  }

  /** Removes what dead processes left behind. Safe at any time. */
  async function sweepTemp(): Promise<void> {
    await sweepIngest(ingest, (path, hex) => giveBack(root, path, digestFromHex(hex)));
    await exclusively(async () => {
      // Only a holder of the lock writes index.json, so a temporary file of it is left over now.
      for (const name of await readdir(root)) if (name.startsWith(TEMP_PREFIX)) await rm(join(root, name), { force: true });
    });
  }

  /**
   * What the store lists: bundles (OCI indexes with a reference name) and signatures (manifests with a subject).
   * @throws store.index-missing (machine), store.index-altered (trust)
   */
  async function readIndex(): Promise<Descriptor[]> {
    const bytes = await readFileIfThere(indexFile, MAX_INDEX_BYTES);
    // An empty list would give every blob over to the next collection of garbage.
    if (!bytes) throw broken('store.index-missing', `The list of what is stored, ${indexFile}, is gone.`, { hint: REBUILD });
    try {
      return parseIndex(bytes).manifests;
    } catch (cause) {
      throw altered('store.index-altered', `The list of what is stored, ${indexFile}, is damaged.`, { hint: REBUILD, cause });
    }
  }

  /** Replaces the list, whole or not at all. Call it within `exclusively`, after every blob it leads to is in place. */
  async function writeIndex(manifests: readonly Descriptor[]): Promise<void> {
    await writeFileAtomic(indexFile, `${JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests })}\n`);
  }

  const layoutFile = join(root, 'oci-layout');
  // In turn with everybody else: the sweep of another first opener would take the temporary file away.
  if (!(await readFileIfThere(layoutFile))) await exclusively(() => writeFileAtomic(layoutFile, LAYOUT));
  if (!(await readFileIfThere(indexFile, MAX_INDEX_BYTES))) {
    await exclusively(async () => {
      // Where there are blobs it was lost, and whoever reads it is told so.
      if (!(await readFileIfThere(indexFile, MAX_INDEX_BYTES)) && (await readdir(blobs)).length === 0) await writeIndex([]);
    });
  }
  return {
    dir: root,
    has,
    size,
    path: pathOf,
    stage,
    adopt,
    stagingFolder: () => ingestFolder(ingest),
    put,
    read,
    stream,
    verify,
    remove,
    list,
    exclusively,
    sweepTemp,
    readIndex,
    writeIndex,
    /** From now on no blob is removed here that `needs` says yes to. */
    addKeeper: (needs: (digest: string) => boolean): void => void keepers.push(needs),
    /** Whether someone besides index.json needs this blob. */
    isKept,
    /** Where index.json stands, and where it is put aside when it is damaged. */
    indexFile,
    /** Every entry of the folder of blobs by name, whatever it is. */
    entries: (): Promise<Dirent[]> => readdir(blobs, { withFileTypes: true }),
  };
}

/** The digest of a file's bytes. */
export async function hashFile(path: string, signal?: AbortSignal): Promise<string> {
  const handle = await open(path, 'r');
  try {
    // Most blobs are small documents, for which a stream costs more than the reading.
    if ((await handle.stat()).size <= COPY_CHUNK_BYTES) return digestOf(await handle.readFile());
    const hash = createHash('sha256');
    for await (const piece of readPieces(handle, { signal })) hash.update(piece);
    return digestFromHex(hash.digest('hex'));
  } finally {
    await handle.close();
  }
}

export function missing(digest: string) {
  return broken('store.blob-missing', `The store lacks ${digest}.`, { hint: 'Build or receive the bundle again; what is still there is kept.' });
}

export function alteredBlob(digest: string) {
  return altered('store.blob-altered', `The bytes of ${digest} are not what they were when they were stored.`, {
    hint: 'Verify the bundle to see what is affected, then build or receive it again.',
  });
}
