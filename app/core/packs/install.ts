/**
 * Installing a pack: its wheels are fetched or found, each checked against the table, unpacked beside the others, and the
 * finished folder is put in its place by one rename. Whatever stops it, nothing half-installed is ever seen, and what was
 * fetched stays for the next time.
 */
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EdgewrightError } from '#contract';
import { retry } from '#core/distribution';
import { acquireLock, type Clock, ensureDir, freeBytes, fsyncDir, TEMP_PREFIX, tempName, writeFileAtomic } from '#core/platform';
import { downloadWheel } from './download.ts';
import { lacking, misused } from './errors.ts';
import { type InstalledPack, installedPacks, PACK_NOTE, type PackNote, removeFolder } from './installed.ts';
import { DISK_MARGIN_BYTES, LOCK_WAIT_MS } from './limits.ts';
import { openPackFile, writePackFile } from './pack-file.ts';
import { packBytes, type PackDefinition, packFolder, type Wheel } from './table.ts';
import { openWeb, type WebAccess } from './web.ts';
import { checkWheel, type KeptFile, unpackWheel } from './wheel.ts';

/** Where the wheels come from: the package index, or a folder or pack file that somebody brought. */
export type PackSource = { from: string } | WebAccess;

export interface InstallOptions {
  /** The folder of all packs. */
  dir: string;
  source: PackSource;
  clock: Clock;
  signal?: AbortSignal | undefined;
  /** @param fraction 0..1 of the whole work */
  onProgress?: ((step: string, fraction: number) => void) | undefined;
}

/** Where downloads wait for each other and for another try. */
const DOWNLOADS = 'downloads';
/** Unpacking and hashing a byte takes about this part of the time that fetching one does. */
const UNPACK_WEIGHT = 0.1;

/**
 * Installs the pack, or answers at once when it is there.
 * @throws provider.disk-full (machine), provider.wheel-wrong (trust), provider.* and network.* of fetching, machine.busy
 */
export async function installPack(pack: PackDefinition, options: InstallOptions): Promise<InstalledPack> {
  const { dir, signal, clock } = options;
  await ensureDir(dir);
  const lock = await acquireLock(join(dir, 'install.lock'), { what: 'installing a provider pack', waitMs: LOCK_WAIT_MS, ...(signal && { signal }) });
  try {
    await sweep(dir);
    const target = join(dir, packFolder(pack));
    const there = (await installedPacks(dir)).find((one) => one.folder === target);
    if (there) return there;
    const { download, installed: unpacked } = packBytes(pack);
    await checkSpace(dir, download + unpacked);
    const progress = progressOf(pack, options);
    const wheels = await gatherWheels(pack, options, progress);
    const staging = tempName(target);
    await mkdir(staging, { mode: 0o700 });
    try {
      const files: KeptFile[] = [];
      for (const wheel of pack.wheels) {
        progress.step(`Unpacking ${wheel.project}`);
        files.push(...(await unpackWheel(join(wheels, wheel.file), wheel, staging, { signal, onBytes: progress.unpacked })));
      }
      await writeFileAtomic(join(staging, PACK_NOTE), JSON.stringify(noteOf(pack, files, clock.now()), undefined, 2));
      await fsyncDir(staging);
      await rm(target, { recursive: true, force: true });
      await rename(staging, target);
      await fsyncDir(dir);
    } catch (error) {
      await rm(staging, { recursive: true, force: true });
      throw error;
    }
    await rm(join(dir, DOWNLOADS), { recursive: true, force: true });
    const installed = (await installedPacks(dir)).find((one) => one.folder === target);
    if (!installed) throw lacking('install-failed', `The pack ${pack.name} is not there although it was installed.`, { hint: 'Install it again.' });
    // An earlier revision serves nobody any more.
    for (const old of await installedPacks(dir)) if (old.name === pack.name && old.folder !== target) await removeFolder(old.folder);
    return installed;
  } finally {
    await lock.release();
  }
}

/** Fetches the wheels into one file, for a computer without a network. @returns its bytes */
export async function fetchPack(pack: PackDefinition, file: string, options: InstallOptions): Promise<number> {
  const { dir, signal } = options;
  await ensureDir(dir);
  const lock = await acquireLock(join(dir, 'install.lock'), { what: 'fetching a provider pack', waitMs: LOCK_WAIT_MS, ...(signal && { signal }) });
  try {
    const { download } = packBytes(pack);
    await checkSpace(dir, download);
    await checkSpace(dirname(file), download);
    const progress = progressOf(pack, options);
    const wheels = await gatherWheels(pack, options, progress);
    progress.step(`Writing ${file}`);
    const bytes = await writePackFile(pack, wheels, file, signal);
    await rm(join(dir, DOWNLOADS), { recursive: true, force: true });
    return bytes;
  } finally {
    await lock.release();
  }
}

interface Progress {
  step(text: string): void;
  /** Bytes of a wheel that are here. */
  have(wheel: Wheel, bytes: number): void;
  unpacked(bytes: number): void;
}

function progressOf(pack: PackDefinition, { onProgress }: InstallOptions): Progress {
  const { download, installed } = packBytes(pack);
  const total = download + installed * UNPACK_WEIGHT;
  const have = new Map<string, number>();
  let unpacked = 0;
  let step = '';
  const tell = () => {
    const fetched = [...have.values()].reduce((sum, bytes) => sum + bytes, 0);
    onProgress?.(step, Math.min(1, (fetched + unpacked * UNPACK_WEIGHT) / total));
  };
  return {
    step(text) {
      step = text;
      tell();
    },
    have(wheel, bytes) {
      have.set(wheel.file, bytes);
      tell();
    },
    unpacked(bytes) {
      unpacked += bytes;
      tell();
    },
  };
}

/** Every wheel of the pack, checked, under its own name in one folder. @returns the folder */
async function gatherWheels(pack: PackDefinition, options: InstallOptions, progress: Progress): Promise<string> {
  const { source, signal } = options;
  if ('from' in source) return bringWheels(pack, source.from, options, progress);
  const dir = join(options.dir, DOWNLOADS);
  await ensureDir(dir);
  const index = indexUrl(source.index);
  const web = openWeb(index, source);
  const tries = retry({ clock: options.clock, signal });
  try {
    for (const wheel of pack.wheels) {
      const target = join(dir, wheel.file);
      const counted = (bytes: number) => progress.have(wheel, bytes);
      progress.step(`Fetching ${wheel.project}`);
      // What lies there may have lain there for a long time.
      if (!(await isWhole(target, wheel, signal))) await downloadWheel(wheel, target, { web, index, signal, tries, onBytes: counted });
      counted(wheel.bytes);
    }
  } finally {
    web.close();
  }
  return dir;
}

/** Whether the wheel was fetched before; one that is no longer what it was is taken away. */
async function isWhole(path: string, wheel: Wheel, signal: AbortSignal | undefined): Promise<boolean> {
  if (!(await stat(path).catch(() => undefined))) return false;
  try {
    await checkWheel(path, wheel, { signal });
    return true;
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof EdgewrightError)) throw error;
    await rm(path, { force: true });
    return false;
  }
}

/** Wheels that a person brought: checked where they lie, or taken out of a pack file first. */
async function bringWheels(pack: PackDefinition, from: string, options: InstallOptions, progress: Progress): Promise<string> {
  const { signal } = options;
  const info = await stat(from).catch(() => undefined);
  if (!info) throw misused('no-such-file', `${from} is not there.`, { expected: 'a file made by edgewright provider fetch, or a folder with the wheels' });
  const dir = info.isDirectory() ? from : join(options.dir, DOWNLOADS);
  if (!info.isDirectory()) {
    await ensureDir(dir);
    const file = await openPackFile(from, pack, signal);
    try {
      for (const wheel of pack.wheels) {
        progress.step(`Reading ${wheel.project}`);
        await file.extract(wheel, join(dir, wheel.file), { signal });
      }
    } finally {
      await file.close();
    }
  }
  for (const wheel of pack.wheels) {
    progress.step(`Checking ${wheel.project}`);
    let read = 0;
    if (!(await stat(join(dir, wheel.file)).catch(() => undefined)))
      throw misused('wheel-missing', `${from} lacks ${wheel.file}.`, { expected: pack.wheels.map((one) => one.file).join(', ') });
    await checkWheel(join(dir, wheel.file), wheel, { signal, onBytes: (bytes) => progress.have(wheel, (read += bytes)) });
  }
  return dir;
}

function indexUrl(text: string): URL {
  const url = URL.parse(text.endsWith('/') ? text : `${text}/`);
  if (url && (url.protocol === 'https:' || url.protocol === 'http:') && url.username === '' && url.search === '') return url;
  // The address itself is not repeated: there may be a password in it.
  const found = url?.username ? 'an address with a name and a password in it' : 'something else';
  throw misused('index-wrong', 'The address of the package index cannot be used.', {
    expected: 'https://…/simple/, open to whoever asks',
    found,
    hint: 'Name another with --index, or install from a file with --from.',
  });
}

/** @param bytes that will lie in `dir` at once: wheels and libraries are side by side until all is done */
async function checkSpace(dir: string, bytes: number): Promise<void> {
  const needed = bytes + DISK_MARGIN_BYTES;
  const free = await freeBytes(dir);
  if (free < needed)
    throw lacking('disk-full', 'There is not enough space for the pack.', {
      expected: `${needed} bytes free in ${dir}`,
      found: `${free} bytes`,
      hint: 'Free some space, then run it again.',
    });
}

/** What a kill left of unpacking or removing; downloads stay. */
async function sweep(dir: string): Promise<void> {
  for (const name of await readdir(dir)) if (name.startsWith(TEMP_PREFIX)) await rm(join(dir, name), { recursive: true, force: true });
}

function noteOf(pack: PackDefinition, files: readonly KeptFile[], installedAt: number): PackNote {
  const { name, title, revision, onnxruntime, platform, arch, providers } = pack;
  return { format: 1, name, title, revision, onnxruntime, platform, arch, providers: [...providers], installedAt, files: [...files] };
}
