/**
 * Blobs on their way in that may be interrupted. Each stands in a folder of its own: the bytes so far and, as lines, marks
 * (`offset sha256`) of how far they were on the disk and what they hashed to. Who works on one moves it into `ingest/` under
 * his name, so that no two write to it; what he leaves, or his death leaves, goes back to `partial/` and waits there.
 */
import { createHash, type Hash } from 'node:crypto';
import { chmod, type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgewrightError } from '#contract';
import { ensureDir, fsyncDir, readFileIfThere } from '#core/platform';
import { digestFromHex, hexOf } from './digests.ts';
import { altered } from './errors.ts';
import { type Blob, BLOB_MODE, ingestPath, type Staged, writeAll } from './ingest.ts';
import { COPY_CHUNK_BYTES, MARK_BYTES, MARK_MS, MAX_MARKS, MAX_MARKS_BYTES, PARTIAL_KEPT_MS } from './limits.ts';

const DATA = 'data';
const MARKS = 'marks';
const MARK = /^(\d{1,15}) ([0-9a-f]{64})$/;

export interface PartialOptions {
  signal?: AbortSignal | undefined;
  /** Told how far the blob is, in bytes. */
  onAt?: ((bytes: number) => void) | undefined;
}

/** A blob that came whole: `path` lies in `folder`, which the caller removes or gives back. */
export interface Fetched extends Staged {
  folder: string;
}

/**
 * Fetches a blob, going on from where an earlier try was cut off, and makes it durable.
 * @param root the store's folder
 * @param from opens the source at a byte
 * @throws store.size-mismatch, store.digest-mismatch (owner trust), network.cut-short, and what `from` throws
 */
export async function fetchPartial(
  root: string,
  blob: Blob,
  from: (start: number) => AsyncIterable<Uint8Array>,
  options: PartialOptions = {},
): Promise<Fetched> {
  const folder = await claim(root, blob.digest);
  try {
    // What stood there before may have come from elsewhere, or a power cut spoiled it: then once more from the start.
    let got = await Attempt.run(folder, blob, from, options);
    if (got.digest !== blob.digest && got.resumed) {
      await wipe(folder);
      got = await Attempt.run(folder, blob, from, options);
    }
    if (got.digest !== blob.digest)
      throw altered('store.digest-mismatch', 'The data is not what its digest says.', { expected: blob.digest, found: got.digest });
    const path = join(folder, DATA);
    await chmod(path, BLOB_MODE);
    return { path, folder, ...blob };
  } catch (error) {
    // What is wrong is not worth going on with.
    if (error instanceof EdgewrightError && error.owner === 'trust') await wipe(folder).catch(() => {});
    await giveBack(root, folder, blob.digest).catch(() => {});
    throw error;
  }
}

/** One pass over a partial blob: what is there is read and believed as far as its marks prove it, the rest is fetched. */
class Attempt {
  readonly #data: FileHandle;
  readonly #marks: FileHandle;
  #hash: Hash = createHash('sha256');
  #at = 0;
  #marked = 0;
  #marksSinceOpen = 0;
  #markedAt = performance.now();

  private constructor(data: FileHandle, marks: FileHandle) {
    this.#data = data;
    this.#marks = marks;
  }

  static async run(
    folder: string,
    blob: Blob,
    from: (start: number) => AsyncIterable<Uint8Array>,
    options: PartialOptions,
  ): Promise<{ digest: string; resumed: boolean }> {
    const known = await readMarks(folder);
    await makeWritable(join(folder, DATA));
    const data = await open(join(folder, DATA), 'a+', 0o600);
    try {
      const marks = await open(join(folder, MARKS), 'a', 0o600);
      try {
        const attempt = new Attempt(data, marks);
        await attempt.#recall(known, blob.size, options.signal);
        const resumed = attempt.#at > 0;
        options.onAt?.(attempt.#at);
        await attempt.#fetch(blob.size, from, options);
        return { digest: digestFromHex(attempt.#hash.digest('hex')), resumed };
      } finally {
        await marks.close();
      }
    } finally {
      await data.close();
    }
  }

  /** Hashes what is there again and cuts off what no mark proves. */
  async #recall(known: ReadonlyMap<number, string>, size: number, signal: AbortSignal | undefined): Promise<void> {
    const buffer = Buffer.allocUnsafe(COPY_CHUNK_BYTES);
    const hash = createHash('sha256');
    let at = 0;
    for (const offset of [...known.keys()].filter((one) => one <= size).sort((a, b) => a - b)) {
      while (at < offset) {
        signal?.throwIfAborted();
        const { bytesRead } = await this.#data.read(buffer, 0, Math.min(buffer.length, offset - at), at);
        if (bytesRead === 0) break;
        hash.update(buffer.subarray(0, bytesRead));
        at += bytesRead;
      }
      if (at < offset || hash.copy().digest('hex') !== known.get(offset)) break;
      this.#hash = hash.copy();
      this.#at = offset;
    }
    this.#marked = this.#at;
    await this.#data.truncate(this.#at);
  }

  async #fetch(size: number, from: (start: number) => AsyncIterable<Uint8Array>, options: PartialOptions): Promise<void> {
    try {
      if (this.#at === size) return;
      for await (const chunk of from(this.#at)) {
        options.signal?.throwIfAborted();
        if (this.#at + chunk.length > size)
          throw altered('store.size-mismatch', 'The data does not have the size it should have.', {
            expected: `${size} bytes`,
            found: `more than ${size} bytes`,
          });
        await writeAll(this.#data, chunk);
        this.#hash.update(chunk);
        this.#at += chunk.length;
        options.onAt?.(this.#at);
        if (this.#at - this.#marked >= MARK_BYTES || performance.now() - this.#markedAt >= MARK_MS) await this.#mark();
      }
      if (this.#at < size) throw cutShort(size, this.#at);
    } catch (error) {
      // How far it came is worth a mark, if the disk still takes one.
      await this.#mark().catch(() => {});
      throw error;
    }
    await this.#mark();
  }

  async #mark(): Promise<void> {
    if (this.#at === this.#marked) return;
    await this.#data.sync();
    // Only the newest is needed; the others help when the tail of the bytes is spoiled.
    if (++this.#marksSinceOpen % MAX_MARKS === 0) await this.#marks.truncate(0);
    await this.#marks.writeFile(`${this.#at} ${this.#hash.copy().digest('hex')}\n`);
    await this.#marks.sync();
    this.#marked = this.#at;
    this.#markedAt = performance.now();
  }
}

function cutShort(size: number, found: number): EdgewrightError {
  return new EdgewrightError({
    code: 'network.cut-short',
    message: 'The source ended before all of it had come.',
    expected: `${size} bytes`,
    found: `${found} bytes`,
    hint: 'Run it again: it goes on from there.',
    owner: 'network',
  });
}

async function readMarks(folder: string): Promise<Map<number, string>> {
  const text = (await readFileIfThere(join(folder, MARKS), MAX_MARKS_BYTES))?.toString('latin1') ?? '';
  const marks = new Map<number, string>();
  for (const line of text.split('\n')) {
    const [, offset, hex] = MARK.exec(line) ?? [];
    // The last mark for an offset counts: before it the bytes were fetched again.
    if (offset !== undefined && hex !== undefined) marks.set(Number(offset), hex);
  }
  return marks;
}

/** A blob that came whole and then had to wait is read-only. */
async function makeWritable(path: string): Promise<void> {
  await chmod(path, 0o600).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
}

/** Where partial blobs wait; made when first needed. */
export function partialFolder(root: string): string {
  return join(root, 'partial');
}

/** Takes what waits for this digest, or an empty folder, into `ingest/` under this process's name. */
async function claim(root: string, digest: string): Promise<string> {
  const hex = hexOf(digest);
  const folder = ingestPath(join(root, 'ingest'), hex);
  try {
    await rename(join(partialFolder(root), hex), folder);
  } catch (error) {
    if (!isMissing(error)) throw error;
    await mkdir(folder, { mode: 0o700 });
  }
  return folder;
}

async function wipe(folder: string): Promise<void> {
  for (const name of [MARKS, DATA]) await rm(join(folder, name), { force: true });
}

/** Lets a blob wait for the next try. Where another try left one too, the longer stays; an empty one is not kept. */
export async function giveBack(root: string, folder: string, digest: string): Promise<void> {
  const target = join(partialFolder(root), hexOf(digest));
  const mine = await lengthOf(folder);
  if (mine <= (await lengthOf(target))) return rm(folder, { recursive: true, force: true });
  await ensureDir(partialFolder(root));
  await rm(target, { recursive: true, force: true });
  await rename(folder, target).catch(async (error: unknown) => {
    // Another gave his back in the same moment.
    if (!(error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST' || error.code === 'EPERM'))) throw error;
    await rm(folder, { recursive: true, force: true });
  });
  await fsyncDir(partialFolder(root));
}

async function lengthOf(folder: string): Promise<number> {
  return stat(join(folder, DATA)).then(
    (info) => info.size,
    () => 0,
  );
}

/** How much of a blob waits here, in bytes. */
export async function partialBytes(root: string, digest: string): Promise<number> {
  return lengthOf(join(partialFolder(root), hexOf(digest)));
}

/**
 * Removes partial blobs that nobody went on with for longer than `olderThanMs`.
 * @param options.dryRun only counts
 * @returns bytes freed
 */
export async function sweepPartial(root: string, now: number, options: { dryRun?: boolean; olderThanMs?: number | undefined } = {}): Promise<number> {
  const { dryRun = false, olderThanMs = PARTIAL_KEPT_MS } = options;
  let freed = 0;
  for (const name of await readdir(partialFolder(root)).catch(() => [])) {
    const folder = join(partialFolder(root), name);
    // The data's own time: renaming the folder back and forth does not make it young again.
    const touched = await stat(join(folder, DATA)).then(
      (info) => info.mtimeMs,
      () => 0,
    );
    // A clock that was set back must not keep one for ever.
    if (Math.abs(now - touched) <= olderThanMs) continue;
    freed += await lengthOf(folder);
    if (!dryRun) await rm(folder, { recursive: true, force: true });
  }
  return freed;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
