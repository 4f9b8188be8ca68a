/** A pack in one file, for computers without a network: a tar archive of the wheels, as they were published. */
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { scanTar, type TarEntry, tarStream } from '#core/bundles';
import { readPieces, writeStreamAtomic } from '#core/platform';
import { unsound } from './errors.ts';
import { MAX_WHEEL_BYTES } from './limits.ts';
import type { PackDefinition, Wheel } from './table.ts';

/** Writes the wheels that lie in `dir` under their own names. @returns bytes of the file */
export async function writePackFile(pack: PackDefinition, dir: string, file: string, signal?: AbortSignal): Promise<number> {
  const sources = pack.wheels.map((wheel) => ({ name: wheel.file, size: wheel.bytes, open: () => readWhole(join(dir, wheel.file), signal) }));
  return writeStreamAtomic(file, tarStream(sources), { mode: 0o644, ...(signal && { signal }) });
}

async function* readWhole(path: string, signal?: AbortSignal): AsyncGenerator<Uint8Array, void> {
  const handle = await open(path, 'r');
  try {
    yield* readPieces(handle, { signal });
  } finally {
    await handle.close();
  }
}

export interface PackFile {
  /** Writes one wheel out of it to `target`; what it is, is for the caller to check. */
  extract(wheel: Wheel, target: string, options: { signal?: AbortSignal | undefined; onBytes?: (bytes: number) => void }): Promise<void>;
  close(): Promise<void>;
}

/** @throws archive.* (input) for what is no archive, provider.pack-file-wrong for one that lacks a wheel */
export async function openPackFile(path: string, pack: PackDefinition, signal?: AbortSignal): Promise<PackFile> {
  const handle = await open(path, 'r');
  try {
    const entries = await scanTar(handle, signal);
    const byName = new Map<string, TarEntry>();
    for (const [name, entry] of entries) byName.set(name.slice(name.lastIndexOf('/') + 1), entry);
    const missing = pack.wheels.find((wheel) => !byName.has(wheel.file));
    if (missing) throw lacks(path, missing);
    return { extract: (wheel, target, options) => extract(handle, byName.get(wheel.file), path, wheel, target, options), close: () => handle.close() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function extract(
  handle: FileHandle,
  entry: TarEntry | undefined,
  path: string,
  wheel: Wheel,
  target: string,
  { signal, onBytes }: { signal?: AbortSignal | undefined; onBytes?: (bytes: number) => void },
): Promise<void> {
  if (!entry || entry.size > MAX_WHEEL_BYTES) throw lacks(path, wheel);
  async function* content(from: TarEntry) {
    for await (const piece of readPieces(handle, { start: from.offset, end: from.offset + from.size, signal })) {
      onBytes?.(piece.length);
      yield piece;
    }
  }
  await writeStreamAtomic(target, content(entry), signal && { signal });
}

function lacks(path: string, wheel: Wheel) {
  return unsound('pack-file-wrong', `${path} holds no whole pack.`, {
    expected: wheel.file,
    hint: 'Make it with edgewright provider fetch, of the same version of Edgewright.',
  });
}
