/**
 * A copy of the author's files in a private folder of the store, laid out by name. The copy is what gets checked, run and
 * finally taken in: what changes in the author's folder meanwhile changes nothing here.
 */
import { rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ensureDir } from '#core/platform';
import { COPY_CHUNK_BYTES } from './limits.ts';
import type { Staged } from './ingest.ts';
import type { LayerFile } from './manifest.ts';
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

/** Runs `work` with a staging folder that is gone afterwards, whatever happens. */
export async function withStaging<T>(store: BlobStore, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await store.stagingFolder();
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Copies files into `folder` under their paths in the bundle, hashing them. */
export async function stageFiles(store: BlobStore, folder: string, files: readonly SourceFile[], options: Options): Promise<StagedFile[]> {
  const sizes = await Promise.all(files.map(async (file) => (await stat(file.from)).size));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const staged: StagedFile[] = [];
  let done = 0;
  const progressOf = (file: SourceFile) => (bytes: number) => {
    done += bytes;
    options.onProgress?.({ step: `Reading ${file.path}`, fraction: total === 0 ? 1 : Math.min(1, done / total) });
  };
  for (const file of files) {
    const { handle, size } = await openSourceFile(file);
    try {
      const path = join(folder, file.path);
      await ensureDir(dirname(path));
      const bytes = handle.createReadStream({ highWaterMark: COPY_CHUNK_BYTES, autoClose: false });
      const blob = await store.stage(bytes, { size, maxBytes: MAX_ROLE_BYTES[file.role] }, { path, signal: options.signal, onBytes: progressOf(file) });
      staged.push({ ...blob, layer: { path: file.path, role: file.role, digest: blob.digest, bytes: blob.size } });
    } finally {
      await handle.close();
    }
  }
  return staged;
}

/** Puts a document we made beside the files, ready to be taken in with them. */
export async function stageDocument(store: BlobStore, document: Document): Promise<Staged> {
  const { digest, size } = document.descriptor;
  return store.stage(document.bytes, { digest, size, maxBytes: size });
}
