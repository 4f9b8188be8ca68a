/**
 * A variant read back from a store alone, as an agent does: everything it says is checked against what is signed, and its
 * files are laid out only after their digests were checked.
 */
import { link, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Variant } from '#contract';
import { ensureDir, fsyncDir } from '#core/platform';
import { BUNDLE_MEDIA_TYPE, MAX_SIGNATURE_BYTES, type VerifiedSignature, verifySignature } from '#core/trust';
import { altered } from './errors.ts';
import { writeHashed } from './ingest.ts';
import { MAX_BLOB_BYTES, MAX_MANIFEST_BYTES, MAX_SOURCE_BYTES } from './limits.ts';
import { type LayerFile, parseVariantFile, RoleSchema } from './manifest.ts';
import { CREATED, type Descriptor, FILE_PATH, MODEL_ARTIFACT_TYPE, type OciManifest, parseManifest, ROLE, SUBJECT } from './oci.ts';
import { checkApart, pathProblem, SOURCE_FILE, VARIANT_FILE } from './paths.ts';
import { type BundleSource, parseSource } from './source-schema.ts';
import type { Role } from './source.ts';
import { alteredBlob, type BlobStore, missing } from './store.ts';

/** Data that stays where trials are run: a device never gets it. */
export const NOT_FOR_DEVICES: readonly Role[] = ['calibration', 'test'];

export interface ResolvedBundle {
  name: string;
  version: string;
  /** The OCI index of name@version; for a variant read from a store alone, its manifest. */
  digest: string;
  variant: Variant;
  manifest: OciManifest;
  /** edgewright.yaml. */
  source: BundleSource;
  /** By path inside the bundle. */
  files: Map<string, LayerFile>;
  /**
   * Lays the files out by name in `dir`, checking every digest: hard links where the file system can, copies elsewhere. The
   * files are read-only. Files only a workspace has are left out where they are missing.
   * @throws store.blob-missing, store.blob-altered
   */
  materialize(dir: string, options?: { roles?: readonly Role[]; signal?: AbortSignal }): Promise<void>;
}

/**
 * Reads a variant by the digest of its manifest. `variant.signed` is false here: call verifyVariantSignature to know.
 * @throws bundle.manifest-*, bundle.variant-* (owner trust) when it contradicts itself; store.blob-* when parts are missing
 */
export async function readBundleManifest(store: BlobStore, manifestDigest: string): Promise<ResolvedBundle> {
  const manifest = parseManifest(await store.read(manifestDigest, MAX_MANIFEST_BYTES));
  const files = layerFiles(manifest);
  const read = (path: string) => store.read(fileNamed(files, path).digest, MAX_MANIFEST_BYTES);
  return assemble(store, manifestDigest, manifest, await read(SOURCE_FILE), await read(VARIANT_FILE));
}

/** The same from documents that are at hand already. */
export function assemble(store: BlobStore, digest: string, manifest: OciManifest, sourceText: Buffer, variantText: Buffer): ResolvedBundle {
  const files = layerFiles(manifest);
  const self = parseVariantFile(variantText);
  if (sourceText.length > MAX_SOURCE_BYTES) throw altered('bundle.variant-malformed', `${SOURCE_FILE} of a bundle is too large.`);
  const source = parseSource(sourceText.toString('utf8'));
  if (source.name !== self.name || source.version !== self.version) {
    throw altered('bundle.variant-malformed', 'A bundle is put together from parts of two.', {
      expected: `${source.name}@${source.version}`,
      found: `${self.name}@${self.version}`,
    });
  }
  const said = new Map(self.files.map((file) => [file.path, file.role]));
  for (const file of files.values()) {
    if (file.path !== VARIANT_FILE && said.get(file.path) !== file.role)
      throw altered('bundle.variant-malformed', `The manifest gives ${file.path} a role that is not the signed one.`);
  }
  if (said.size !== files.size - 1) throw altered('bundle.variant-malformed', 'The manifest lacks a file that is signed.');
  if (fileNamed(files, source.model).role !== 'model') throw altered('bundle.variant-malformed', 'The manifest has no model.');
  const all = [...files.values()];
  return {
    name: self.name,
    version: self.version,
    digest,
    variant: {
      name: self.variant,
      digest,
      bytes: all.filter((file) => file.role === 'model' || file.role === 'weights').reduce((sum, file) => sum + file.bytes, 0),
      precision: self.precision,
      ...(self.quantization !== undefined && { quantization: self.quantization }),
      signed: false,
      createdAt: Date.parse(manifest.annotations?.[CREATED] ?? '') || 0,
    },
    manifest,
    source,
    files,
    materialize: (dir, options = {}) => materialize(store, all, dir, options),
  };
}

/** @throws bundle.variant-malformed when it has no such file */
export function fileNamed(files: ReadonlyMap<string, LayerFile>, path: string): LayerFile {
  const file = files.get(path);
  if (!file) throw altered('bundle.variant-malformed', `A bundle lacks its ${path}.`);
  return file;
}

/** The layers as files, each checked to be one that may stand in a bundle. */
export function layerFiles(manifest: OciManifest): Map<string, LayerFile> {
  if (manifest.artifactType !== MODEL_ARTIFACT_TYPE) {
    throw altered('bundle.not-a-model', 'This manifest is not one of a model.', { expected: MODEL_ARTIFACT_TYPE, found: manifest.artifactType ?? 'none' });
  }
  const files = manifest.layers.map((descriptor) => {
    const path = descriptor.annotations?.[FILE_PATH] ?? '';
    const role = RoleSchema.safeParse(descriptor.annotations?.[ROLE]);
    const problem = path === VARIANT_FILE ? undefined : pathProblem(path);
    if (problem !== undefined || !role.success)
      throw altered('bundle.manifest-malformed', `A layer cannot be laid out: its path ${problem ?? 'has no known role'}.`);
    return { path, role: role.data, digest: descriptor.digest, bytes: descriptor.size };
  });
  checkApart(files.map((file) => file.path));
  return new Map(files.map((file) => [file.path, file]));
}

async function materialize(
  store: BlobStore,
  files: readonly LayerFile[],
  dir: string,
  options: { roles?: readonly Role[]; signal?: AbortSignal },
): Promise<void> {
  const folders = new Set([dir]);
  await ensureDir(dir);
  for (const file of files) {
    if (options.roles && !options.roles.includes(file.role)) continue;
    if (!(await store.has(file.digest))) {
      if (NOT_FOR_DEVICES.includes(file.role)) continue;
      throw missing(file.digest);
    }
    const target = join(dir, file.path);
    await ensureDir(dirname(target));
    folders.add(dirname(target));
    await rm(target, { force: true });
    await layOut(store, file, target, options.signal);
  }
  for (const folder of folders) await fsyncDir(folder);
}

async function layOut(store: BlobStore, file: LayerFile, target: string, signal: AbortSignal | undefined): Promise<void> {
  try {
    await link(store.path(file.digest), target);
  } catch {
    // Another file system, or one without hard links: a copy is hashed as it is made.
    await writeHashed(store.stream(file.digest, signal ? { signal } : {}), target, { digest: file.digest, maxBytes: MAX_BLOB_BYTES }, { signal });
    return;
  }
  if (await store.verify(file.digest, signal)) return;
  await rm(target, { force: true });
  throw alteredBlob(file.digest);
}

/** A signature as stored: the manifest that refers to the variant, and the Sigstore bundle in it. */
export interface StoredSignature {
  manifestDigest: string;
  manifest: OciManifest;
  /** Digest of the Sigstore bundle. */
  bundleDigest: string;
}

/**
 * The signatures that refer to a variant.
 * @param candidates digests to look at, such as those a deployment brought; otherwise what the store's index lists
 */
export async function findSignatures(store: BlobStore, manifestDigest: string, candidates?: readonly string[]): Promise<StoredSignature[]> {
  const digests = candidates ?? signatureCandidates(await store.readIndex(), manifestDigest);
  const found: StoredSignature[] = [];
  for (const digest of digests) {
    const manifest = await signatureManifest(store, digest);
    const bundle = manifest?.layers[0];
    if (manifest?.subject?.digest === manifestDigest && bundle?.mediaType === BUNDLE_MEDIA_TYPE)
      found.push({ manifestDigest: digest, manifest, bundleDigest: bundle.digest });
  }
  return found;
}

/** The entries of a store's index that may be signatures of this variant: we note what they refer to, others may not. */
export function signatureCandidates(entries: readonly Descriptor[], manifestDigest: string): string[] {
  return entries
    .filter((entry) => entry.artifactType === BUNDLE_MEDIA_TYPE && (entry.annotations?.[SUBJECT] ?? manifestDigest) === manifestDigest)
    .map((entry) => entry.digest);
}

/** Largest manifest of a signature, in bytes: it has one layer. */
const MAX_SIGNATURE_MANIFEST_BYTES = 64 * 1024;

async function signatureManifest(store: BlobStore, digest: string): Promise<OciManifest | undefined> {
  const size = await store.size(digest);
  if (size === undefined || size > MAX_SIGNATURE_MANIFEST_BYTES) return undefined;
  const bytes = await store.read(digest, MAX_SIGNATURE_MANIFEST_BYTES);
  try {
    const manifest = parseManifest(bytes);
    return manifest.artifactType === BUNDLE_MEDIA_TYPE ? manifest : undefined;
  } catch {
    // A candidate may be any blob: recipes and labels are no manifests.
    return undefined;
  }
}

/**
 * Checks that someone trusted signed exactly the files this variant's manifest lists.
 * @throws trust.unsigned, trust.signature-*, trust.files-differ
 */
export async function verifyVariantSignature(
  store: BlobStore,
  manifestDigest: string,
  publicKeysPem: readonly string[],
  candidates?: readonly string[],
): Promise<VerifiedSignature> {
  const files = [...layerFiles(parseManifest(await store.read(manifestDigest, MAX_MANIFEST_BYTES))).values()].map(({ path, digest }) => ({
    name: path,
    digest,
  }));
  let failure: unknown = altered('trust.unsigned', 'The variant is not signed.', { hint: 'Build it in a workspace you trust, which signs it.' });
  for (const signature of await findSignatures(store, manifestDigest, candidates)) {
    try {
      return verifySignature(await store.read(signature.bundleDigest, MAX_SIGNATURE_BYTES), publicKeysPem, files);
    } catch (error) {
      // Another signature may be by someone trusted.
      failure = error;
    }
  }
  throw failure;
}
