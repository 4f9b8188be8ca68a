/**
 * A variant read back from a store alone, as an agent does: everything it says is checked against what is signed, and its
 * files are laid out only after their digests were checked.
 */
import { link, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Variant } from '#contract';
import { ensureDir, fsyncDir } from '#core/platform';
import { altered } from './errors.ts';
import { writeHashed } from './ingest.ts';
import { MAX_BLOB_BYTES, MAX_MANIFEST_BYTES, MAX_SOURCE_BYTES } from './limits.ts';
import type { LayerFile } from './layer-file.ts';
import { parseVariantFile, RoleSchema } from './manifest.ts';
import { CREATED, FILE_PATH, MODEL_ARTIFACT_TYPE, type OciManifest, parseManifest, ROLE } from './oci.ts';
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
