/** Latency, throughput, load time and memory of models, measured so that they can be compared. */
import { type Benchmark, EdgewrightError, type Latency, type ProviderUse, type TensorInfo } from '#contract';
import { elementCount, isElementType, isFloatType, makeTensor, newData, percentile, seededPrng, sorted, type Tensor } from '#core/datasets';
import { startRunner } from './child-runner.ts';
import { DEFAULT_WARMUP, MAX_SYNTHETIC_ELEMENTS } from './limits.ts';
import type { CallOptions, LoadRequest, Runner } from './runner.ts';

export interface BenchmarkTarget {
  /** What to call it in progress and results. */
  label: string;
  load: LoadRequest;
  /** Inputs of every run; made up from the model's inputs when left out. */
  feeds?: Readonly<Record<string, Tensor>> | undefined;
  memoryLimitBytes?: number | undefined;
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
  /** How the memory limit was held. */
  enforcement: string;
}

/**
 * Measures models side by side: a fresh process each, then rounds in which every model gets its turn, the first place passing on
 * from round to round, so that a busy moment of the machine hits all alike.
 *
 * Cold load = first load in a fresh process; warm load = the second, in the same process. Neither drops the file from the system's
 * cache, which would need rights we don't have. Peak memory is that of the whole process (VmHWM), read before the profile is taken.
 */
export async function benchmarkModels(targets: readonly BenchmarkTarget[], options: BenchmarkOptions = {}): Promise<BenchmarkResult[]> {
  const { rounds = 5, runsPerRound = 100, warmup = DEFAULT_WARMUP, threads = 1, batch = 1, signal, onProgress } = options;
  const call: CallOptions = { signal, ...(options.timeoutMs !== undefined && { timeoutMs: options.timeoutMs }) };
  const runners: Runner[] = [];
  try {
    const measured = [];
    for (const target of targets) {
      onProgress?.({ fraction: 0, step: `loading ${target.label}` });
      const runner = await startRunner({ threads, memoryLimitBytes: target.memoryLimitBytes, label: target.label, signal });
      runners.push(runner);
      const cold = await runner.load(target.load, call);
      const warm = await runner.load(target.load, call);
      const feeds = target.feeds ?? syntheticFeeds(warm.inputs, batch);
      measured.push({ target, runner, feeds, loadMs: { cold: cold.loadMs, warm: warm.loadMs }, rounds: [] as Float64Array[] });
    }
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < measured.length; i++) {
        const model = measured[(round + i) % measured.length];
        if (!model) continue;
        onProgress?.({ fraction: (round * measured.length + i) / (rounds * measured.length), step: `round ${round + 1} of ${rounds}: ${model.target.label}` });
        const { samplesMs } = await model.runner.benchmark({ feeds: model.feeds, runs: runsPerRound, warmup }, call);
        model.rounds.push(samplesMs);
      }
    }
    const results: BenchmarkResult[] = [];
    for (const { target, runner, feeds, loadMs, rounds: taken } of measured) {
      const samplesMs = Float64Array.from(taken.flatMap((r) => [...r]));
      const { peak } = await runner.memory();
      const benchmark: Benchmark = {
        latencyMs: latencySummary(samplesMs),
        throughputPerSecond: (batch * samplesMs.length * 1000) / samplesMs.reduce((a, b) => a + b, 0),
        loadMs,
        peakMemoryBytes: peak,
        threads,
        batch,
        noise: roundNoise(taken),
      };
      results.push({ label: target.label, benchmark, providers: await runner.providers(feeds, call), samplesMs, enforcement: runner.enforcement });
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

/** @param samplesMs not empty */
export function latencySummary(samplesMs: ArrayLike<number>): Latency {
  const inOrder = sorted(samplesMs);
  return {
    p50: percentile(inOrder, 50),
    p90: percentile(inOrder, 90),
    p95: percentile(inOrder, 95),
    p99: percentile(inOrder, 99),
    mean: inOrder.reduce((a, b) => a + b, 0) / inOrder.length,
    min: inOrder[0] ?? Number.NaN,
    max: inOrder[inOrder.length - 1] ?? Number.NaN,
    samples: inOrder.length,
  };
}

/** Spread of the rounds' medians: (largest - smallest) / median of them. Large means that the machine was busy. */
export function roundNoise(rounds: readonly Float64Array[]): number {
  const medians = sorted(rounds.filter((r) => r.length > 0).map((r) => percentile(sorted(r), 50)));
  if (medians.length < 2) return 0;
  return ((medians[medians.length - 1] ?? 0) - (medians[0] ?? 0)) / percentile(medians, 50);
}

/**
 * Made-up inputs for a model without samples: numbers of 0 to 1 from a fixed seed for float inputs, zeros for whole numbers (valid
 * as an index), true for bool, empty text. Open dimensions are `batch` for the first axis and 1 elsewhere.
 * @throws runtime.input-unsupported (input)
 */
export function syntheticFeeds(inputs: readonly TensorInfo[], batch = 1): Record<string, Tensor> {
  const prng = seededPrng(1);
  return Object.fromEntries(
    inputs.map(({ name, type, dims }) => {
      const sizes = dims.map((d, axis) => (typeof d === 'number' && d >= 0 ? d : axis === 0 ? batch : 1));
      const count = elementCount(sizes);
      if (!isElementType(type) || count > MAX_SYNTHETIC_ELEMENTS) {
        throw new EdgewrightError({
          code: 'runtime.input-unsupported',
          message: `No input can be made up for ${name}.`,
          found: `${type} [${dims.join(', ')}]`,
          hint: 'Give a file with the inputs instead.',
          owner: 'input',
        });
      }
      if (type === 'string') return [name, makeTensor(type, sizes, new Array<string>(count).fill(''))];
      const data = newData(type, count);
      // 0x3800 and up are the float16 numbers from 0.5 on; the low 10 bits are the fraction.
      if (type === 'float16') for (let i = 0; i < count; i++) data[i] = 0x3800 | prng.below(1024);
      else if (isFloatType(type)) for (let i = 0; i < count; i++) data[i] = prng.next() / 0x1_0000_0000;
      else if (type === 'bool') data.fill(1 as never);
      return [name, makeTensor(type, sizes, data)];
    }),
  );
}
