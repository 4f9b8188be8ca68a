/** Which number of threads and which graph optimization a model runs best with here: by measurement, side by side. */
import { availableParallelism } from 'node:os';
import type { Tuned as Report } from '#contract';
import { surelyFaster } from './figures.ts';
import { type BenchmarkOptions, benchmarkModels, type BenchmarkTarget } from './measure.ts';

export type Tuned = Report;

type Optimization = Tuned['optimization'];
/** ONNX Runtime's own choice first: another must be better to be chosen. */
const OPTIMIZATIONS: readonly Optimization[] = ['all', 'extended', 'basic'];

/** 1, 2, 4 … and all cores. */
export function threadChoices(cores = availableParallelism()): number[] {
  const choices: number[] = [];
  for (let threads = 1; threads < cores; threads *= 2) choices.push(threads);
  return [...choices, cores];
}

/**
 * First the threads, then the optimization with the threads that were chosen. A setting is chosen over a simpler one (fewer
 * threads, ONNX Runtime's own optimization) only when its interval lies wholly below: noise never chooses.
 */
export async function tuneSettings(target: BenchmarkTarget, options: BenchmarkOptions = {}): Promise<Tuned> {
  const tried: Tuned['tried'] = [];
  const measure = async (settings: readonly { threads: number; optimization: Optimization }[]) => {
    const targets = settings.map(({ threads, optimization }) => ({
      ...target,
      label: `${threads} ${threads === 1 ? 'thread' : 'threads'}, ${optimization}`,
      threads,
      load: { ...target.load, optimization },
    }));
    const results = await benchmarkModels(targets, options);
    return results.map(({ benchmark }, at) => {
      const { threads = 1, optimization = 'all' } = settings[at] ?? {};
      const row = {
        threads,
        optimization,
        p50: benchmark.latencyMs.p50,
        cpuCores: benchmark.cpuCores ?? 0,
        ...(benchmark.p50Interval && { p50Interval: benchmark.p50Interval }),
      };
      tried.push(row);
      return row;
    });
  };
  const threads = chooseSimplest(await measure(threadChoices().map((count) => ({ threads: count, optimization: 'all' as const }))));
  const choice = chooseSimplest(await measure(OPTIMIZATIONS.map((optimization) => ({ threads: threads.threads, optimization }))));
  const plain = tried.find((row) => row.threads === 1 && row.optimization === 'all') ?? choice;
  return {
    threads: choice.threads,
    optimization: choice.optimization,
    reason: reasonFor(choice, plain),
    tried,
  };
}

type Row = Tuned['tried'][number];

/** @param rows simplest first, not empty */
export function chooseSimplest(rows: readonly Row[]): Row {
  const [first, ...others] = rows;
  if (!first) throw new RangeError('nothing was measured');
  return others.reduce((best, row) => (surelyFaster(row, best) ? row : best), first);
}

function reasonFor(choice: Row, plain: Row): string {
  if (choice.threads === plain.threads && choice.optimization === plain.optimization) return 'Nothing that was tried is faster beyond the noise.';
  return `${(plain.p50 / choice.p50).toFixed(2)}× the speed of one thread with ONNX Runtime’s own optimization.`;
}
