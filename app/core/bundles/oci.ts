/** OCI image-spec documents as we write and accept them, and the ModelPack and Sigstore names we use in them. */
import { z } from 'zod';
import { DigestSchema } from '#contract';
import { digestOf } from './digests.ts';
import { altered } from './errors.ts';
import { MAX_BLOB_BYTES, MAX_FILES } from './limits.ts';

export const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
export const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';
/** The two characters `{}`: the config of a manifest that needs none. */
export const EMPTY_TYPE = 'application/vnd.oci.empty.v1+json';
export const EMPTY_JSON = Buffer.from('{}');

/** CNCF ModelPack. */
export const MODEL_ARTIFACT_TYPE = 'application/vnd.cncf.model.manifest.v1+json';
export const MODEL_CONFIG_TYPE = 'application/vnd.cncf.model.config.v1+json';
export const WEIGHT_LAYER = 'application/vnd.cncf.model.weight.v1.raw';
export const WEIGHT_CONFIG_LAYER = 'application/vnd.cncf.model.weight.config.v1.raw';
/** CycloneDX, as JSON. */
export const BOM_TYPE = 'application/vnd.cyclonedx+json';
export const DATASET_LAYER = 'application/vnd.cncf.model.dataset.v1.raw';

/** Annotations. */
export const REF_NAME = 'org.opencontainers.image.ref.name';
export const CREATED = 'org.opencontainers.image.created';
export const TITLE = 'org.opencontainers.image.title';
export const FILE_PATH = 'org.cncf.model.filepath';
export const FILE_METADATA = 'org.cncf.model.file.metadata+json';
export const ROLE = 'dev.edgewright.role';
export const NAME = 'dev.edgewright.name';
export const VERSION = 'dev.edgewright.version';
export const VARIANT = 'dev.edgewright.variant';
export const PRECISION = 'dev.edgewright.precision';
export const QUANTIZATION = 'dev.edgewright.quantization';
/** In index.json, beside a signature: the digest it refers to, so that finding it opens no other. */
export const SUBJECT = 'dev.edgewright.subject';
export const SIGNATURE_CONTENT = 'dev.sigstore.bundle.content';
export const SIGNATURE_PREDICATE = 'dev.sigstore.bundle.predicateType';

const Annotations = z.record(z.string(), z.string());
const Size = z.number().int().min(0).max(MAX_BLOB_BYTES);

const DescriptorSchema = z.looseObject({
  mediaType: z.string().min(1).max(255),
  digest: DigestSchema,
  size: Size,
  artifactType: z.string().max(255).optional(),
  annotations: Annotations.optional(),
});
export type Descriptor = z.infer<typeof DescriptorSchema>;

const ManifestSchema = z.looseObject({
  schemaVersion: z.literal(2),
  mediaType: z.literal(MANIFEST_TYPE),
  artifactType: z.string().max(255).optional(),
  config: DescriptorSchema,
  layers: z.array(DescriptorSchema).max(MAX_FILES + 1),
  subject: DescriptorSchema.optional(),
  annotations: Annotations.optional(),
});
export type OciManifest = z.infer<typeof ManifestSchema>;

const IndexSchema = z.looseObject({
  schemaVersion: z.literal(2),
  mediaType: z.literal(INDEX_TYPE).optional(),
  manifests: z.array(DescriptorSchema),
  annotations: Annotations.optional(),
});
export type OciIndex = z.infer<typeof IndexSchema>;

export function parseManifest(bytes: Uint8Array): OciManifest {
  return parse(ManifestSchema, bytes, 'manifest');
}

export function parseIndex(bytes: Uint8Array): OciIndex {
  return parse(IndexSchema, bytes, 'index');
}

function parse<T>(schema: z.ZodType<T>, bytes: Uint8Array, what: string): T {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw altered('bundle.manifest-malformed', `An OCI ${what} is not JSON.`, { cause });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw altered('bundle.manifest-malformed', `An OCI ${what} is malformed at ${issue?.path.join('.') || 'its top'}: ${issue?.message ?? 'unknown'}.`);
}

/** A document as it is stored, with the descriptor that points to it. */
export interface Document {
  bytes: Buffer;
  descriptor: Descriptor;
}

export function jsonDocument(value: unknown, mediaType: string, more: Partial<Descriptor> = {}): Document {
  return document(Buffer.from(JSON.stringify(value)), mediaType, more);
}

export function document(bytes: Buffer, mediaType: string, more: Partial<Descriptor> = {}): Document {
  return { bytes, descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length, ...more } };
}
