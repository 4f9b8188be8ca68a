/** Which blobs are still led to from a store's index, by walking it as any OCI tool would. */
import { MAX_MANIFEST_BYTES } from './limits.ts';
import { type Descriptor, INDEX_TYPE, MANIFEST_TYPE, parseIndex, parseManifest } from './oci.ts';
import type { BlobStore } from './store.ts';

/**
 * Removes every blob that nothing leads to. Call it within `store.exclusively`, where nothing is half taken in.
 * When a document on the way cannot be read, what it leads to is unknown, and nothing is removed.
 * @returns bytes freed
 */
export async function collectGarbage(store: BlobStore): Promise<number> {
  const needed = new Set<string>();
  const queue: Descriptor[] = await store.readIndex();
  for (let entry = queue.pop(); entry; entry = queue.pop()) {
    if (needed.has(entry.digest)) continue;
    needed.add(entry.digest);
    if (entry.mediaType === INDEX_TYPE) queue.push(...parseIndex(await store.read(entry.digest, MAX_MANIFEST_BYTES)).manifests);
    if (entry.mediaType === MANIFEST_TYPE) {
      // A signature's subject is not followed: it is listed itself, or gone, and a signature keeps nothing alive.
      const { config, layers } = parseManifest(await store.read(entry.digest, MAX_MANIFEST_BYTES));
      queue.push(config, ...layers);
    }
  }
  let freed = 0;
  for await (const { digest } of store.list()) if (!needed.has(digest)) freed += await store.remove(digest);
  return freed;
}
