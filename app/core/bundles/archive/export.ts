/** A bundle as one file: an OCI image layout in a plain tar file, whose bytes follow from the bundle alone. */
import { createHash } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EdgewrightError } from '#contract';
import { checkReplaceable, freeBytes, fsyncDir, readExactly } from '#core/platform';
import { digestFromHex, hexOf } from '../digests.ts';
import { isEntryOf } from '../describe.ts';
import { splitIndex } from '../entries.ts';
import { broken, misused } from '../errors.ts';
import { reachable } from '../garbage.ts';
import { writeAll } from '../ingest.ts';
import { MAX_MANIFEST_BYTES } from '../limits.ts';
import { type Descriptor, INDEX_TYPE, parseIndex, SUBJECT } from '../oci.ts';
import type { Options } from '../staging.ts';
import { alteredBlob, type BlobStore, LAYOUT, missing } from '../store.ts';
import { type TarSource, tarSize, tarStream } from './tar-write.ts';

export interface Exported {
  file: string;
  /** Size of the file, in bytes. */
  bytes: number;
  /** How many bytes of it were there already from an export that was cut off. */
  resumed: number;
}

/** What a file is called until it is whole. */
export function partialName(file: string): string {
  return `${file}.partial`;
}

/** The bundle's entry, and those of what refers to its variants beyond what its own index lists. */
async function entriesOf(store: BlobStore, id: { name: string; version: string }): Promise<Descriptor[]> {
  const listed = await store.readIndex();
  const bundle = listed.find((entry) => isEntryOf(entry, id));
  if (!bundle) throw misused('usage.unknown-bundle', `There is no bundle ${id.name}@${id.version}.`);
  const { variants, attached } = splitIndex(parseIndex(await store.read(bundle.digest, MAX_MANIFEST_BYTES)));
  const along = new Set(attached.map(({ digest }) => digest));
  const subjects = new Set(variants.map(({ digest }) => digest));
  return [bundle, ...listed.filter((entry) => subjects.has(entry.annotations?.[SUBJECT] ?? '') && !along.has(entry.digest))];
}

/**
 * Writes a bundle to `file`. What is written so far stands beside it as `FILE.partial`; what an earlier try left there is
 * compared with what belongs there, and gone on with.
 * @throws store.blob-missing, store.blob-altered; machine.*, usage.* about the place
 */
export async function exportBundle(store: BlobStore, id: { name: string; version: string }, file: string, options: Options): Promise<Exported> {
  for (const path of [file, partialName(file)]) await checkReplaceable(path);
  const entries = await entriesOf(store, id);
  const index = Buffer.from(`${JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests: entries })}\n`);
  const layout = Buffer.from(LAYOUT);
  const blobs = await reachable(store, entries);
  const sources: TarSource[] = [
    { name: 'oci-layout', size: layout.length, open: () => once(layout) },
    { name: 'index.json', size: index.length, open: () => once(index) },
    { name: 'blobs/', size: 0 },
    { name: 'blobs/sha256/', size: 0 },
    ...[...blobs.keys()].sort().map((digest) => blobSource(store, digest, blobs.get(digest)?.size ?? 0, options.signal)),
  ];
  const bytes = tarSize(sources);
  const partial = partialName(file);
  const handle = await open(partial, 'a+', 0o644);
  let resumed: number;
  try {
    await checkRoom(file, bytes, (await handle.stat()).size);
    resumed = await writeOver(handle, tarStream(sources), (at) => options.onProgress?.({ step: `Writing ${file}`, fraction: at / bytes }), options.signal);
    await handle.sync();
  } catch (error) {
    await handle.close();
    // What does not belong to a sound bundle is not worth going on with.
    if (error instanceof EdgewrightError && error.owner === 'trust') await rm(partial, { force: true });
    throw error;
  }
  await handle.close();
  await rename(partial, file);
  await makeDurable(dirname(file));
  return { file, bytes, resumed };
}

async function* once(bytes: Buffer): AsyncGenerator<Uint8Array, void> {
  yield bytes;
}

/** A blob that is checked while it is read: what has changed in the store since is never exported. */
function blobSource(store: BlobStore, digest: string, size: number, signal: AbortSignal | undefined): TarSource {
  async function* checked(): AsyncGenerator<Uint8Array, void> {
    const there = await store.size(digest);
    if (there === undefined) throw missing(digest);
    if (there !== size) throw alteredBlob(digest);
    const hash = createHash('sha256');
    const stream: AsyncIterable<Buffer> = store.stream(digest, signal ? { signal } : {});
    for await (const piece of stream) {
      hash.update(piece);
      yield piece;
    }
    if (digestFromHex(hash.digest('hex')) !== digest) throw alteredBlob(digest);
  }
  return { name: `blobs/sha256/${hexOf(digest)}`, size, open: checked };
}

async function checkRoom(file: string, bytes: number, there: number): Promise<void> {
  const needed = Math.max(0, bytes - there);
  const free = await freeBytes(dirname(file));
  if (needed > free)
    throw broken('machine.disk-full', `There is no room for ${file}.`, {
      expected: `${needed} bytes free`,
      found: `${free} bytes free`,
      hint: 'Free some space there, or name another place.',
    });
}

/**
 * Makes a file hold exactly this stream, writing only from where it differs.
 * @param handle opened for appending and reading
 * @returns how many bytes were right already
 */
async function writeOver(
  handle: FileHandle,
  stream: AsyncIterable<Uint8Array>,
  onAt: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<number> {
  let there = (await handle.stat()).size;
  let at = 0;
  let right = 0;
  for await (const piece of stream) {
    signal?.throwIfAborted();
    const overlap = Math.min(there - at, piece.length);
    const same = overlap > 0 && (await readExactly(handle, at, overlap)).equals(piece.subarray(0, overlap));
    const kept = same ? overlap : 0;
    if (kept < piece.length) {
      if (there !== at + kept) await handle.truncate(at + kept);
      await writeAll(handle, piece.subarray(kept));
      there = at + piece.length;
    }
    right += kept;
    at += piece.length;
    onAt(at);
  }
  if (there !== at) await handle.truncate(at);
  return right;
}

/** Some file systems of sticks and network shares cannot do this for a folder; there is no other way to ask them. */
async function makeDurable(dir: string): Promise<void> {
  await fsyncDir(dir).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (!['EINVAL', 'ENOTSUP', 'EPERM', 'EACCES', 'EISDIR'].includes(String(code))) throw error;
  });
}
