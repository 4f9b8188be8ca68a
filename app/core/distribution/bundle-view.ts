/**
 * Bundles seen as repositories: `digits@1.0.0` is tag `1.0.0` of repository `digits`. Read from the store's own list and the
 * documents it leads to, so it is always what is there; nothing of it is kept twice.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type BlobStore, bundleName, type Descriptor, MAX_MANIFEST_BYTES, SUBJECT_ANNOTATION } from '#core/bundles';
import { type ManifestDocument, readDocument } from './documents.ts';
import { MAX_CACHED_BUNDLES } from './limits.ts';
import { isRepositoryName } from './names.ts';
import type { Referrer, StoredBlob, StoredManifest } from './table.ts';

/** What one repository has of bundles. */
export interface BundleRepository {
  /** Version to the digest of the bundle's index. */
  tags: Map<string, string>;
  manifests: Map<string, StoredManifest>;
  blobs: Map<string, StoredBlob>;
  /** By the digest they refer to. */
  referrers: Map<string, Referrer[]>;
  /** Versions that a manifest belongs to. */
  versionsOf: Map<string, Set<string>>;
}

const NONE: BundleRepository = { tags: new Map(), manifests: new Map(), blobs: new Map(), referrers: new Map(), versionsOf: new Map() };

export function openBundleView(store: BlobStore) {
  let seen: { mark: string; listed: Map<string, { version: string; entry: Descriptor }[]>; referring: Map<string, Descriptor[]> } | undefined;
  /** Newest last. */
  const cache = new Map<string, Promise<BundleRepository>>();

  async function current() {
    const info = await stat(join(store.dir, 'index.json'), { bigint: true });
    const mark = `${info.ino} ${info.mtimeNs} ${info.size}`;
    if (seen?.mark === mark) return seen;
    const entries = await store.readIndex();
    const listed = new Map<string, { version: string; entry: Descriptor }[]>();
    const referring = new Map<string, Descriptor[]>();
    for (const entry of entries) {
      const id = bundleName(entry);
      if (id) listed.set(id.name, [...(listed.get(id.name) ?? []), { version: id.version, entry }]);
      const subject = entry.annotations?.[SUBJECT_ANNOTATION];
      if (subject !== undefined) referring.set(subject, [...(referring.get(subject) ?? []), entry]);
    }
    cache.clear();
    seen = { mark, listed, referring };
    return seen;
  }

  async function repository(name: string): Promise<BundleRepository> {
    const { listed, referring } = await current();
    const versions = listed.get(name);
    if (!versions) return NONE;
    const known = cache.get(name);
    if (known) return known;
    const made = read(versions, referring);
    cache.set(name, made);
    made.catch(() => cache.delete(name));
    for (const [oldest] of cache) {
      if (cache.size <= MAX_CACHED_BUNDLES) break;
      cache.delete(oldest);
    }
    return made;
  }

  async function read(versions: readonly { version: string; entry: Descriptor }[], referring: ReadonlyMap<string, readonly Descriptor[]>) {
    const found: BundleRepository = { tags: new Map(), manifests: new Map(), blobs: new Map(), referrers: new Map(), versionsOf: new Map() };
    async function visit(entry: Pick<Descriptor, 'digest' | 'size' | 'mediaType'>, version: string): Promise<void> {
      const { digest, size, mediaType } = entry;
      const belongs = found.versionsOf.get(digest) ?? new Set();
      if (belongs.has(version)) return;
      found.versionsOf.set(digest, belongs.add(version));
      const document = await readStored(digest, mediaType);
      if (!document) return;
      found.manifests.set(digest, { digest, stored: digest, size, mediaType });
      for (const blob of document.blobs) found.blobs.set(blob.digest, { digest: blob.digest, stored: blob.digest, size: blob.size });
      if (document.subject) {
        const { artifactType, annotations } = document;
        const others = (found.referrers.get(document.subject.digest) ?? []).filter((one) => one.digest !== digest);
        found.referrers.set(document.subject.digest, [...others, { digest, stored: digest, size, mediaType, artifactType, annotations }]);
      }
      for (const child of document.manifests) await visit(child, version);
      for (const referrer of referring.get(digest) ?? []) await visit(referrer, version);
    }
    for (const { version, entry } of versions) {
      await visit(entry, version);
      if (found.manifests.has(entry.digest)) found.tags.set(version, entry.digest);
    }
    return found;
  }

  /** undefined when it is missing or damaged: the rest of the bundle is served all the same. */
  async function readStored(digest: string, mediaType: string): Promise<ManifestDocument | undefined> {
    try {
      return readDocument(await store.read(digest, MAX_MANIFEST_BYTES), mediaType);
    } catch {
      return undefined;
    }
  }

  return {
    repository,
    /** A bundle's name may be one that no repository can have (`a..b`); such a bundle is not served. */
    repositories: async (): Promise<string[]> => [...(await current()).listed.keys()].filter(isRepositoryName),
  };
}
