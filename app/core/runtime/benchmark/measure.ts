/** Latency, throughput, load time and memory of models, measured so that they can be compared. */
import { type Benchmark, EdgewrightError, type ProviderUse } from '#contract';
import type { Tensor } from '#core/datasets';
import { startRunner } from '../child-runner.ts';
import { DEFAULT_WARMUP } from '../limits.ts';
import type { CallOptions, LoadRequest, Runner } from '../runner.ts';
import { latencySummary, medianInterval, outliersOf, roundNoise } from './figures.ts';
import { repeatRows, syntheticFeeds } from './synthetic-feeds.ts';

export interface BenchmarkTarget {
  /** What to call it in progress and results. */
  label: string;
  load: LoadRequest;
  /** Samples to run, one after another in the first axis; made up from the model's inputs when left out. */
  feeds?: Readonly<Record<string, Tensor>> | undefined;
  memoryLimitBytes?: number | undefined;
  /** Other than what is asked for all. */
  threads?: number | undefined;
  batch?: number | undefined;
}

export interface BenchmarkOptions extends CallOptions {
  /** Threads of one run; 0 = all usable cores. */
  threads?: number | undefined;
  /** Samples in one run, for made-up inputs and for throughput. */
  batch?: number | undefined;
  rounds?: number | undefined;
  runsPerRound?: number | undefined;
  warmup?: number | undefined;
  onProgress?: ((progress: { fraction?: number; step: string }) => void) | undefined;
}

export interface BenchmarkResult {
  label: string;
  benchmark: Benchmark;
  providers: ProviderUse;
  /** Every counted run in ms, in the order it was taken; rounds are of equal length. */
  samplesMs: Float64Array;
  rounds: Float64Array[];
  /** How the memory limit was held. */
  enforcement: string;
}

/**
 * Measures models side by side: a fresh process each, then rounds in which every model gets its turn, the first place passing on
 * from round to round, so that a busy moment of the machine hits all alike.
 *
 * Cold load = first load in a fresh process, and the first run after it is the first inference; warm load = the second, in the
 * same process. Neither drops the file from the system's cache, which would need rights we don't have. Peak memory is that of
 * the whole process (VmHWM), read before the profile is taken. CPU use is the process's own CPU time during the counted runs.
 */
export async function benchmarkModels(targets: readonly BenchmarkTarget[], options: BenchmarkOptions = {}): Promise<BenchmarkResult[]> {
  const { rounds = 5, runsPerRound = 100, warmup = DEFAULT_WARMUP, threads = 1, batch = 1, signal, onProgress } = options;
  const call: CallOptions = { signal, ...(options.timeoutMs !== undefined && { timeoutMs: options.timeoutMs }) };
  const runners: Runner[] = [];
  try {
    const measured = [];
    for (const target of targets) {
      onProgress?.({ fraction: 0, step: `loading ${target.label}` });
      const own = { threads: target.threads ?? threads, batch: target.batch ?? batch };
      const runner = await startRunner({ threads: own.threads, memoryLimitBytes: target.memoryLimitBytes, label: target.label, signal });
      runners.push(runner);
      const cold = await runner.load(target.load, call);
      const feeds = target.feeds ? repeatRows(target.feeds, own.batch) : syntheticFeeds(cold.inputs, own.batch);
      const first = await runner.benchmark({ feeds, runs: 1, warmup: 0 }, call);
      const warm = await runner.load(target.load, call);
      const loadMs = { cold: cold.loadMs, warm: warm.loadMs };
      measured.push({ target, own, runner, feeds, loadMs, firstMs: first.samplesMs[0] ?? 0, cpuMs: 0, rounds: [] as Float64Array[] });
    }
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < measured.length; i++) {
        const model = measured[(round + i) % measured.length];
        if (!model) continue;
        onProgress?.({ fraction: (round * measured.length + i) / (rounds * measured.length), step: `round ${round + 1} of ${rounds}: ${model.target.label}` });
        const { samplesMs, cpuMs } = await model.runner.benchmark({ feeds: model.feeds, runs: runsPerRound, warmup }, call);
        model.rounds.push(samplesMs);
        model.cpuMs += cpuMs;
      }
    }
    const results: BenchmarkResult[] = [];
    for (const { target, own, runner, feeds, loadMs, firstMs, cpuMs, rounds: taken } of measured) {
      const samplesMs = Float64Array.from(taken.flatMap((r) => [...r]));
      const totalMs = samplesMs.reduce((a, b) => a + b, 0);
      const { peak } = await runner.memory();
      const interval = medianInterval(taken);
      const benchmark: Benchmark = {
        latencyMs: latencySummary(samplesMs),
        throughputPerSecond: (own.batch * samplesMs.length * 1000) / totalMs,
        loadMs,
        firstMs,
        peakMemoryBytes: peak,
        cpuCores: cpuMs / totalMs,
        threads: own.threads,
        batch: own.batch,
        noise: roundNoise(taken),
        ...(interval && { p50Interval: interval }),
        outliers: outliersOf(samplesMs),
      };
      const providers = await runner.providers(feeds, call);
      results.push({ label: target.label, benchmark, providers, samplesMs, rounds: taken, enforcement: runner.enforcement });
    }
    return results;
  } finally {
    await Promise.all(runners.map((runner) => runner.close()));
  }
}

/** One model alone; see benchmarkModels. */
export async function benchmarkModel(target: BenchmarkTarget, options: BenchmarkOptions = {}): Promise<BenchmarkResult> {
  const [result] = await benchmarkModels([target], options);
  if (!result) throw new EdgewrightError({ code: 'bug', message: 'The benchmark gave no result.', owner: 'bug' });
  return result;
}
