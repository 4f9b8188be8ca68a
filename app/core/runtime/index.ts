/** Running models: always in a process of their own that can be ended, limited and measured. */
export { type Batch, type BatchOptions, runAll, runBatches } from './batches.ts';
export {
  type BenchmarkOptions,
  type BenchmarkResult,
  type BenchmarkTarget,
  benchmarkModel,
  benchmarkModels,
} from './benchmark/measure.ts';
export { latencySummary, medianInterval, outliersOf, roundNoise, seriesOf } from './benchmark/figures.ts';
export { compareProviders, type ProviderComparison } from './benchmark/compare-providers.ts';
export { type LargestBatch, largestBatch } from './benchmark/largest-batch.ts';
export { type NodeCosts, nodeCosts } from './benchmark/node-costs.ts';
export { fixedBatch, repeatRows, syntheticFeeds } from './benchmark/synthetic-feeds.ts';
export { type Tuned, tuneSettings } from './benchmark/tune.ts';
export { startRunner } from './child-runner.ts';
export { checkRawGolden, type RawGolden } from './raw-golden.ts';
export { evaluate, type GoldenResult, referenceOutput, runGolden } from './judge.ts';
export { NOISY, PROBE_MEMORY_BYTES, RUNNER_MEMORY_BYTES } from './limits.ts';
export { optimizeModel, type PortableLevel } from './optimize.ts';
export { probeLimits, probeModel, type ProbeOptions, type ProbeReport } from './probe.ts';
export { type CallOptions, type LoadedModel, type LoadRequest, type Runner, type RunnerEnd, type RunnerOptions } from './runner.ts';
