/**
 * The documents of one variant: its OCI manifest with ModelPack config, the file in which it describes itself, and its
 * signature. The manifest's own annotations are not signed, so whatever is relied on stands in that file, which is.
 */
import { z } from 'zod';
import { type InspectResult, NameSchema, VersionSchema } from '#contract';
import { type Keyring, PREDICATE_TYPE, signFiles } from '#core/trust';
import type { BomFacts, BomMetric } from './bom.ts';
import { makeBom } from './bom-referrers.ts';
import { altered } from './errors.ts';
import type { LayerFile } from './layer-file.ts';
import { MAX_FILES } from './limits.ts';
import {
  CREATED,
  DATASET_LAYER,
  type Descriptor,
  type Document,
  document,
  FILE_METADATA,
  FILE_PATH,
  INDEX_TYPE,
  jsonDocument,
  MANIFEST_TYPE,
  MODEL_ARTIFACT_TYPE,
  MODEL_CONFIG_TYPE,
  NAME,
  PRECISION,
  QUANTIZATION,
  REF_NAME,
  ROLE,
  TITLE,
  VARIANT,
  VERSION,
  WEIGHT_CONFIG_LAYER,
  WEIGHT_LAYER,
} from './oci.ts';
import { VARIANT_FILE } from './paths.ts';
import { type ReferrerDocuments, signatureReferrer } from './referrers.ts';
import type { BundleSource } from './source-schema.ts';
import type { Role } from './source.ts';

const ROLES = [
  'model',
  'weights',
  'golden',
  'golden-raw',
  'calibration',
  'test',
  'recipe',
  'labels',
  'tokenizer',
  'source',
  'example',
  'variant',
] as const satisfies readonly Role[];
export const RoleSchema = z.enum(ROLES);

export const VARIANT_NAME = /^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/;

const VariantFileSchema = z.looseObject({
  format: z.literal(1),
  name: NameSchema,
  version: VersionSchema,
  variant: z.string().regex(VARIANT_NAME),
  precision: z.string().max(64),
  quantization: z.string().max(500).optional(),
  files: z.array(z.looseObject({ path: z.string(), role: RoleSchema })).max(MAX_FILES + 1),
});
/** What a variant says of itself, under its signature. */
export type VariantFile = z.infer<typeof VariantFileSchema>;

export function parseVariantFile(bytes: Uint8Array): VariantFile {
  try {
    return VariantFileSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (cause) {
    throw altered('bundle.variant-malformed', `${VARIANT_FILE} of a bundle cannot be read.`, { cause });
  }
}

export interface VariantPlan {
  source: BundleSource;
  facts: InspectResult;
  variant: string;
  /** `fp32`, `fp16`, `int8`, `int4` … */
  precision: string;
  quantization?: string | undefined;
  files: readonly LayerFile[];
  /** Milliseconds since the epoch. */
  createdAt: number;
  /** For its bill of materials; see BomFacts. */
  task?: string | undefined;
  base?: BomFacts['base'];
  metric?: BomMetric | undefined;
}

export interface VariantDocuments {
  manifest: Document;
  /** What refers to it, as the store's index lists it. */
  referrers: Descriptor[];
  /** Everything to be stored, the manifest included. */
  all: Document[];
}

/** Our words for precision, and ModelPack's. int4 is not on ModelPack's list and is left out there. */
const MODELPACK_PRECISION: Record<string, string> = { fp64: 'float64', fp32: 'float32', fp16: 'float16', bf16: 'bfloat16', int8: 'int8' };

/** Makes and signs the documents of one variant. */
export async function variantDocuments(plan: VariantPlan, keyring: Pick<Keyring, 'sign' | 'publicKeyPem'>): Promise<VariantDocuments> {
  const { name, version } = plan.source;
  const self: VariantFile = {
    format: 1,
    name,
    version,
    variant: plan.variant,
    precision: plan.precision,
    ...(plan.quantization !== undefined && { quantization: plan.quantization }),
    files: inOrder(plan.files).map(({ path, role }) => ({ path, role })),
  };
  const selfDocument = document(Buffer.from(`${JSON.stringify(self, null, 2)}\n`), WEIGHT_CONFIG_LAYER);
  const files = [
    ...inOrder(plan.files),
    { path: VARIANT_FILE, role: 'variant' as const, digest: selfDocument.descriptor.digest, bytes: selfDocument.bytes.length },
  ];
  const created = new Date(plan.createdAt).toISOString();
  const config = jsonDocument(modelConfig(plan, created, files), MODEL_CONFIG_TYPE);
  const manifest = jsonDocument(
    {
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      artifactType: MODEL_ARTIFACT_TYPE,
      config: config.descriptor,
      layers: files.map(layer),
      annotations: {
        [CREATED]: created,
        [TITLE]: `${name}@${version}#${plan.variant}`,
        [NAME]: name,
        [VERSION]: version,
        [VARIANT]: plan.variant,
        [PRECISION]: plan.precision,
        ...(plan.quantization !== undefined && { [QUANTIZATION]: plan.quantization }),
      },
    },
    MANIFEST_TYPE,
    { artifactType: MODEL_ARTIFACT_TYPE, annotations: { [VARIANT]: plan.variant, [PRECISION]: plan.precision } },
  );
  const signature = await signVariant(keyring, manifest.descriptor, `${name}@${version}`, files, plan.createdAt);
  const { source, facts: model, variant, precision, quantization, createdAt: at, task, base, metric } = plan;
  const bom = makeBom(keyring, manifest.descriptor, { source, model, variant, precision, quantization, at, revision: 1, task, base, metric, files });
  return {
    manifest,
    referrers: [signature.descriptor, ...bom.descriptors],
    all: [selfDocument, config, manifest, ...signature.all, ...bom.all],
  };
}

/**
 * This workspace's signature over a variant, as a referrer of its manifest.
 * @param acceptedFrom see signFiles
 */
export async function signVariant(
  keyring: Pick<Keyring, 'sign' | 'publicKeyPem'>,
  manifest: Descriptor,
  subject: string,
  files: readonly Pick<LayerFile, 'path' | 'digest'>[],
  createdAt: number,
  acceptedFrom: readonly string[] = [],
): Promise<ReferrerDocuments> {
  const named = files.map(({ path, digest }) => ({ name: path, digest }));
  return signatureReferrer(manifest, await signFiles(keyring, subject, named, acceptedFrom), PREDICATE_TYPE, createdAt);
}

/** The model first, then its weights, then the rest by path: the order has no meaning but is always the same. */
function inOrder(files: readonly LayerFile[]): LayerFile[] {
  const rank = (role: Role) => (role === 'model' ? 0 : role === 'weights' ? 1 : 2);
  return [...files].sort((a, b) => rank(a.role) - rank(b.role) || (a.path < b.path ? -1 : 1));
}

function layer(file: LayerFile): Descriptor {
  const dataset = ['golden', 'golden-raw', 'calibration', 'test', 'example'].includes(file.role);
  return {
    mediaType: file.role === 'model' || file.role === 'weights' ? WEIGHT_LAYER : dataset ? DATASET_LAYER : WEIGHT_CONFIG_LAYER,
    digest: file.digest,
    size: file.bytes,
    annotations: {
      [FILE_PATH]: file.path,
      // Whose file it was and when it was written says nothing about the model: the same content gives the same manifest.
      [FILE_METADATA]: JSON.stringify({
        name: file.path.split('/').at(-1),
        mode: 0o644,
        uid: 0,
        gid: 0,
        size: file.bytes,
        mtime: '1970-01-01T00:00:00Z',
        typeflag: 48,
      }),
      [ROLE]: file.role,
    },
  };
}

function modelConfig({ source, facts, precision, quantization }: VariantPlan, created: string, files: readonly LayerFile[]) {
  const modelPackPrecision = MODELPACK_PRECISION[precision];
  const paramSize = parameterSize(facts.parameters);
  return {
    descriptor: {
      createdAt: created,
      name: source.name,
      version: source.version,
      ...(source.description !== undefined && { description: source.description }),
      ...(source.license !== undefined && { licenses: [source.license] }),
    },
    config: {
      format: 'onnx',
      ...(paramSize !== undefined && { paramSize }),
      ...(modelPackPrecision !== undefined && { precision: modelPackPrecision }),
      ...(quantization !== undefined && { quantization }),
    },
    modelfs: { type: 'layers', diffIds: files.map((file) => file.digest) },
  };
}

/** ModelPack's form: at most one digit after the point and one letter, `6.7B`. Undefined below 50 parameters. */
export function parameterSize(count: number): string | undefined {
  const scales: [number, string][] = [
    [1e15, 'Q'],
    [1e12, 'T'],
    [1e9, 'B'],
    [1e6, 'M'],
    [1e3, 'K'],
  ];
  const [scale, letter] = scales.find(([size]) => count >= size) ?? [1e3, 'K'];
  const value = Math.round((count / scale) * 10) / 10;
  return value === 0 ? undefined : `${value}${letter}`;
}

/**
 * The OCI index of one `name@version`: its variants, the one it was built from first, then what refers to them. A variant's
 * signature is its referrer in any case; listed here it also comes along with tools that copy an index and know no referrers.
 */
export function bundleIndex(
  source: Pick<BundleSource, 'name' | 'version'>,
  variants: readonly Descriptor[],
  attached: readonly Descriptor[],
  createdAt: number,
): Document {
  const annotations = { [CREATED]: new Date(createdAt).toISOString(), [NAME]: source.name, [VERSION]: source.version };
  return jsonDocument(
    { schemaVersion: 2, mediaType: INDEX_TYPE, artifactType: MODEL_ARTIFACT_TYPE, manifests: [...variants, ...attached], annotations },
    INDEX_TYPE,
    {
      annotations: { ...annotations, [REF_NAME]: `${source.name}@${source.version}` },
    },
  );
}

/**
 * What to call a model as it came, by the element type that most of its weights have. Models without weights of these types
 * (trees keep theirs in attributes) compute in float32.
 */
export function precisionOf(facts: Pick<InspectResult, 'precision'>): 'fp32' | 'fp16' | 'int8' {
  const bytes = (...types: string[]) => types.reduce((sum, type) => sum + (facts.precision[type] ?? 0), 0);
  const counts = { fp32: bytes('float32', 'float64'), fp16: bytes('float16', 'bfloat16'), int8: bytes('int8', 'uint8') };
  if (counts.int8 > counts.fp32 && counts.int8 > counts.fp16) return 'int8';
  return counts.fp16 > counts.fp32 ? 'fp16' : 'fp32';
}
