/**
 * The one way a store changes: blobs first, then index.json, which is the single point after which a change exists, then the
 * catalogue, which follows from both. Whatever fails before that point is undone; whatever is cut off leaves blobs that
 * nothing lists.
 */
import { rm } from 'node:fs/promises';
import { withReader } from '#core/onnx';
import type { Keyring, TrustList } from '#core/trust';
import { asEdgewrightError, type InspectResult } from '#contract';
import type { BundleRecord, Catalogue } from './catalogue.ts';
import { bundleName, describeBundle, indexDigestOf, isEntryOf } from './describe.ts';
import { inListOrder } from './entries.ts';
import { type Descriptor, type Document, SUBJECT } from './oci.ts';
import type { Staged } from './ingest.ts';
import { stageDocument } from './staging.ts';
import type { BlobStore } from './store.ts';

export interface RegistryParts {
  store: BlobStore;
  catalogue: Catalogue;
  keyring: Keyring;
  /** Whose signatures count. */
  trust: Pick<TrustList, 'anchors'>;
}

export interface Change {
  /** What index.json lists now. */
  entries: readonly Descriptor[];
  /** The OCI index of the bundle as it is to be. */
  index: Document;
  files: readonly Staged[];
  documents: readonly Document[];
  /** Signatures, and whatever else refers to its variants, to be listed. */
  signatures: readonly Descriptor[];
  /** Manifests of variants that the new index no longer lists. */
  replaced: readonly string[];
  facts: InspectResult | undefined;
}

/** Takes a new or changed bundle in. Call it within `store.exclusively`. */
export async function commitBundle({ store, catalogue, trust }: RegistryParts, change: Change): Promise<void> {
  const id = bundleName(change.index.descriptor);
  if (!id) throw new Error('the index names no bundle');
  const before = catalogue.find(id.name, id.version);
  const entries = inListOrder([
    ...change.entries.filter(
      (entry) =>
        !isEntryOf(entry, id) && !change.replaced.includes(entry.annotations?.[SUBJECT] ?? '') && !change.signatures.some((one) => one.digest === entry.digest),
    ),
    change.index.descriptor,
    ...change.signatures,
  ]);
  const staged: Staged[] = [...change.files];
  const added: string[] = [];
  try {
    // Side by side, since the disk takes many small files in one go.
    const documents = await Promise.allSettled([...change.documents, change.index].map((document) => stageDocument(store, document)));
    staged.push(...documents.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])));
    const failed = documents.find((one) => one.status === 'rejected');
    if (failed) throw asEdgewrightError(failed.reason);
    for (const { digest } of staged) if (!(await store.has(digest))) added.push(digest);
    await store.adopt(staged);
    await store.writeIndex(entries);
    const record = await withReader((reader) => describeBundle(store, change.index.descriptor, trust.anchors(), entries, change.facts ?? reader));
    catalogue.apply({ put: [record], indexDigest: indexDigestOf(entries) });
  } catch (error) {
    await undo(store, change.entries, added);
    throw error;
  } finally {
    for (const { path } of staged) await rm(path, { force: true });
  }
  if (before) await dropUnneeded(store, catalogue, digestsOf(before));
}

function digestsOf(record: BundleRecord): string[] {
  return [...record.variants.flatMap((v) => v.closure), ...record.closure].map((entry) => entry.digest);
}

/** Puts the old list back and removes what was added. Best effort: what cannot be undone now is a whole bundle, or blobs nobody lists. */
async function undo(store: BlobStore, entries: readonly Descriptor[], added: readonly string[]): Promise<void> {
  try {
    if (indexDigestOf(await store.readIndex()) !== indexDigestOf(entries)) await store.writeIndex(entries);
    for (const digest of added) await store.remove(digest);
  } catch {
    // The disk is full or failing; the error that brought us here is the one to report.
  }
}

/** Takes a bundle out: first the list, then what only it needed. Call it within `store.exclusively`. @returns bytes freed */
export async function commitRemoval(
  { store, catalogue }: RegistryParts,
  current: readonly Descriptor[],
  id: { name: string; version: string },
): Promise<number> {
  const record = catalogue.find(id.name, id.version);
  const manifests = record?.variants.map((v) => v.variant.digest) ?? [];
  const entries = current.filter((entry) => !isEntryOf(entry, id) && !manifests.includes(entry.annotations?.[SUBJECT] ?? ''));
  await store.writeIndex(entries);
  catalogue.apply({ drop: [id], indexDigest: indexDigestOf(entries) });
  return dropUnneeded(store, catalogue, record ? digestsOf(record) : []);
}

/** What is listed no longer is gone for everyone already, so a blob that cannot be deleted now is left for collectGarbage. */
async function dropUnneeded(store: BlobStore, catalogue: Catalogue, digests: readonly string[]): Promise<number> {
  let freed = 0;
  for (const digest of new Set(digests)) if (!catalogue.needs(digest)) freed += await store.remove(digest).catch(() => 0);
  return freed;
}
