/**
 * The repositories of a store: bundles, seen as such, and whatever else was pushed. Reading needs no lock; each change is
 * made under the store's, with its check, so that several processes and a collection of garbage may run at once.
 */
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgewrightError, NameSchema, VersionSchema } from '#contract';
import { type BlobStore, type BundleProvider, INDEX_TYPE, MAX_MANIFEST_BYTES, NAME_ANNOTATION, VERSION_ANNOTATION } from '#core/bundles';
import type { Clock } from '#core/platform';
import { openBundleView } from './bundle-view.ts';
import type { BundleContent, BundleManifest } from './client/push-bundle.ts';
import { type ManifestDocument, readDocument, type Reference } from './documents.ts';
import { MAX_KEPT_MANIFESTS, MAX_TAGS, MAX_UPLOADS, UNUSED_BLOB_MS, UPLOAD_EXPIRES_MS, UPLOAD_YIELDS_MS } from './limits.ts';
import { algorithmOf, digestWith, isTag } from './names.ts';
import { OciError } from './oci-error.ts';
import { openLists } from './repository-lists.ts';
import { openTable, type StoredBlob, type StoredManifest } from './table.ts';
import { type Upload, Uploads } from './uploads.ts';

/** A blob in the store is read-only: nothing should change it by accident. */
const BLOB_MODE = 0o444;

export interface PutManifest {
  digest: string;
  subject?: string | undefined;
  /** Bundles of this repository that the manifest is, or refers to: they are to be judged now. */
  versions: string[];
  /** It was in the repository before. */
  wasThere: boolean;
}

export type Repositories = ReturnType<typeof openRepositories>;

/** Opens the repositories of a store: from now on nothing they need is removed from it. */
export function openRepositories({ store, clock }: { store: BlobStore; clock: Clock }) {
  const uploads = new Uploads(join(store.dir, 'uploads'), {
    clock,
    max: MAX_UPLOADS,
    expiresMs: UPLOAD_EXPIRES_MS,
    yieldsMs: UPLOAD_YIELDS_MS,
  });
  const table = openTable(store.dir);
  store.addKeeper((digest) => table.needs(digest));
  const view = openBundleView(store);
  const lists = openLists(view, table);

  async function knows(repository: string): Promise<boolean> {
    return table.knows(repository) || (await view.repository(repository)).tags.size > 0;
  }

  async function blob(repository: string, digest: string): Promise<StoredBlob | undefined> {
    return table.blob(repository, digest) ?? (await view.repository(repository)).blobs.get(digest);
  }

  /** @param reference a tag or a digest */
  async function manifest(repository: string, reference: string): Promise<StoredManifest | undefined> {
    const bundles = await view.repository(repository);
    // A version is the name of a bundle before it is a tag of anything else.
    const digest = isTag(reference) ? (bundles.tags.get(reference) ?? table.tag(repository, reference)) : reference;
    return digest === undefined ? undefined : (bundles.manifests.get(digest) ?? table.manifest(repository, digest));
  }

  /**
   * Makes a whole upload a blob of its repository, without copying it: hashed where it lies, then renamed into the store.
   * @throws DIGEST_INVALID; then the upload is gone
   */
  async function finishUpload(upload: Upload, digest: string): Promise<void> {
    const algorithm = algorithmOf(digest);
    if (algorithm === undefined || (await uploads.digest(upload, algorithm)) !== digest) {
      await uploads.drop(upload.id);
      throw new OciError(400, 'DIGEST_INVALID', 'The bytes do not have this digest.');
    }
    const stored = algorithm === 'sha256' ? digest : await uploads.digest(upload, 'sha256');
    await chmod(upload.path, BLOB_MODE);
    await store.exclusively(async () => {
      // Also where the blob is there already: these bytes were just seen to be right.
      await store.adopt([{ path: upload.path, digest: stored, size: upload.offset }]);
      table.link(upload.repository, { digest, stored, size: upload.offset }, clock.now());
    });
    await uploads.drop(upload.id);
  }

  /**
   * Gives a repository a blob that another has (or any other, without `from`).
   * @returns whether there was one
   */
  async function mount(repository: string, digest: string, from: string | undefined): Promise<boolean> {
    const source = from === undefined ? await findAnywhere(digest) : await blob(from, digest);
    if (!source) return false;
    return store.exclusively(async () => {
      if ((await store.size(source.stored)) !== source.size) return false;
      table.link(repository, source, clock.now());
      return true;
    });
  }

  async function findAnywhere(digest: string): Promise<StoredBlob | undefined> {
    const known = table.anyBlob(digest);
    if (known) return known;
    for (const name of await view.repositories()) {
      const there = (await view.repository(name)).blobs.get(digest);
      if (there) return there;
    }
    return undefined;
  }

  /**
   * Keeps a manifest, whose blobs must be there, and points tags at it.
   * @param reference a tag or the manifest's digest
   * @param more further tags
   */
  async function putManifest(
    repository: string,
    reference: string,
    bytes: Uint8Array,
    contentType: string | undefined,
    more: readonly string[] = [],
  ): Promise<PutManifest> {
    const algorithm = algorithmOf(reference) ?? 'sha256';
    const digest = digestWith(algorithm, bytes);
    if (!isTag(reference) && digest !== reference) throw new OciError(400, 'DIGEST_INVALID', 'The manifest does not have this digest.');
    const document = readDocument(bytes, contentType);
    const wanted = [...(isTag(reference) ? [reference] : []), ...more];
    const before = await manifest(repository, digest);
    await store.exclusively(async () => {
      const needs = await checkReferences(repository, document);
      checkRoom(repository, wanted);
      const { digest: stored, size } = await store.put(bytes);
      table.putManifest(repository, { digest, stored, size, mediaType: document.mediaType }, document, needs, wanted);
    });
    const versions = new Set(wanted.filter((tag) => isBundle(repository, tag, document)));
    if (document.subject) for (const version of (await view.repository(repository)).versionsOf.get(document.subject.digest) ?? []) versions.add(version);
    return { digest, subject: document.subject?.digest, versions: [...versions], wasThere: before !== undefined };
  }

  /** @throws MANIFEST_BLOB_UNKNOWN, SIZE_INVALID naming what is wrong */
  async function checkReferences(repository: string, document: ManifestDocument): Promise<StoredBlob[]> {
    const needs: StoredBlob[] = [];
    const check = async (reference: Reference, found: StoredBlob | undefined) => {
      const size = found && (await store.size(found.stored));
      if (!found || size === undefined) {
        throw new OciError(404, 'MANIFEST_BLOB_UNKNOWN', 'The manifest names what the repository does not have.', { detail: { digest: reference.digest } });
      }
      if (size !== reference.size) {
        throw new OciError(400, 'SIZE_INVALID', 'The manifest gives another size than the blob has.', { detail: { digest: reference.digest, size } });
      }
      needs.push({ digest: found.digest, stored: found.stored, size: found.size });
    };
    for (const reference of document.blobs) await check(reference, await blob(repository, reference.digest));
    for (const reference of document.manifests) await check(reference, await manifest(repository, reference.digest));
    return needs;
  }

  function checkRoom(repository: string, wanted: readonly string[]): void {
    if (table.manifestCount() >= MAX_KEPT_MANIFESTS) throw new OciError(403, 'DENIED', `The registry keeps at most ${MAX_KEPT_MANIFESTS} manifests.`);
    if (wanted.length > 0 && table.tags(repository).length + wanted.length > MAX_TAGS) {
      throw new OciError(403, 'DENIED', `A repository has at most ${MAX_TAGS} tags.`);
    }
  }

  /** Undoes a manifest that may not become the bundle it says it is. */
  async function takeBack(repository: string, { digest, versions, wasThere }: PutManifest): Promise<void> {
    await store.exclusively(async () => {
      for (const version of versions) if (table.tag(repository, version) === digest) table.untag(repository, version);
      if (!wasThere) table.removeManifest(repository, digest);
    });
  }

  /** Lets go of what has become part of bundles: it is theirs now, and goes when they go. */
  async function settle(repository: string): Promise<void> {
    await store.exclusively(async () => {
      const { tags, manifests, blobs } = await view.repository(repository);
      if (tags.size > 0) table.forget(repository, [...manifests.keys(), ...blobs.keys()], [...tags.keys()]);
    });
  }

  /** A pushed bundle as it lies here, for being taken in. @throws usage.not-pushed */
  async function provider(repository: string, version: string): Promise<BundleProvider> {
    // What was pushed, not the bundle of that name that may be here already.
    const digest = table.tag(repository, version) ?? (await view.repository(repository)).tags.get(version);
    const index = digest === undefined ? undefined : await manifest(repository, digest);
    if (!index) {
      throw new EdgewrightError({ code: 'usage.not-pushed', message: `Nothing was pushed as ${repository}:${version}.`.slice(0, 300), owner: 'usage' });
    }
    return {
      index: { mediaType: index.mediaType, digest: index.digest, size: index.size },
      fetch: (descriptor, { start, signal }) => store.stream(descriptor.digest, { start, signal }),
      referrers: (subject) => lists.allReferrers(repository, subject),
    };
  }

  /** A bundle with all that refers to it, ready to be sent. @throws store.blob-missing, store.blob-altered, usage.unknown-bundle */
  async function content(name: string, version: string): Promise<BundleContent> {
    const bundles = await view.repository(name);
    const root = bundles.tags.get(version);
    const needed = new Map<string, BundleManifest>();
    const blobs = new Map<string, StoredBlob & { path: string }>();
    const visit = async (digest: string): Promise<void> => {
      const entry = needed.has(digest) ? undefined : bundles.manifests.get(digest);
      if (!entry) return;
      const bytes = await store.read(entry.stored, MAX_MANIFEST_BYTES);
      const document = readDocument(bytes, entry.mediaType);
      for (const child of document.manifests) await visit(child.digest);
      needed.set(digest, { ...entry, bytes, document });
      for (const { digest: blobDigest, size } of document.blobs)
        blobs.set(blobDigest, { digest: blobDigest, stored: blobDigest, size, path: store.path(blobDigest) });
      for (const referrer of bundles.referrers.get(digest) ?? []) await visit(referrer.digest);
    };
    if (root !== undefined) await visit(root);
    const index = root === undefined ? undefined : needed.get(root);
    if (!index) {
      throw new EdgewrightError({
        code: 'usage.unknown-bundle',
        message: `There is no bundle ${name}@${version}.`,
        hint: 'edgewright bundle list shows what there is.',
        owner: 'usage',
      });
    }
    needed.delete(index.digest);
    // What refers to something comes after it: some registries list it only then.
    const manifests = [...needed.values()].sort((a, b) => Number(a.document.subject !== undefined) - Number(b.document.subject !== undefined));
    return { index, manifests, blobs: [...blobs.values()].sort((a, b) => a.size - b.size) };
  }

  /** Versions of bundles that a manifest or tag stands for; undefined when it is of no bundle. */
  async function versionsOf(repository: string, reference: string): Promise<string[] | undefined> {
    const bundles = await view.repository(repository);
    if (isTag(reference)) return bundles.tags.has(reference) ? [reference] : undefined;
    if (!bundles.manifests.has(reference)) return undefined;
    return [...bundles.tags].filter(([, index]) => index === reference).map(([version]) => version);
  }

  /** Takes out a tag, or a manifest with the tags on it, that is of no bundle. @returns whether it was there */
  async function removeManifest(repository: string, reference: string): Promise<boolean> {
    // Its bytes, and those only it needed, go with the next collection of garbage.
    return store.exclusively(async () => (isTag(reference) ? table.untag(repository, reference) : table.removeManifest(repository, reference)));
  }

  /** @returns whether it was there @throws UNSUPPORTED while a manifest needs it */
  async function removeBlob(repository: string, digest: string): Promise<boolean> {
    if ((await view.repository(repository)).blobs.has(digest)) throw new OciError(405, 'UNSUPPORTED', 'This blob is part of a bundle; delete the bundle.');
    return store.exclusively(async () => {
      if (table.neededBy(repository, digest) !== undefined) throw new OciError(405, 'UNSUPPORTED', 'A manifest needs this blob; delete the manifest first.');
      return table.unlink(repository, digest);
    });
  }

  return {
    /** The store's folder. */
    dir: store.dir,
    uploads,
    knows,
    blob,
    manifest,
    tags: lists.tags,
    referrers: lists.referrers,
    names: lists.names,
    /** The bytes of a manifest, checked. @throws store.blob-missing, store.blob-altered */
    readManifest: (entry: StoredManifest): Promise<Buffer> => store.read(entry.stored, MAX_MANIFEST_BYTES),
    /** The file of a blob. */
    path: (entry: StoredBlob): string => store.path(entry.stored),
    finishUpload,
    mount,
    putManifest,
    takeBack,
    settle,
    provider,
    content,
    versionsOf,
    removeManifest,
    removeBlob,
    /** Lets go of uploads and blobs that nobody came back for, and of what bundles took up. */
    async sweep(): Promise<void> {
      await uploads.sweep();
      for (const repository of await view.repositories()) if (table.knows(repository)) await settle(repository);
      await store.exclusively(async () => table.expire(clock.now() - UNUSED_BLOB_MS));
    },
    close: (): void => table.close(),
  };
}

/** Whether a manifest pushed under this tag claims to be the bundle of that name and version. */
function isBundle(repository: string, tag: string, { mediaType, annotations }: ManifestDocument): boolean {
  const named = annotations[NAME_ANNOTATION] === repository && annotations[VERSION_ANNOTATION] === tag;
  return mediaType === INDEX_TYPE && named && NameSchema.safeParse(repository).success && VersionSchema.safeParse(tag).success;
}
