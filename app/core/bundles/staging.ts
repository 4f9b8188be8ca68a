/**
 * A copy of the author's files in a private folder of the store, laid out by name. The copy is what gets checked, run and
 * finally taken in: what changes in the author's folder meanwhile changes nothing here.
 */
import { rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ensureDir, readPieces } from '#core/platform';
import type { Staged } from './ingest.ts';
import type { LayerFile } from './layer-file.ts';
import type { Document } from './oci.ts';
import { MAX_ROLE_BYTES, openSourceFile, type SourceFile } from './source.ts';
import type { BlobStore } from './store.ts';

export interface StagedFile extends Staged {
  layer: LayerFile;
}

export interface Progress {
  /** 0..1; absent while unknown. */
  fraction?: number;
  /** What is being done, in words. */
  step: string;
}

export interface Options {
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
}

/** A private folder of the store, and files in it that the disk may still be taking. */
export interface Staging {
  folder: string;
  pending: Staged[];
}

/** Runs `work` with a staging folder that is gone afterwards, whatever happens. */
export async function withStaging<T>(store: BlobStore, work: (staging: Staging) => Promise<T>): Promise<T> {
  const staging: Staging = { folder: await store.stagingFolder(), pending: [] };
  try {
    return await work(staging);
  } finally {
    for (const file of staging.pending) await file.durable?.catch(() => {});
    await rm(staging.folder, { recursive: true, force: true });
  }
}

/** Copies files into the staging folder under their paths in the bundle, hashing them. The disk may still be taking them. */
export async function stageFiles(store: BlobStore, staging: Staging, files: readonly SourceFile[], options: Options): Promise<StagedFile[]> {
  const sizes = await Promise.all(files.map(async (file) => (await stat(file.from)).size));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const staged: StagedFile[] = [];
  let done = 0;
  const progressOf = (file: SourceFile) => (bytes: number) => {
    done += bytes;
    options.onProgress?.({ step: `Reading ${file.path}`, fraction: total === 0 ? 1 : Math.min(1, done / total) });
  };
  for (const file of files) {
    const one = await stageOne(store, staging.folder, file, { signal: options.signal, onBytes: progressOf(file) });
    staging.pending.push(one);
    staged.push(one);
  }
  return staged;
}

async function stageOne(
  store: BlobStore,
  folder: string,
  file: SourceFile,
  options: { signal?: AbortSignal | undefined; onBytes: (bytes: number) => void },
): Promise<StagedFile> {
  const { handle, size } = await openSourceFile(file);
  try {
    const path = join(folder, file.path);
    await ensureDir(dirname(path));
    const { signal, onBytes } = options;
    const blob = await store.stage(readPieces(handle), { size, maxBytes: MAX_ROLE_BYTES[file.role] }, { path, later: true, signal, onBytes });
    return { ...blob, layer: { path: file.path, role: file.role, digest: blob.digest, bytes: blob.size } };
  } finally {
    await handle.close();
  }
}

/** Puts a document we made beside the files, ready to be taken in with them. */
export async function stageDocument(store: BlobStore, document: Document): Promise<Staged> {
  const { digest, size } = document.descriptor;
  return store.stage(document.bytes, { digest, size, maxBytes: size });
}
