/**
 * The workspace as of one moment, while an engine works on: copies of the databases, links to the blobs, and a list of all of
 * it. What is copied lies in a folder of its own until the backup is written.
 */
import { createReadStream } from 'node:fs';
import { copyFile, link, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobStore } from '#core/bundles';
import { forgetThisComputer } from '#core/fleet';
import { copySqlite } from '#core/platform';
import type { Keyring } from '#core/trust';
import { databasesIn, foldersIn, KEYRING_FILE, keyFilesIn } from './contents.ts';

export interface SnapshotFile {
  /** Path in the backup, with `/`. */
  path: string;
  bytes: number;
  open(): AsyncIterable<Uint8Array>;
  /** Only of a blob: what its bytes must hash to. */
  digest?: string;
}

export interface SnapshotOptions {
  home: string;
  keyring: Keyring;
  store: BlobStore;
  /** An empty folder on the same file system as the workspace. */
  dir: string;
  bundles: boolean;
  signal: AbortSignal;
  onStep(step: string): void;
}

/** @throws machine.keys-locked, machine.disk-full, store.index-altered */
export async function snapshot(options: SnapshotOptions): Promise<SnapshotFile[]> {
  const { home, keyring, dir, signal, onStep } = options;
  const files: SnapshotFile[] = [inMemory(`keys/${KEYRING_FILE}`, keyring.exportPlain())];
  for (const name of await keyFilesIn(home)) files.push(inMemory(`keys/${name}`, await readFile(join(home, 'keys', name))));
  for (const name of await databasesIn(home)) {
    signal.throwIfAborted();
    onStep(`Copying ${name}`);
    const copy = join(dir, name);
    await copySqlite(join(home, name), copy, signal);
    if (name === 'fleet.db') forgetThisComputer(copy);
    files.push(await onDisk(name, copy));
  }
  for (const folder of await foldersIn(home)) files.push(...(await everyFile(join(home, folder), folder)));
  if (options.bundles) files.push(...(await storeFiles(options)));
  return files;
}

/** Blobs never change and are linked, so that one that is removed meanwhile stays until it is written. */
async function storeFiles({ store, dir, signal, onStep }: SnapshotOptions): Promise<SnapshotFile[]> {
  const files: SnapshotFile[] = [];
  onStep('Taking hold of the bundles');
  await store.exclusively(async () => {
    for (const name of ['oci-layout', 'index.json']) files.push(inMemory(`store/${name}`, await readFile(join(store.dir, name))));
    const table = join(store.dir, 'repositories.db');
    if (await stat(table).catch(() => undefined)) {
      await copySqlite(table, join(dir, 'repositories.db'), signal);
      files.push(await onDisk('store/repositories.db', join(dir, 'repositories.db')));
    }
    const blobs = join(dir, 'blobs');
    await mkdir(blobs);
    for await (const { digest, size } of store.list()) {
      signal.throwIfAborted();
      const held = join(blobs, digest.replace('sha256:', ''));
      await link(store.path(digest), held).catch(() => copyFile(store.path(digest), held));
      files.push({ path: `store/blobs/sha256/${digest.replace('sha256:', '')}`, bytes: size, digest, open: () => createReadStream(held) });
    }
  }, signal);
  return files;
}

function inMemory(path: string, content: Buffer): SnapshotFile {
  return {
    path,
    bytes: content.length,
    async *open() {
      yield content;
    },
  };
}

async function onDisk(path: string, file: string): Promise<SnapshotFile> {
  return { path, bytes: (await stat(file)).size, open: () => createReadStream(file) };
}

/** Folders of archives hold files and no more folders, but for those of a log that was put aside. */
async function everyFile(dir: string, path: string): Promise<SnapshotFile[]> {
  const files: SnapshotFile[] = [];
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    if (entry.isDirectory()) files.push(...(await everyFile(join(dir, entry.name), `${path}/${entry.name}`)));
    else if (entry.isFile() && !entry.name.endsWith('.tmp')) files.push(await onDisk(`${path}/${entry.name}`, join(dir, entry.name)));
  }
  return files;
}
