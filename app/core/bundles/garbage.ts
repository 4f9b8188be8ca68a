/** Which blobs are still led to from a store's index, by walking it as any OCI tool would. */
import { asEdgewrightError } from '#contract';
import { broken } from './errors.ts';
import { MAX_MANIFEST_BYTES } from './limits.ts';
import { type Descriptor, INDEX_TYPE, MANIFEST_TYPE, parseIndex, parseManifest, SUBJECT } from './oci.ts';
import type { BlobStore } from './store.ts';

/**
 * Everything that these entries lead to, themselves included, by digest.
 * @param known what was found already, to be added to
 * @throws store.blob-missing, store.blob-altered, bundle.manifest-malformed when a document on the way cannot be read
 */
export async function reachable(
  store: BlobStore,
  entries: readonly Descriptor[],
  known: ReadonlyMap<string, Descriptor> = new Map(),
): Promise<Map<string, Descriptor>> {
  const found = new Map(known);
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

export interface Collected {
  /** Blobs that nothing leads to. */
  blobs: number;
  /** Their bytes. */
  bytes: number;
}

/**
 * Removes every blob that nothing leads to. Call it within `store.exclusively`, where nothing is half taken in.
 * @param options.dryRun only counts
 * @throws store.damaged when a document on the way cannot be read: what it leads to is unknown, and nothing is removed
 */
export async function collectGarbage(store: BlobStore, options: { dryRun?: boolean | undefined; signal?: AbortSignal | undefined } = {}): Promise<Collected> {
  const entries = await store.readIndex();
  const { needed, orphans } = await needs(store, entries).catch((cause: unknown) => {
    const problem = asEdgewrightError(cause);
    if (problem.owner !== 'trust' && problem.code !== 'store.blob-missing') throw cause;
    throw broken('store.damaged', `Nothing was removed, since the store is damaged and what may still be needed is unknown: ${problem.message}`, {
      hint: 'edgewright store verify says what is affected. Build, import or pull it again, or remove it.',
      cause,
    });
  });
  if (orphans.size > 0 && !options.dryRun) await store.writeIndex(entries.filter((entry) => !orphans.has(entry)));
  const collected: Collected = { blobs: 0, bytes: 0 };
  for await (const { digest, size } of store.list()) {
    options.signal?.throwIfAborted();
    if (needed.has(digest) || store.isKept(digest)) continue;
    collected.blobs++;
    collected.bytes += options.dryRun ? size : await store.remove(digest);
  }
  return collected;
}

/** What is needed, and entries that refer to something that is there no longer: a bundle too damaged to say what referred to it. */
async function needs(store: BlobStore, entries: readonly Descriptor[]): Promise<{ needed: ReadonlyMap<string, Descriptor>; orphans: ReadonlySet<Descriptor> }> {
  const subjectOf = (entry: Descriptor) => entry.annotations?.[SUBJECT];
  const led = await reachable(
    store,
    entries.filter((entry) => subjectOf(entry) === undefined),
  );
  const referring = entries.filter((entry) => subjectOf(entry) !== undefined);
  const orphans = new Set(referring.filter((entry) => !led.has(subjectOf(entry) ?? '')));
  const needed = await reachable(
    store,
    referring.filter((entry) => !orphans.has(entry)),
    led,
  );
  return { needed, orphans };
}
