/** A fresh workspace for each test of a file that imports this: store, catalogue, registry, and a copy of the sample's folder. */
import { chmod, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { type Admit, type Catalogue, openCatalogue, openRegistry, openStore, type Registry, type BlobStore } from '#core/bundles';
import { type Keyring, openKeyring } from '#core/trust';

const SAMPLE = new URL('../../../assets/sample-bundle/', import.meta.url);
export const admit: Admit = async () => ({ ok: true, warnings: [] });

/** The folder of its keys. */
export let keys: string;
export let keyring: Keyring;
export let dir: string;
export let source: string;
export let store: BlobStore;
export let catalogue: Catalogue;
export let registry: Registry;

beforeAll(async () => {
  keys = await mkdtemp(join(tmpdir(), 'ew-reg-keys-'));
  keyring = await openKeyring(keys);
});
afterAll(() => rm(keys, { recursive: true, force: true }));

export async function reopen(): Promise<void> {
  store = await openStore(join(dir, 'store'));
  catalogue = openCatalogue(join(dir, 'catalogue.db'));
  registry = await openRegistry({ store, catalogue, keyring });
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ew-reg-'));
  source = join(dir, 'source');
  await cp(SAMPLE, source, { recursive: true });
  await reopen();
});
afterEach(async () => {
  catalogue.close();
  await rm(dir, { recursive: true, force: true });
});

export async function edit(change: (text: string) => string): Promise<void> {
  const file = join(source, 'edgewright.yaml');
  await writeFile(file, change(await readFile(file, 'utf8')));
}

export async function blobCount(): Promise<number> {
  return (await readdir(join(dir, 'store', 'blobs', 'sha256'))).length;
}

export async function nothingLeft(): Promise<void> {
  expect(registry.list()).toEqual([]);
  expect(await store.readIndex()).toEqual([]);
  expect(await blobCount()).toBe(0);
  expect(await readdir(join(dir, 'store', 'ingest'))).toEqual([]);
}

/** Replaces the bytes of a blob, as a failing disk would. */
export async function corrupt(digest: string): Promise<void> {
  const path = store.path(digest);
  const bytes = await readFile(path);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  await chmod(path, 0o644);
  await writeFile(path, bytes);
}
