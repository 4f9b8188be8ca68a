/** A Python wheel: a ZIP file (PEP 427), from which the libraries named in the table are taken and nothing else. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import { type Entry, open as openZip, type ZipFile } from 'yauzl';
import { readPieces } from '#core/platform';
import { unsound, untrusted } from './errors.ts';
import { MAX_LICENCE_BYTES, MAX_WHEEL_ENTRIES } from './limits.ts';
import type { Wheel } from './table.ts';

export interface KeptFile {
  /** Its name in the folder of the pack. */
  name: string;
  bytes: number;
  sha256: string;
}

interface WorkOptions {
  signal?: AbortSignal | undefined;
  /** Told how many bytes were just worked on. */
  onBytes?: ((bytes: number) => void) | undefined;
}

/** @throws provider.wheel-wrong (trust) when the file is not the one that the table names */
export async function checkWheel(path: string, wheel: Wheel, options: WorkOptions = {}): Promise<void> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    if (size !== wheel.bytes) throw wrongWheel(wheel, `${wheel.bytes} bytes`, `${size} bytes`);
    const hash = createHash('sha256');
    for await (const piece of readPieces(handle, { signal: options.signal })) {
      hash.update(piece);
      options.onBytes?.(piece.length);
    }
    const found = hash.digest('hex');
    if (found !== wheel.sha256) throw wrongWheel(wheel, wheel.sha256, found);
  } finally {
    await handle.close();
  }
}

export function wrongWheel(wheel: Wheel, expected: string, found: string) {
  return untrusted('wheel-wrong', `${wheel.file} is not the file that was published under this name.`, {
    expected,
    found,
    hint: 'Fetch it again; if it stays so, what answers in place of the index is not to be trusted.',
  });
}

/**
 * Writes the wheel's libraries and licences into `dir`, each made durable.
 * @throws provider.wheel-unreadable (input) when it lacks one of them or one has another size
 */
export async function unpackWheel(path: string, wheel: Wheel, dir: string, options: WorkOptions = {}): Promise<KeptFile[]> {
  const wanted = new Map<string, { name: string; bytes?: number }>();
  for (const [name, bytes] of Object.entries(wheel.libraries)) wanted.set(`${wheel.folder}/${name}`, { name, bytes });
  for (const licence of wheel.licences) wanted.set(licence, { name: `${wheel.project}-${basename(licence)}` });
  const kept: KeptFile[] = [];
  const zip = await openWheel(path);
  try {
    for await (const entry of entriesOf(zip)) {
      options.signal?.throwIfAborted();
      const want = wanted.get(entry.fileName);
      if (!want) continue;
      wanted.delete(entry.fileName);
      const bytes = want.bytes ?? entry.uncompressedSize;
      if (entry.uncompressedSize !== bytes || (want.bytes === undefined && bytes > MAX_LICENCE_BYTES))
        throw unreadable(wheel, `${want.name} has ${entry.uncompressedSize} bytes`);
      kept.push(await unpackEntry(zip, entry, join(dir, want.name), want.name, options));
    }
  } finally {
    zip.close();
  }
  const [missing] = wanted.keys();
  if (missing !== undefined) throw unreadable(wheel, `it lacks ${missing}`);
  return kept;
}

function openWheel(path: string): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    // Sizes are checked by the reader: an entry that inflates past what it declared is an error.
    openZip(path, { lazyEntries: true, autoClose: false, validateEntrySizes: true, strictFileNames: true }, (error, zip) =>
      error ? reject(error) : resolve(zip),
    );
  });
}

async function* entriesOf(zip: ZipFile): AsyncGenerator<Entry, void> {
  if (zip.entryCount > MAX_WHEEL_ENTRIES) throw unsound('wheel-unreadable', 'The archive has too many entries.', { expected: `at most ${MAX_WHEEL_ENTRIES}` });
  for (;;) {
    const entry = await new Promise<Entry | undefined>((resolve, reject) => {
      const done = (settle: () => void) => {
        zip.removeAllListeners();
        settle();
      };
      zip.once('entry', (found: Entry) => done(() => resolve(found)));
      zip.once('end', () => done(() => resolve(undefined)));
      zip.once('error', (error: Error) => done(() => reject(error)));
      zip.readEntry();
    });
    if (!entry) return;
    yield entry;
  }
}

async function unpackEntry(zip: ZipFile, entry: Entry, target: string, name: string, options: WorkOptions): Promise<KeptFile> {
  const source = await new Promise<Readable>((resolve, reject) => zip.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(stream))));
  const hash = createHash('sha256');
  let bytes = 0;
  // Libraries are loaded, not run: no right to execute is needed.
  const handle = await open(target, 'wx', 0o600);
  try {
    for await (const chunk of source) {
      options.signal?.throwIfAborted();
      const part = chunk as Buffer;
      hash.update(part);
      for (let done = 0; done < part.length; ) done += (await handle.write(part, done, part.length - done)).bytesWritten;
      bytes += part.length;
      options.onBytes?.(part.length);
    }
    await handle.sync();
  } finally {
    source.destroy();
    await handle.close();
  }
  return { name, bytes, sha256: hash.digest('hex') };
}

function unreadable(wheel: Wheel, found: string) {
  return unsound('wheel-unreadable', `${wheel.file} does not hold what it should.`, { found });
}
