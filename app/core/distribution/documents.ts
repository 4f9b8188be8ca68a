/**
 * Manifests as strangers send them: stored byte for byte, read only as far as a registry must. What they name (blobs,
 * manifests, a subject), their media type, and what a list of referrers says of them; nothing else of them is believed.
 */
import { z } from 'zod';
import { INDEX_TYPE, MANIFEST_TYPE } from '#core/bundles';
import { MAX_REFERENCES } from './limits.ts';
import { isDigest } from './names.ts';
import { OciError } from './oci-error.ts';

const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';
const INDEX_TYPES: readonly string[] = [INDEX_TYPE, DOCKER_LIST];
/** Every kind of manifest that is taken. */
export const MANIFEST_TYPES: readonly string[] = [MANIFEST_TYPE, DOCKER_MANIFEST, ...INDEX_TYPES];

/** Layers that by their licence may have to be fetched elsewhere (image-spec "non-distributable", Docker's "foreign"). */
const ELSEWHERE = /^application\/vnd\.(oci\.image\.layer\.nondistributable\.v1\.|docker\.image\.rootfs\.foreign\.)/;

const ReferenceSchema = z.looseObject({
  mediaType: z.string().min(1).max(255),
  digest: z.string().refine(isDigest, 'not a sha256 or sha512 digest'),
  size: z.number().int().min(0),
  artifactType: z.string().max(255).optional(),
});
export type Reference = z.infer<typeof ReferenceSchema>;

const References = z.array(ReferenceSchema).max(MAX_REFERENCES);
/** Looked through until the first that is wrong: there may be hundreds of thousands. */
const Annotations = z.custom<Record<string, string>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every((one) => typeof one === 'string'),
  'not texts by name',
);
const Common = {
  schemaVersion: z.literal(2),
  mediaType: z.string().max(255).optional(),
  artifactType: z.string().max(255).optional(),
  subject: ReferenceSchema.optional(),
  annotations: Annotations.nullish(),
};
const ManifestSchema = z.looseObject({ ...Common, config: ReferenceSchema, layers: References, manifests: z.undefined().optional() });
const IndexSchema = z.looseObject({ ...Common, manifests: References, layers: z.undefined().optional(), config: z.undefined().optional() });

export interface ManifestDocument {
  mediaType: string;
  isIndex: boolean;
  /** As a list of referrers shows it: that of an image manifest without one is its config's media type. */
  artifactType: string | undefined;
  annotations: Record<string, string>;
  subject: Reference | undefined;
  /** Config and layers, without those that may lie elsewhere. */
  blobs: Reference[];
  /** What an index lists. */
  manifests: Reference[];
}

/**
 * @param contentType of the request; without one the document's own `mediaType` counts
 * @throws MANIFEST_INVALID naming the field
 */
export function readDocument(bytes: Uint8Array, contentType: string | undefined): ManifestDocument {
  const value = parseJson(bytes);
  const said = typeof value === 'object' && value !== null && 'mediaType' in value && typeof value.mediaType === 'string' ? value.mediaType : undefined;
  const mediaType = contentType?.split(';')[0]?.trim().toLowerCase() ?? said;
  if (mediaType === undefined || !MANIFEST_TYPES.includes(mediaType)) {
    throw invalid(`A manifest of the type ${mediaType?.slice(0, 100) ?? '(none)'} is not taken; expected one of ${MANIFEST_TYPES.join(', ')}.`);
  }
  if (said !== undefined && said !== mediaType) throw invalid('The manifest says another mediaType than the Content-Type.');
  return INDEX_TYPES.includes(mediaType) ? readIndex(value, mediaType) : readManifest(value, mediaType);
}

function readManifest(value: unknown, mediaType: string): ManifestDocument {
  const { artifactType, config, layers, annotations, subject } = parse(ManifestSchema, value);
  return {
    mediaType,
    isIndex: false,
    artifactType: artifactType || config.mediaType,
    annotations: annotations ?? {},
    subject,
    blobs: [config, ...layers.filter((layer) => !ELSEWHERE.test(layer.mediaType))],
    manifests: [],
  };
}

function readIndex(value: unknown, mediaType: string): ManifestDocument {
  const { artifactType, manifests, annotations, subject } = parse(IndexSchema, value);
  return { mediaType, isIndex: true, artifactType: artifactType || undefined, annotations: annotations ?? {}, subject, blobs: [], manifests };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch (cause) {
    throw new OciError(400, 'MANIFEST_INVALID', 'A manifest is a JSON document.', { cause });
  }
}

function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw invalid(`The manifest is wrong at ${issue?.path.join('.') || 'its top'}: ${issue?.message ?? 'unknown'}.`);
}

function invalid(message: string): OciError {
  return new OciError(400, 'MANIFEST_INVALID', message.slice(0, 500));
}
