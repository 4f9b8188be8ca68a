/** A trial: variants × machines × measurements, judged against gates, ending in a verdict. */
import { z } from 'zod';
import { BenchmarkSchema, DigestSchema, IntervalSchema, ProviderUseSchema, RefSchema, TimestampSchema, WarningSchema } from './common.ts';
import { ErrorBodySchema } from './errors.ts';

export const TrialSpecSchema = z.object({
  ref: RefSchema,
  /** Variant names; fp32 is always measured, as the base of comparison. */
  variants: z.array(z.string()).min(1).max(32).default(['fp32', 'int8-dynamic', 'int8-static']),
  /** Expressions such as `metric >= 99% of fp32`, `p95 < 20 ms`, `size <= 40% of fp32`. */
  gates: z.array(z.string().max(200)).max(32).default([]),
  /** Threads of each runner; 0 = all usable cores. */
  threads: z.number().int().min(0).max(256).default(1),
  /** Rounds of the benchmark, and runs of each variant in a round. Rounds interleave the variants. */
  rounds: z.number().int().min(1).max(100).default(5),
  runsPerRound: z.number().int().min(5).max(10_000).default(200),
  /** Stop after this many minutes. */
  budgetMinutes: z
    .number()
    .min(0.1)
    .max(24 * 60)
    .default(30),
});
export type TrialSpec = z.infer<typeof TrialSpecSchema>;

export const VariantStageSchema = z.enum(['waiting', 'making', 'loading', 'golden', 'scoring', 'benchmarking', 'done', 'failed', 'not run']);

export const TrialVariantSchema = z.object({
  name: z.string(),
  stage: VariantStageSchema,
  digest: DigestSchema.optional(),
  bytes: z.number().int().optional(),
  metric: IntervalSchema.extend({
    name: z.string(),
    samples: z.number().int(),
    higherIsBetter: z.boolean(),
    /** Of classes, where they are few: row = true class, column = answered class, both in the order of `classes`. */
    confusion: z.object({ classes: z.array(z.string()), counts: z.array(z.array(z.number().int())) }).optional(),
  }).optional(),
  golden: z
    .object({
      pass: z.boolean(),
      maxAbsError: z.number(),
      rule: z.string(),
      worst: z.string().optional(),
      agreement: z.number().optional(),
      /** The element furthest beyond its tolerance. */
      detail: z
        .object({
          output: z.string(),
          sample: z.number().int(),
          index: z.array(z.number().int()),
          expected: z.string(),
          found: z.string(),
          allowed: z.number(),
          failing: z.number().int(),
          elements: z.number().int(),
        })
        .optional(),
    })
    .optional(),
  machines: z.array(z.object({ device: z.string(), benchmark: BenchmarkSchema, providers: ProviderUseSchema })),
  gates: z.array(z.object({ gate: z.string(), pass: z.boolean(), value: z.string(), limit: z.string() })),
  /** On the Pareto front of metric, p50 latency and size. */
  pareto: z.boolean().optional(),
  dominatedBy: z.string().optional(),
  error: ErrorBodySchema.optional(),
  warnings: z.array(WarningSchema).default([]),
});
export type TrialVariant = z.infer<typeof TrialVariantSchema>;

export const VerdictSchema = z.object({
  /** Absent when no variant passed. */
  chosen: z.string().optional(),
  /** One sentence with the reason. */
  reason: z.string(),
});

export const TrialSummarySchema = z.object({
  id: z.string(),
  ref: z.string(),
  state: z.enum(['running', 'done', 'cancelled', 'failed', 'interrupted']),
  startedAt: TimestampSchema,
  endedAt: TimestampSchema.optional(),
  verdict: VerdictSchema.optional(),
  variantNames: z.array(z.string()),
});
export type TrialSummary = z.infer<typeof TrialSummarySchema>;

export const TrialSchema = TrialSummarySchema.extend({
  jobId: z.string().optional(),
  spec: TrialSpecSchema,
  variants: z.array(TrialVariantSchema),
  /** Where it ran: so that results of another day or machine are comparable. */
  machine: z.object({ hostname: z.string(), cpu: z.string(), onnxruntime: z.string() }),
  error: ErrorBodySchema.optional(),
});
export type Trial = z.infer<typeof TrialSchema>;

/** One quantized file, outside of any trial. What the fields mean: `edgewright quantize --help`. */
export const QuantizeRequestSchema = z.object({
  ref: RefSchema.or(z.string().max(4096)),
  variant: z.enum(['int8-dynamic', 'int8-static']),
  output: z.string().max(4096),
  /** An .npz with `in_<input>`; a bundle's own calibration set where it is left out. */
  calibration: z.string().max(4096).optional(),
  calibrator: z.enum(['minmax']).default('minmax'),
  activations: z.enum(['int8', 'uint8']).default('int8'),
  weights: z.enum(['int8', 'uint8']).default('int8'),
  perChannel: z.boolean().default(false),
  reduceRange: z.boolean().default(false),
  symmetric: z.boolean().default(false),
  /** Fold and fuse with ONNX Runtime's own optimizer first. */
  prepare: z.boolean().default(true),
});
export type QuantizeRequest = z.infer<typeof QuantizeRequestSchema>;

export const QuantizeResultSchema = z.object({
  output: z.string(),
  variant: z.string(),
  bytes: z.number().int(),
  seconds: z.number(),
  /** Highest resident memory of the process that quantized, in bytes; runners not counted. */
  peakMemoryBytes: z.number().int(),
  warnings: z.array(WarningSchema),
});
export type QuantizeResult = z.infer<typeof QuantizeResultSchema>;
