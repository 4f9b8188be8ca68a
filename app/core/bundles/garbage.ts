/** Which blobs are still led to from a store's index, by walking it as any OCI tool would. */
import { MAX_MANIFEST_BYTES } from './limits.ts';
import { type Descriptor, INDEX_TYPE, MANIFEST_TYPE, parseIndex, parseManifest } from './oci.ts';
import type { BlobStore } from './store.ts';

/**
 * Everything that these entries lead to, themselves included, by digest.
 * @throws store.blob-missing, store.blob-altered, bundle.manifest-malformed when a document on the way cannot be read
 */
export async function reachable(store: BlobStore, entries: readonly Descriptor[]): Promise<Map<string, Descriptor>> {
  const found = new Map<string, Descriptor>();
  const queue = [...entries];
  for (let entry = queue.pop(); entry; entry = queue.pop()) {
    if (found.has(entry.digest)) continue;
    found.set(entry.digest, entry);
    if (entry.mediaType === INDEX_TYPE) queue.push(...parseIndex(await store.read(entry.digest, MAX_MANIFEST_BYTES)).manifests);
    if (entry.mediaType === MANIFEST_TYPE) {
      // A signature's subject is not followed: it is listed itself, or gone, and a signature keeps nothing alive.
      const { config, layers } = parseManifest(await store.read(entry.digest, MAX_MANIFEST_BYTES));
      queue.push(config, ...layers);
    }
  }
  return found;
}

/**
 * Removes every blob that nothing leads to. Call it within `store.exclusively`, where nothing is half taken in.
 * When a document on the way cannot be read, what it leads to is unknown, and nothing is removed.
 * @returns bytes freed
 */
export async function collectGarbage(store: BlobStore): Promise<number> {
  const needed = await reachable(store, await store.readIndex());
  let freed = 0;
  for await (const { digest } of store.list()) if (!needed.has(digest)) freed += await store.remove(digest);
  return freed;
}
