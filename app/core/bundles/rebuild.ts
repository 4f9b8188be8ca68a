/**
 * Making index.json again from the blobs. Every blob may be anything, also a file of somebody's bundle that only looks like
 * a list, so of several that claim one name the best proven one counts, and what nobody trusted signed counts only when it
 * is nobody's file.
 */
import { rename } from 'node:fs/promises';
import { asEdgewrightError } from '#contract';
import { withReader } from '#core/onnx';
import type { BundleRecord } from './catalogue.ts';
import type { RegistryParts } from './commit.ts';
import { describeBundle } from './describe.ts';
import { bundleEntry, inListOrder, referrerEntry } from './entries.ts';
import { MAX_LISTED, MAX_MANIFEST_BYTES, MAX_REFERRERS } from './limits.ts';
import { type Descriptor, INDEX_TYPE, MANIFEST_TYPE, type OciManifest, parseIndex, parseManifest, SUBJECT } from './oci.ts';
import type { VerifyOptions } from './verify.ts';

/** Whether index.json can be read. */
export async function isListReadable({ store }: Pick<RegistryParts, 'store'>): Promise<boolean> {
  try {
    await store.readIndex();
    return true;
  } catch (error) {
    if (['store.index-missing', 'store.index-altered', 'input.too-large'].includes(asEdgewrightError(error).code)) return false;
    throw error;
  }
}

/**
 * Replaces a lost or damaged index.json by what the blobs prove; the damaged one is put aside. Call it within
 * `store.exclusively`. @returns what index.json lists now, and the catalogue's records of it
 */
export async function restoreList({ store, trust }: RegistryParts, options: VerifyOptions): Promise<{ entries: Descriptor[]; records: BundleRecord[] }> {
  const found = await readDocuments({ store }, options);
  const chosen = new Map<string, Restored>();
  await withReader(async (reader) => {
    for (const { entry, lists } of found.indexes) {
      options.signal?.throwIfAborted();
      // Among many that refer to a variant, those that the bundle's index names come first: anybody can refer to anything.
      const named = (one: Descriptor) => Number(lists.includes(one.digest));
      const referrers = lists.flatMap((digest) => (found.referrers.get(digest) ?? []).toSorted((a, b) => named(b) - named(a)).slice(0, MAX_REFERRERS));
      const record = await describeBundle(store, entry, trust.anchors(), referrers, reader);
      const ref = `${record.name}@${record.version}`;
      if (record.variants.length === 0 || (!isSigned(record) && found.files.has(entry.digest))) continue;
      const rival = chosen.get(ref);
      if (!rival || isBetter(record, rival.record)) chosen.set(ref, { entry, referrers, record });
    }
  });
  const entries = inListOrder([...chosen.values()].flatMap(({ entry, referrers }) => [entry, ...referrers]));
  const aside = `${store.indexFile}.damaged`;
  await rename(store.indexFile, aside).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  });
  await store.writeIndex(entries);
  return { entries, records: [...chosen.values()].map(({ record }) => record) };
}

interface Restored {
  entry: Descriptor;
  referrers: Descriptor[];
  record: BundleRecord;
}

interface Found {
  /** What may be bundles, as index.json would list them, and the manifests that each lists. */
  indexes: { entry: Descriptor; lists: string[] }[];
  /** What refers to a manifest, by its digest. */
  referrers: Map<string, Descriptor[]>;
  /** Digests of what some manifest lists as a file of its own. */
  files: Set<string>;
}

async function readDocuments({ store }: Pick<RegistryParts, 'store'>, options: VerifyOptions): Promise<Found> {
  const found: Found = { indexes: [], referrers: new Map(), files: new Set() };
  const blobs: Descriptor[] = [];
  for await (const { digest, size } of store.list()) if (size <= MAX_MANIFEST_BYTES) blobs.push({ mediaType: '', digest, size });
  blobs.sort((a, b) => (a.digest < b.digest ? -1 : 1));
  for (const [i, { digest, size }] of blobs.entries()) {
    options.signal?.throwIfAborted();
    options.onProgress?.({ step: 'Looking through what is stored', fraction: i / blobs.length });
    const bytes = await store.read(digest).catch((): undefined => undefined);
    if (!bytes?.includes('"schemaVersion"')) continue;
    const index = orNothing(() => parseIndex(bytes));
    const entry = index?.mediaType === INDEX_TYPE ? bundleEntry(digest, size, index) : undefined;
    if (index && entry) found.indexes.push({ entry, lists: index.manifests.slice(0, MAX_LISTED).map((one) => one.digest) });
    const manifest = orNothing(() => parseManifest(bytes));
    if (manifest?.mediaType === MANIFEST_TYPE) noteManifest(found, digest, size, manifest);
  }
  return found;
}

function noteManifest(found: Found, digest: string, size: number, manifest: OciManifest): void {
  for (const part of [manifest.config, ...manifest.layers]) found.files.add(part.digest);
  const entry = referrerEntry(digest, size, manifest);
  const subject = entry?.annotations[SUBJECT];
  if (entry && subject !== undefined) found.referrers.set(subject, [...(found.referrers.get(subject) ?? []), entry]);
}

/** Whether somebody trusted signed every variant; then it is what it says, whoever else's file it may be. */
function isSigned(record: BundleRecord): boolean {
  return record.variants.every((variant) => variant.signer !== undefined);
}

const STANDING: Record<BundleRecord['state'], number> = { sound: 2, quarantined: 1, incomplete: 0 };

/** Signed before others, sound before others, then the one with more variants, then the one with the newest variant. */
function isBetter(one: BundleRecord, other: BundleRecord): boolean {
  const rank = (record: BundleRecord) => [
    Number(isSigned(record)),
    STANDING[record.state],
    record.variants.length,
    Math.max(...record.variants.map((v) => v.variant.createdAt)),
  ];
  const [a, b] = [rank(one), rank(other)];
  for (const [i, value] of a.entries()) if (value !== b[i]) return value > (b[i] ?? 0);
  return one.digest > other.digest;
}

function orNothing<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
