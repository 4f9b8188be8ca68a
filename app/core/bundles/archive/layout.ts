/**
 * An OCI image layout to read from: a folder, or a tar file of one (what skopeo calls oci-archive), plain or gzipped. All it
 * gives is bytes; whoever receives them holds them to their digests.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { freeBytes, readExactly } from '#core/platform';
import { hexOf } from '../digests.ts';
import { misused, unsound } from '../errors.ts';
import { COPY_CHUNK_BYTES, DISK_MARGIN_BYTES, GZIP_ALLOWANCE_BYTES, MAX_GZIP_RATIO } from '../limits.ts';
import { SOURCE_FILE } from '../paths.ts';
import { gunzipBounded } from './gunzip.ts';
import { malformed } from './tar-header.ts';
import { scanTar } from './tar-read.ts';

export interface Layout {
  /** A whole small file by its name in the layout; undefined when there is none. @throws archive.too-large */
  small(name: string, maxBytes: number): Promise<Buffer | undefined>;
  /** The bytes of a blob from `start` on. @throws archive.blob-missing, archive.blob-size when it is not as long as it is said to be */
  blob(blob: { digest: string; size: number }, options: { start: number; signal: AbortSignal }): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** Where a gzipped archive may be unfolded: a path that does not exist yet. */
  scratch: string;
  signal?: AbortSignal | undefined;
}

const blobName = (digest: string) => `blobs/sha256/${hexOf(digest)}`;

/** @throws usage.missing-file, usage.not-a-layout and the like (usage); archive.* (input) */
export async function openLayout(path: string, options: OpenOptions): Promise<Layout> {
  const info = await stat(path);
  if (info.isDirectory()) return openFolder(path);
  const handle = await openRegular(path);
  try {
    return await openFile(path, handle, options);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openFolder(dir: string): Promise<Layout> {
  const has = (name: string) =>
    stat(join(dir, name)).then(
      () => true,
      () => false,
    );
  if (!(await has('index.json'))) {
    if (await has(SOURCE_FILE))
      throw misused('usage.not-a-layout', `${dir} is a bundle in the making, not a finished one.`, { hint: `Build it: edgewright bundle build ${dir}` });
    throw misused('usage.not-a-layout', `${dir} holds no bundle.`, {
      expected: 'a folder with index.json and blobs (an OCI image layout), or a file that edgewright bundle export made',
      hint: `To make a bundle of a model, describe it in ${SOURCE_FILE} and run: edgewright bundle build DIR`,
    });
  }
  return {
    small: async (name, maxBytes) => {
      const handle = await openRegular(join(dir, name)).catch(nothingThere);
      if (!handle) return undefined;
      try {
        const { size } = await handle.stat();
        return await readSmall(handle, 0, size, name, maxBytes);
      } finally {
        await handle.close();
      }
    },
    async *blob(blob, { start, signal }) {
      const handle = await openRegular(join(dir, blobName(blob.digest))).catch(nothingThere);
      if (!handle) throw blobMissing(blob.digest);
      try {
        checkSize(blob, (await handle.stat()).size);
        yield* pieces(handle, start, blob.size, signal);
      } finally {
        await handle.close();
      }
    },
    close: () => Promise.resolve(),
  };
}

/** @param unfolded whether it comes out of a gzipped one */
async function openFile(path: string, handle: FileHandle, options: OpenOptions, unfolded = false): Promise<Layout> {
  const head = Buffer.alloc(2);
  const { bytesRead } = await handle.read(head, 0, 2, 0);
  if (bytesRead === 2 && head[0] === 0x1f && head[1] === 0x8b) {
    if (unfolded) throw malformed('it is gzipped more than once');
    return openGzip(path, handle, options);
  }
  if (/\.(onnx|ort|pb|pt2?|tflite|keras|h5|pkl|joblib)$/i.test(path))
    throw misused('usage.not-a-layout', `${path} is a model, not a bundle.`, {
      hint: `Take a bare model in with edgewright import ${path}; with data and a recipe, describe it in ${SOURCE_FILE} and run edgewright bundle build DIR.`,
    });
  const files = await scanTar(handle, options.signal);
  if (!files.has('index.json')) {
    throw unsound('archive.not-a-layout', `${path} holds no OCI image layout.`, {
      expected: 'index.json at its top',
      found: files.has('manifest.json') ? 'what docker save writes' : 'none',
      hint: 'Export the bundle with edgewright bundle export, or copy it with a registry tool to an OCI archive.',
    });
  }
  return {
    small: async (name, maxBytes) => {
      const entry = files.get(name);
      return entry && readSmall(handle, entry.offset, entry.size, name, maxBytes);
    },
    async *blob(blob, { start, signal }) {
      const entry = files.get(blobName(blob.digest));
      if (!entry) throw blobMissing(blob.digest);
      checkSize(blob, entry.size);
      yield* pieces(handle, entry.offset + start, entry.offset + entry.size, signal);
    },
    close: () => handle.close(),
  };
}

/** A gzipped archive can only be read from its beginning, so it is unfolded first, as far as it stays within bounds. */
async function openGzip(path: string, handle: FileHandle, options: OpenOptions): Promise<Layout> {
  const { size } = await handle.stat();
  const room = (await freeBytes(join(options.scratch, '..'))) - DISK_MARGIN_BYTES;
  const most = Math.min(size * MAX_GZIP_RATIO + GZIP_ALLOWANCE_BYTES, Math.max(0, room));
  await gunzipBounded(handle, options.scratch, most, options.signal);
  const plain = await openRegular(options.scratch);
  try {
    const layout = await openFile(path.replace(/\.(gz|tgz)$/i, ''), plain, options, true);
    const close = async () => {
      await plain.close();
      await handle.close();
      await rm(options.scratch, { force: true });
    };
    return { ...layout, close };
  } catch (error) {
    await plain.close();
    await rm(options.scratch, { force: true });
    throw error;
  }
}

async function openRegular(path: string): Promise<FileHandle> {
  // Whatever a link leads to is held to its digest like anything else; a pipe is not waited for.
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw misused('usage.not-a-file', `${path} is not a regular file.`);
}

function nothingThere(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  throw error;
}

async function readSmall(handle: FileHandle, offset: number, size: number, name: string, maxBytes: number): Promise<Buffer> {
  if (size > maxBytes)
    throw unsound('archive.too-large', `${name} of the archive is too large to be what it should be.`, {
      expected: `at most ${maxBytes} bytes`,
      found: `${size} bytes`,
    });
  return readExactly(handle, offset, size);
}

async function* pieces(handle: FileHandle, from: number, to: number, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
  for (let at = from; at < to; ) {
    signal.throwIfAborted();
    const piece = Buffer.allocUnsafe(Math.min(COPY_CHUNK_BYTES, to - at));
    const { bytesRead } = await handle.read(piece, 0, piece.length, at);
    if (bytesRead === 0) return;
    yield piece.subarray(0, bytesRead);
    at += bytesRead;
  }
}

function checkSize({ digest, size }: { digest: string; size: number }, found: number): void {
  if (found !== size)
    throw unsound('archive.blob-size', `${digest} is not as long in the archive as its bundle says.`, {
      expected: `${size} bytes`,
      found: `${found} bytes`,
      hint: 'It was altered, or not copied whole. Copy or export it again.',
    });
}

function blobMissing(digest: string) {
  return unsound('archive.blob-missing', `The archive lacks ${digest}.`, { hint: 'It was not copied whole. Copy or export it again.' });
}
