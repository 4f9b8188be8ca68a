/**
 * What a model is, for a command and for a screen: one report, and its tensors. Nothing here reads weights but `TensorStats`. A model
 * is named by `ref`: the path of a file, `name@version[#variant]`, or a digest.
 */
import { z } from 'zod';
import { RefSchema, TensorInfoSchema, WarningSchema } from './common.ts';

export const ModelRefSchema = RefSchema.or(z.string().min(1).max(4096));

/** What the rooms keep of a model: small, and the same for one file wherever it lies. */
export const InspectResultSchema = z.object({
  inputs: z.array(TensorInfoSchema),
  outputs: z.array(TensorInfoSchema),
  opsets: z.record(z.string(), z.number().int()),
  irVersion: z.number().int(),
  nodes: z.number().int(),
  parameters: z.number().int(),
  bytes: z.number().int(),
  producer: z.string(),
  framework: z.string(),
  /** Bytes of weights by element type. */
  precision: z.record(z.string(), z.number().int()),
  /** Number of nodes by operator, `domain.Op` where the domain is not ai.onnx. */
  ops: z.record(z.string(), z.number().int()),
  metadata: z.record(z.string(), z.string()),
  warnings: z.array(WarningSchema),
});
export type InspectResult = z.infer<typeof InspectResultSchema>;

/** Where the elements of a tensor are: in the model file, or in a file beside it. Offset and length in bytes. */
export const StoredSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('inside') }),
  z.object({ kind: z.literal('external'), location: z.string(), offset: z.number().int(), length: z.number().int().optional() }),
]);

export const TensorRowSchema = TensorInfoSchema.extend({
  /** `graph.index`, for `tensorStats`. */
  id: z.string(),
  elements: z.number().int(),
  bytes: z.number().int(),
  stored: StoredSchema,
  role: z.enum(['initializer', 'sparse values', 'sparse indices', 'attribute']),
  /** The graph it belongs to. */
  graph: z.number().int(),
});
export type TensorRow = z.infer<typeof TensorRowSchema>;

/** Which program made the file, as far as the file shows it; `unknown` where it does not. */
export const OriginSchema = z.object({
  framework: z.string(),
  frameworkVersion: z.string().optional(),
  exporter: z.string(),
  exporterVersion: z.string().optional(),
  /** What in the file says so. */
  evidence: z.array(z.string()),
});
export type Origin = z.infer<typeof OriginSchema>;

/** The report of `inspect`: the facts, and where the bytes are. */
export const ModelReportSchema = InspectResultSchema.extend({
  /** What was asked about. */
  ref: z.string(),
  origin: OriginSchema,
  modelVersion: z.number().int(),
  description: z.string(),
  tensors: z.object({ count: z.number().int(), bytes: z.number().int(), largest: z.array(TensorRowSchema) }),
  /** The weights that the nodes of each operator read, most bytes first; weights that several read count for the first. */
  weightsByOp: z.array(z.object({ op: z.string(), nodes: z.number().int(), bytes: z.number().int() })),
  external: z.object({
    files: z.array(z.object({ location: z.string(), tensors: z.number().int(), bytes: z.number().int(), problem: z.string().optional() })),
    bytes: z.number().int(),
    missing: z.number().int(),
  }),
  functions: z.array(z.object({ name: z.string(), domain: z.string(), overload: z.string(), nodes: z.number().int() })),
  subgraphs: z.object({ count: z.number().int(), nodes: z.number().int() }),
  sparseInitializers: z.number().int(),
  quantizationAnnotations: z.number().int(),
  trainingInfo: z.number().int(),
});
export type ModelReport = z.infer<typeof ModelReportSchema>;

export const TensorPageSchema = z.object({
  tensors: z.array(TensorRowSchema),
  total: z.number().int(),
  totalBytes: z.number().int(),
  next: z.string().optional(),
});

/** Numbers of a tensor's elements, which JSON can carry: null where no element is a finite number. */
export const TensorStatsSchema = z.object({
  tensor: TensorRowSchema,
  /** Missing for text. */
  numbers: z
    .object({
      min: z.number().nullable(),
      max: z.number().nullable(),
      mean: z.number().nullable(),
      std: z.number().nullable(),
      zeros: z.number().int(),
      notANumber: z.number().int(),
      infinite: z.number().int(),
      /** Finite elements in 32 equal steps from min to max. */
      histogram: z.array(z.number().int()),
    })
    .optional(),
  text: z.object({ empty: z.number().int(), longestBytes: z.number().int() }).optional(),
});
export type TensorStats = z.infer<typeof TensorStatsSchema>;
