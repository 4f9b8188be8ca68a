/** A bundle: model + weights + recipe + labels + golden set + limits, as `name@version`, with one manifest per variant. */
import { z } from 'zod';
import { DigestSchema, NameSchema, TensorInfoSchema, TimestampSchema, VersionSchema, WarningSchema } from './common.ts';
import { SignatureSchema, SignerKindSchema } from './trust.ts';

/** A bundle is usable only when it is sound; `quarantined` and `incomplete` say why in `stateReason`. */
export const BundleStateSchema = z.enum(['sound', 'quarantined', 'incomplete']);

export const VariantSchema = z.object({
  /** `fp32`, `int8-dynamic`, `int8-static` … */
  name: z.string(),
  digest: DigestSchema,
  /** Size of the model with its weights, in bytes. */
  bytes: z.number().int(),
  precision: z.string(),
  quantization: z.string().optional(),
  signed: z.boolean(),
  createdAt: TimestampSchema,
});
export type Variant = z.infer<typeof VariantSchema>;

export const BundleSummarySchema = z.object({
  name: NameSchema,
  version: VersionSchema,
  /** Digest of the OCI index that lists the variants. */
  digest: DigestSchema,
  signed: z.boolean(),
  state: BundleStateSchema,
  stateReason: z.string().optional(),
  /** Code of what is wrong, such as `trust.unsigned`: what a person can do about it depends on it. */
  stateCode: z.string().optional(),
  createdAt: TimestampSchema,
  variants: z.array(VariantSchema),
});
export type BundleSummary = z.infer<typeof BundleSummarySchema>;

/** A column that a table recipe asks for. */
export const TableColumnSchema = z.object({
  name: z.string(),
  type: z.enum(['number', 'integer', 'boolean', 'category', 'text']),
  /** In order. */
  categories: z.array(z.string()).optional(),
  /** Whether other categories are taken too. */
  open: z.boolean(),
  /** What an empty cell stands for; absent where a value is needed. */
  missing: z.string().optional(),
});
export type TableColumn = z.infer<typeof TableColumnSchema>;

export const TableInputSchema = z.object({
  columns: z.array(TableColumnSchema),
  /** `steps`: the rows are the steps of one sample, in order of time. */
  rows: z.enum(['samples', 'steps']),
  /** How many steps it takes, the last ones. */
  last: z.number().int().optional(),
  /** Whether the first line of a file names the columns. */
  header: z.boolean(),
  decimal: z.enum(['.', ',']),
});
export type TableInput = z.infer<typeof TableInputSchema>;

/** Something attached to a variant as an OCI referrer. */
export const BundleReferrerSchema = z.object({
  /** Digest of the manifest that holds it. */
  digest: DigestSchema,
  /** Name of the variant it refers to. */
  variant: z.string(),
  /** A signature of the files, a bill of materials, or a signed statement: each bill that counts has one about it. */
  kind: z.enum(['signature', 'bom', 'attestation']),
  /** Whether it counts: somebody trusted made it, it is about this very variant, and it was not altered since. */
  valid: z.boolean(),
  /** What a statement states, as in-toto names it: `https://cyclonedx.org/bom`. */
  predicateType: z.string().optional(),
  /** Which revision of the variant's bill of materials it is, or is about. */
  revision: z.number().int().optional(),
  /** Who made it, where it counts: fingerprint of the key, name, and what they are here. */
  signer: z.string().optional(),
  name: z.string().optional(),
  signerKind: SignerKindSchema.optional(),
  /** Why it does not count. */
  code: z.string().optional(),
  problem: z.string().optional(),
});
export type BundleReferrer = z.infer<typeof BundleReferrerSchema>;

export const BundleDetailSchema = BundleSummarySchema.extend({
  description: z.string().optional(),
  inputs: z.array(TensorInfoSchema),
  outputs: z.array(TensorInfoSchema),
  opsets: z.record(z.string(), z.number().int()),
  nodes: z.number().int(),
  parameters: z.number().int(),
  producer: z.string().optional(),
  labels: z.array(z.string()).optional(),
  metric: z.object({ name: z.string(), output: z.string() }).optional(),
  recipe: z.object({ kind: z.string(), steps: z.array(z.string()), table: TableInputSchema.optional() }).optional(),
  limits: z.object({ p95Ms: z.number().optional(), memoryBytes: z.number().int().optional() }),
  /** Every file of the bundle: what it is for, its digest and its size. */
  files: z.array(z.object({ path: z.string(), role: z.string(), digest: DigestSchema, bytes: z.number().int() })),
  /** Example raw inputs that travel in the bundle, for the playground. */
  examples: z.array(z.string()),
  /** Every signature of every variant, those that count first. */
  signatures: z.array(SignatureSchema),
  /** Everything attached to the variants, the signatures among it; those that count first. */
  referrers: z.array(BundleReferrerSchema),
  /** What is not as it should be, and keeps nobody from using the bundle: `bundle.no-bom`. */
  warnings: z.array(WarningSchema),
});
export type BundleDetail = z.infer<typeof BundleDetailSchema>;

export const VerifyResultSchema = z.object({
  ok: z.boolean(),
  name: z.string(),
  version: z.string(),
  digest: DigestSchema,
  signed: z.boolean(),
  /** Who signed, as the fingerprint of the public key. */
  signer: z.string().optional(),
  /** Everybody who signed. */
  signatures: z.array(SignatureSchema),
  /** As in BundleDetail. */
  referrers: z.array(BundleReferrerSchema),
  warnings: z.array(WarningSchema),
  blobs: z.number().int(),
  bytes: z.number().int(),
  bad: z.array(z.object({ digest: DigestSchema, problem: z.string(), affects: z.string() })),
});
export type VerifyResult = z.infer<typeof VerifyResultSchema>;

/** The bill of materials of one variant: CycloneDX, as it is stored under `digest`. */
export const VariantBomSchema = z.object({
  name: NameSchema,
  version: VersionSchema,
  variant: z.string(),
  digest: DigestSchema,
  text: z.string(),
  /** Who signed it: one that nobody trusted signed is refused. */
  signedBy: z.object({ id: z.string(), name: z.string() }),
});
export type VariantBom = z.infer<typeof VariantBomSchema>;

/** A variant written out as a folder with its signature and the key. */
export const ExtractedSchema = z.object({
  name: NameSchema,
  version: VersionSchema,
  variant: z.string(),
  digest: DigestSchema,
  dir: z.string(),
  /** How many files were signed, and their bytes. */
  files: z.number().int(),
  bytes: z.number().int(),
  /** Fingerprint of the key whose signature lies beside the files. */
  signer: z.string(),
});
export type Extracted = z.infer<typeof ExtractedSchema>;
