/** Bundles: their format, the content store they live in, the catalogue of what there is. */
export { type BuildOptions, type NewVariant } from './build.ts';
export { type Admit, type Candidate } from './candidate.ts';
export { type Catalogue, type ClosureEntry, openCatalogue } from './catalogue.ts';
export { bundleName } from './describe.ts';
export { digestOf } from './digests.ts';
export { MAX_BLOB_BYTES, MAX_MANIFEST_BYTES } from './limits.ts';
export type { LayerFile } from './layer-file.ts';
export {
  type Descriptor,
  INDEX_TYPE,
  MANIFEST_TYPE,
  NAME as NAME_ANNOTATION,
  type OciManifest,
  SUBJECT as SUBJECT_ANNOTATION,
  VERSION as VERSION_ANNOTATION,
} from './oci.ts';
export { SOURCE_FILE } from './paths.ts';
export { parseByteSize, parseDurationMs } from './quantities.ts';
export type { BundleProvider } from './provider.ts';
export { parseRef, type Ref } from './refs.ts';
export type { ReceiveOptions } from './receive.ts';
export { recipeFilesIn } from './recipe-files.ts';
export { openRegistry, type Registry } from './registry.ts';
export { type BundleFolder, readBundleSource, type Role, type SourceFile } from './source.ts';
export { type BundleSource, parseSource } from './source-schema.ts';
export type { Progress } from './staging.ts';
export type { Blob } from './ingest.ts';
export { type BlobStore, openStore, type PutOptions } from './store.ts';
export type { BomMetric } from './bom.ts';
export { verifyVariantBom } from './attachments.ts';
export { findReferrers, type Referrer } from './referrers.ts';
export { verifyVariantSignature } from './signatures.ts';
export { NOT_FOR_DEVICES, readBundleManifest, type ResolvedBundle } from './variant.ts';
export { scanTar, type TarEntry } from './archive/tar-read.ts';
export { tarSize, tarStream } from './archive/tar-write.ts';
export { padding as tarPadding, readHeader as readTarHeader, TAR_BLOCK } from './archive/tar-header.ts';
