/**
 * Files that survive power loss. The order is always: write to a temporary file in the same folder, fsync it, rename it
 * into place, fsync the folder. A reader therefore sees the old content or the new, never a part.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, lstat, mkdir, open, readFile, rename, rm, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { EdgewrightError } from '#contract';
import { MAX_DOCUMENT_BYTES } from './limits.ts';

/** Temporary files of ours begin so; a start-up sweep may delete any that is left. */
export const TEMP_PREFIX = '.tmp-';

/** A name nobody else uses, in the folder of `target`, so that a rename puts it in place. */
export function tempName(target: string): string {
  return join(dirname(target), `${TEMP_PREFIX}${basename(target).slice(0, 60)}-${randomBytes(6).toString('hex')}`);
}

/** Makes the entries of a folder durable. Windows cannot open a folder for this; there the rename itself is journalled. */
export async function fsyncDir(dir: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(dir, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Makes a folder and its parents, durably. One level at a time: Node's own recursive mkdir never returns on file systems
 * that answer ENOENT for a folder whose parent is there (/proc).
 * @throws machine.cannot-create where the parent is there and still no folder can be made
 */
export async function ensureDir(dir: string, mode = 0o700): Promise<void> {
  if (await makeOne(dir, mode)) return;
  const parent = dirname(dir);
  if (parent !== dir) await ensureDir(parent, mode);
  if (await makeOne(dir, mode)) return;
  throw new EdgewrightError({
    code: 'machine.cannot-create',
    message: `No folder can be made at ${dir}.`,
    hint: 'Name another folder with EDGEWRIGHT_HOME.',
    owner: 'machine',
  });
}

/** false when the parent is missing. */
async function makeOne(dir: string, mode: number): Promise<boolean> {
  try {
    await mkdir(dir, { mode });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return false;
    // A root or drive answers otherwise than EEXIST on some systems; what counts is that a folder is there.
    if ((await stat(dir).catch(() => undefined))?.isDirectory()) return true;
    throw error;
  }
  await fsyncDir(dirname(dir));
  return true;
}

/**
 * Before a result goes to a place that a person named: the folder must be there, and what stands there must be a file, or
 * the rename would put one in the place of a device (`/dev/null`).
 * @throws usage.missing-folder, usage.not-a-file
 */
export async function checkReplaceable(path: string): Promise<void> {
  if (!(await stat(dirname(path)).catch(() => undefined))?.isDirectory()) {
    throw new EdgewrightError({
      code: 'usage.missing-folder',
      message: `There is no folder ${dirname(path)} to write ${basename(path)} into.`,
      hint: 'Make it first, or name another place.',
      owner: 'usage',
    });
  }
  const there = await stat(path).catch(() => undefined);
  if (there && !there.isFile()) {
    throw new EdgewrightError({
      code: 'usage.not-a-file',
      message: `${path} is there and is not a regular file.`,
      hint: 'Name a file that may be written or replaced.',
      owner: 'usage',
    });
  }
}

/** Replaces `path` by what `write` puts into a new file, whole or not at all. */
export async function replaceFile(path: string, write: (handle: FileHandle) => Promise<void>, options: { mode?: number } = {}): Promise<void> {
  const temp = tempName(path);
  const handle = await open(temp, 'wx', options.mode ?? 0o600);
  try {
    await write(handle);
    await handle.sync();
    await handle.close();
    await rename(temp, path);
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(temp, { force: true });
    throw error;
  }
  await fsyncDir(dirname(path));
}

/**
 * Replaces `path` by all that `source` gives, whole or not at all: what fails or is aborted leaves the old file.
 * @returns the number of bytes
 */
export async function writeStreamAtomic(
  path: string,
  source: AsyncIterable<Uint8Array>,
  options: { mode?: number; signal?: AbortSignal } = {},
): Promise<number> {
  let bytes = 0;
  const write = async (handle: FileHandle) => {
    for await (const chunk of source) {
      options.signal?.throwIfAborted();
      for (let done = 0; done < chunk.length; ) done += (await handle.write(chunk, done, chunk.length - done)).bytesWritten;
      bytes += chunk.length;
    }
  };
  await replaceFile(path, write, options);
  return bytes;
}

/** Replaces `path` by `data`, whole or not at all. */
export async function writeFileAtomic(path: string, data: string | Uint8Array, options: { mode?: number } = {}): Promise<void> {
  await replaceFile(path, (handle) => handle.writeFile(data), options);
}

/**
 * Puts a finished file or folder where nothing stands yet.
 * @returns false, and nothing done, when the name is taken
 */
export async function placeNew(temp: string, target: string): Promise<boolean> {
  if ((await stat(temp)).isDirectory()) {
    // A folder that is not empty is never replaced by a rename; an empty one holds nothing to lose.
    if (await lstat(target).catch(() => undefined)) return false;
    await rename(temp, target);
  } else {
    try {
      await link(temp, target);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'EEXIST') return false;
      // File systems without hard links (FAT on a stick): there a name can only be looked at first.
      if (await lstat(target).catch(() => undefined)) return false;
      await rename(temp, target);
    }
    await rm(temp, { force: true });
  }
  try {
    await fsyncDir(dirname(target));
  } catch (error) {
    await rm(target, { recursive: true, force: true });
    throw error;
  }
  return true;
}

/** Reads a whole small file, refusing one larger than `maxBytes` before reading it. */
export async function readFileBounded(path: string, maxBytes = MAX_DOCUMENT_BYTES): Promise<Buffer> {
  const info = await stat(path);
  if (!info.isFile()) {
    throw new EdgewrightError({ code: 'usage.not-a-file', message: `${path} is not a regular file.`, owner: 'usage' });
  }
  if (info.size > maxBytes) {
    throw new EdgewrightError({
      code: 'input.too-large',
      message: `${path} is too large to be what it should be.`,
      expected: `at most ${maxBytes} bytes`,
      found: `${info.size} bytes`,
      owner: 'input',
    });
  }
  return readFile(path);
}

/** undefined when the file does not exist; every other error is thrown. */
export async function readFileIfThere(path: string, maxBytes = MAX_DOCUMENT_BYTES): Promise<Buffer | undefined> {
  try {
    return await readFileBounded(path, maxBytes);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Bytes a normal user may still write on the file system that holds `path`. */
export async function freeBytes(path: string): Promise<number> {
  const info = await statfs(path);
  return info.bavail * info.bsize;
}

/** Reads exactly `length` bytes at `position`; throws when the file is shorter. */
export async function readExactly(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(buffer, done, length - done, position + done);
    if (bytesRead === 0) {
      throw new EdgewrightError({
        code: 'input.truncated',
        message: 'The file is shorter than it says.',
        expected: `${position + length} bytes`,
        found: `${position + done} bytes`,
        owner: 'input',
      });
    }
    done += bytesRead;
  }
  return buffer;
}
