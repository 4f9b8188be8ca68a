/**
 * From blobs to catalogue rows: what a bundle is, who signed it, which blobs it needs. A fresh build and a rebuild of the
 * catalogue go the same way, so that a row never says more than the blobs prove.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { asEdgewrightError, type InspectResult, NameSchema, VersionSchema } from '#contract';
import { ModelReader, withReader } from '#core/onnx';
import type { TrustAnchors } from '#core/trust';
import { judgeReferrers } from './attachments.ts';
import type { BundleRecord, Catalogue, ClosureEntry, VariantRecord } from './catalogue.ts';
import { digestOf } from './digests.ts';
import { splitIndex } from './entries.ts';
import { altered } from './errors.ts';
import { MAX_MANIFEST_BYTES, MAX_VARIANTS } from './limits.ts';
import { CREATED, type Descriptor, INDEX_TYPE, parseIndex, parseManifest, REF_NAME, SUBJECT, VARIANT } from './oci.ts';
import { SOURCE_FILE, VARIANT_FILE } from './paths.ts';
import type { Options } from './staging.ts';
import type { BlobStore } from './store.ts';
import { findReferrers, referrerCandidates } from './referrers.ts';
import { judgeSignatures } from './signatures.ts';
import { rejudge, signerOf, trustProblem } from './standing.ts';
import { assemble, fileNamed, layerFiles } from './variant.ts';

/** `name@version` of an entry of index.json that is a bundle; undefined for signatures and for what others put there. */
export function bundleName(entry: Descriptor): { name: string; version: string } | undefined {
  const [name, version] = (entry.annotations?.[REF_NAME] ?? '').split('@');
  const ours = entry.mediaType === INDEX_TYPE && NameSchema.safeParse(name).success && VersionSchema.safeParse(version).success;
  return ours && name !== undefined && version !== undefined ? { name, version } : undefined;
}

/** Whether an entry of index.json is this bundle's. */
export function isEntryOf(entry: Descriptor, id: { name: string; version: string }): boolean {
  const named = bundleName(entry);
  return named?.name === id.name && named.version === id.version;
}

/**
 * Describes a bundle. What is missing or altered does not make it fail: it makes the bundle `incomplete` or `quarantined`,
 * with the reason, so that it stays visible.
 * @param entries what the store lists, signatures among it
 * @param facts what inspecting the first variant's model gave, or who is to inspect it
 */
export async function describeBundle(
  store: BlobStore,
  entry: Descriptor,
  anchors: TrustAnchors,
  entries: readonly Descriptor[],
  facts: InspectResult | ModelReader,
): Promise<BundleRecord> {
  const id = bundleName(entry);
  if (!id) throw altered('bundle.manifest-malformed', 'An entry of the store names no bundle.');
  const record: BundleRecord = {
    ...id,
    digest: entry.digest,
    createdAt: Date.parse(entry.annotations?.[CREATED] ?? '') || 0,
    state: 'sound',
    variants: [],
    closure: [{ digest: entry.digest, size: entry.size, role: 'index', path: '', mediaType: INDEX_TYPE }],
  };
  try {
    const { variants } = splitIndex(parseIndex(await store.read(entry.digest, MAX_MANIFEST_BYTES)));
    if (variants.length === 0 || variants.length > MAX_VARIANTS) throw altered('bundle.manifest-malformed', `The bundle lists ${variants.length} variants.`);
    for (const descriptor of variants)
      record.variants.push(await describeVariant(store, descriptor, id, anchors, referrerCandidates(entries, descriptor.digest)));
    const problem = trustProblem(record.variants);
    if (problem) Object.assign(record, { state: 'quarantined', stateReason: problem.reason, stateCode: problem.code });
    await checkPresent(store, record);
    record.facts = facts instanceof ModelReader ? await inspectFirst(store, record, facts) : facts;
  } catch (error) {
    const problem = asEdgewrightError(error);
    if (problem.owner === 'cancelled' || (problem.owner === 'machine' && problem.code !== 'store.blob-missing')) throw error;
    const state = problem.code === 'store.blob-missing' ? 'incomplete' : 'quarantined';
    Object.assign(record, { state, stateReason: problem.message, stateCode: problem.code });
  }
  return record;
}

async function describeVariant(
  store: BlobStore,
  descriptor: Descriptor,
  id: { name: string; version: string },
  anchors: TrustAnchors,
  candidates: readonly string[],
): Promise<VariantRecord> {
  const manifestBytes = await store.read(descriptor.digest, MAX_MANIFEST_BYTES);
  const manifest = parseManifest(manifestBytes);
  const files = layerFiles(manifest);
  const source = await store.read(fileNamed(files, SOURCE_FILE).digest, MAX_MANIFEST_BYTES);
  const self = await store.read(fileNamed(files, VARIANT_FILE).digest, MAX_MANIFEST_BYTES);
  const resolved = assemble(store, descriptor.digest, manifest, source, self);
  const said = descriptor.annotations?.[VARIANT];
  if (resolved.name !== id.name || resolved.version !== id.version || (said !== undefined && said !== resolved.variant.name)) {
    throw altered('bundle.variant-malformed', `A variant is listed under a name that is not its own.`, {
      expected: `${id.name}@${id.version}#${said ?? ''}`,
      found: `${resolved.name}@${resolved.version}#${resolved.variant.name}`,
    });
  }
  const signatures = await judgeSignatures(store, descriptor.digest, anchors, candidates);
  const signer = signerOf(signatures);
  const closure: ClosureEntry[] = [
    { digest: descriptor.digest, size: manifestBytes.length, role: 'manifest', path: '', mediaType: descriptor.mediaType },
    { digest: manifest.config.digest, size: manifest.config.size, role: 'config', path: '', mediaType: manifest.config.mediaType },
    ...[...files.values()].map((file, i) => ({
      digest: file.digest,
      size: file.bytes,
      role: file.role,
      path: file.path,
      mediaType: manifest.layers[i]?.mediaType ?? '',
    })),
  ];
  const referrers = await findReferrers(store, descriptor.digest, candidates);
  const subject = { ...id, digest: descriptor.digest, files: [...files.values()] };
  const attached = await judgeReferrers(subject, referrers, anchors, (digest, maxBytes) => store.read(digest, maxBytes));
  for (const { kind, digest, size, manifest: referrer } of referrers) {
    closure.push({ digest, size, role: kind, path: '', mediaType: descriptor.mediaType });
    for (const part of [referrer.config, ...referrer.layers])
      closure.push({ digest: part.digest, size: part.size, role: kind, path: '', mediaType: part.mediaType });
  }
  return {
    variant: { ...resolved.variant, signed: signer !== undefined },
    ...(signer !== undefined && { signer }),
    signatures,
    attached,
    manifest: manifestBytes,
    source,
    self,
    closure,
  };
}

/** Presence and size only: reading every byte is what `verify` is for. */
async function checkPresent(store: BlobStore, record: BundleRecord): Promise<void> {
  for (const { digest, size } of record.variants.flatMap((v) => v.closure)) {
    const there = await store.size(digest);
    if (there !== size)
      Object.assign(record, {
        state: 'incomplete',
        stateCode: there === undefined ? 'store.blob-missing' : 'store.blob-altered',
        stateReason: there === undefined ? `The store lacks ${digest}.` : `${digest} has ${there} bytes instead of ${size}.`,
      });
  }
}

async function inspectFirst(store: BlobStore, record: BundleRecord, reader: ModelReader): Promise<InspectResult | undefined> {
  const first = record.variants[0];
  return first && record.state === 'sound' ? inspectVariant(store, first, reader) : undefined;
}

/** What is known of a stored variant's model. @throws what laying it out and reading it throws */
export async function inspectVariant(store: BlobStore, variant: VariantRecord, reader: ModelReader): Promise<InspectResult> {
  const resolved = assemble(store, variant.variant.digest, parseManifest(variant.manifest), variant.source, variant.self);
  const folder = await store.stagingFolder();
  try {
    await resolved.materialize(folder, { roles: ['model', 'weights'] });
    return await reader.ask('inspect', { path: join(folder, resolved.source.model) });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Names a state of index.json. */
export function indexDigestOf(entries: readonly Descriptor[]): string {
  return digestOf(JSON.stringify(entries));
}

/** Bundles whose index is the one the catalogue knows, while something else refers to their variants: cut off between the two. */
function referrersChanged(entries: readonly Descriptor[], catalogue: Catalogue): ReadonlySet<string> {
  const listed = new Map<string, string[]>();
  for (const { digest, annotations } of entries) {
    const subject = annotations?.[SUBJECT];
    if (subject !== undefined) listed.set(subject, [...(listed.get(subject) ?? []), digest]);
  }
  const changed = catalogue.referrers().filter(({ subject, digests }) => [...(listed.get(subject) ?? [])].sort().join() !== [...digests].sort().join());
  return new Set(changed.map(({ bundle }) => bundle));
}

/** How many bundles are written to the catalogue at once: enough to be quick, few enough to be held. */
const BATCH = 200;

/**
 * Brings the catalogue in line with index.json and with who is trusted. Call it within `store.exclusively`. Cut off, it goes
 * on where it was the next time.
 * @returns the entries of index.json
 */
export async function reconcile(store: BlobStore, catalogue: Catalogue, anchors: TrustAnchors, options: Options = {}): Promise<Descriptor[]> {
  const entries = await store.readIndex();
  const indexDigest = indexDigestOf(entries);
  const sameTrust = catalogue.trustDigest() === anchors.digest;
  if (sameTrust && catalogue.indexDigest() === indexDigest) return entries;
  const listed = new Set<string>();
  const changed = referrersChanged(entries, catalogue);
  let put: BundleRecord[] = [];
  await withReader(async (reader) => {
    for (const [i, entry] of entries.entries()) {
      options.signal?.throwIfAborted();
      const id = bundleName(entry);
      if (!id || listed.has(`${id.name}@${id.version}`)) continue;
      listed.add(`${id.name}@${id.version}`);
      const known = catalogue.digestOf(id.name, id.version);
      if (known !== entry.digest) {
        options.onProgress?.({ step: `Looking at ${id.name}@${id.version}`, fraction: i / entries.length });
        put.push(await describeBundle(store, entry, anchors, entries, reader));
      } else if (changed.has(`${id.name}@${id.version}`)) {
        const facts = catalogue.find(id.name, id.version)?.facts;
        put.push(await describeBundle(store, entry, anchors, entries, facts ?? reader));
      } else if (!sameTrust) {
        const record = catalogue.find(id.name, id.version);
        if (record) put.push(await rejudge(store, record, anchors, (digest) => referrerCandidates(entries, digest)));
      }
      if (put.length < BATCH) continue;
      // The rows follow from no list yet, so whoever opens the catalogue meanwhile goes on here.
      catalogue.apply({ put, indexDigest: '' });
      put = [];
    }
  });
  const drop = catalogue.list().filter((bundle) => !listed.has(`${bundle.name}@${bundle.version}`));
  catalogue.apply({ put, drop, indexDigest, trustDigest: anchors.digest });
  return entries;
}
