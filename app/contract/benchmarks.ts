/** Measuring a model on this computer: how fast, by how many threads and samples at once, where the time goes, and how sure that is. */
import { z } from 'zod';
import { BenchmarkSchema, JobIdSchema, ProviderUseSchema, RefSchema } from './common.ts';

const ThreadsSchema = z.number().int().min(0).max(256);
const BatchSchema = z.number().int().min(1).max(4096);
/** Most settings measured side by side: each has a process with the model in it. */
const MAX_SETTINGS = 16;

export const BenchmarkRequestSchema = z
  .object({
    ref: RefSchema.or(z.string().max(4096)),
    /** 0 = all usable cores. Every number of threads is measured with every batch. */
    threads: z.array(ThreadsSchema).min(1).max(8).default([1]),
    batches: z.array(BatchSchema).min(1).max(8).default([1]),
    rounds: z.number().int().min(1).max(100).default(5),
    runsPerRound: z.number().int().min(5).max(10_000).default(100),
    ep: z.string().optional(),
    /** Look for the largest batch whose 99th percentile stays below, in ms; with the first number of threads. */
    p99Ms: z.number().positive().max(3_600_000).optional(),
    /** Look for the threads and the graph optimization that are fastest here. */
    tune: z.boolean().default(false),
    /** Measure every execution provider that works here, and recommend one. */
    compareProviders: z.boolean().default(false),
    /** Say where the time goes, by node and operator. */
    profile: z.boolean().default(false),
    jobId: JobIdSchema,
  })
  .refine(({ threads, batches }) => threads.length * batches.length <= MAX_SETTINGS, `at most ${MAX_SETTINGS} settings at once`);
export type BenchmarkRequest = z.infer<typeof BenchmarkRequestSchema>;

/** What a screen draws of a series of runs. */
export const BenchmarkSeriesSchema = z.object({
  /** Equal bars from the fastest run to `toMs`; `above` is how many runs were slower than that. */
  histogram: z.object({ fromMs: z.number(), toMs: z.number(), counts: z.array(z.number().int()), above: z.number().int() }),
  /** The course of time: median and slowest of each few runs, and the round they belong to. */
  timeline: z.array(z.object({ round: z.number().int(), runs: z.number().int(), p50: z.number(), max: z.number() })),
});
export type BenchmarkSeries = z.infer<typeof BenchmarkSeriesSchema>;

export const MeasuredSettingSchema = BenchmarkSchema.extend({ providers: ProviderUseSchema, series: BenchmarkSeriesSchema });
export type MeasuredSetting = z.infer<typeof MeasuredSettingSchema>;

export const TunedSchema = z.object({
  threads: z.number().int(),
  optimization: z.enum(['disabled', 'basic', 'extended', 'all']),
  reason: z.string(),
  tried: z.array(
    z.object({
      threads: z.number().int(),
      optimization: z.enum(['disabled', 'basic', 'extended', 'all']),
      p50: z.number(),
      cpuCores: z.number(),
      p50Interval: z.object({ low: z.number(), high: z.number() }).optional(),
    }),
  ),
});
export type Tuned = z.infer<typeof TunedSchema>;

export const LargestBatchSchema = z.object({
  p99Ms: z.number(),
  threads: z.number().int(),
  /** 0 when not even one sample stays inside the limit. */
  batch: z.number().int(),
  tried: z.array(z.object({ batch: z.number().int(), p50: z.number(), p99: z.number(), runs: z.number().int(), throughputPerSecond: z.number() })),
  /** Why nothing larger was tried, where it was not the limit. */
  stoppedBy: z.string().optional(),
});
export type LargestBatch = z.infer<typeof LargestBatchSchema>;

export const ProviderComparisonSchema = z.object({
  /** The recommended one, by its short name, and why. */
  provider: z.string(),
  reason: z.string(),
  measured: z.array(
    z.object({
      provider: z.string(),
      title: z.string(),
      p50: z.number(),
      p50Interval: z.object({ low: z.number(), high: z.number() }).optional(),
      /** Nodes of the optimized graph, and how many of them ran on it. */
      nodes: z.number().int(),
      onIt: z.number().int(),
      fellBack: z.array(z.object({ node: z.string(), op: z.string(), reason: z.string() })),
    }),
  ),
  /** Those that seemed to work and could not run this model. */
  failed: z.array(z.object({ provider: z.string(), reason: z.string() })),
});
export type ProviderComparison = z.infer<typeof ProviderComparisonSchema>;

export const NodeCostsSchema = z.object({
  runs: z.number().int(),
  /** Time of a profiled run (mean of the middle half of them), and how much of it the nodes account for, in ms. */
  runMs: z.number(),
  nodesMs: z.number(),
  nodeCount: z.number().int(),
  operators: z.array(
    z.object({ op: z.string(), provider: z.string(), nodes: z.number().int(), ms: z.number(), share: z.number(), advice: z.string().optional() }),
  ),
  /** The heaviest. */
  nodes: z.array(z.object({ name: z.string(), op: z.string(), provider: z.string(), ms: z.number(), calls: z.number(), share: z.number() })),
});
export type NodeCosts = z.infer<typeof NodeCostsSchema>;

/** The first setting stands at the top; all of them, it too, in `settings`. */
export const BenchmarkReportSchema = MeasuredSettingSchema.omit({ series: true }).extend({
  ref: z.string(),
  settings: z.array(MeasuredSettingSchema),
  /** The rounds of some setting differ so much that its figures should not be compared with others. */
  noisy: z.boolean(),
  tuned: TunedSchema.optional(),
  largestBatch: LargestBatchSchema.optional(),
  providerComparison: ProviderComparisonSchema.optional(),
  profile: NodeCostsSchema.optional(),
});
export type BenchmarkReport = z.infer<typeof BenchmarkReportSchema>;
