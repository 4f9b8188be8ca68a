/** The largest batch whose 99th percentile stays inside a limit: found by doubling, then by halving the gap. */
import { EdgewrightError, type LargestBatch as Report } from '#contract';
import { percentile, sorted, type Tensor } from '#core/datasets';
import { startRunner } from '../child-runner.ts';
import { BATCH_RUNS, BATCH_TIME_MS, MAX_TRIED_BATCH, MIN_BATCH_RUNS } from '../limits.ts';
import type { CallOptions, Runner } from '../runner.ts';
import type { BenchmarkTarget } from './measure.ts';
import { fixedBatch, repeatRows, syntheticFeeds } from './synthetic-feeds.ts';

export type LargestBatch = Report;

type Row = LargestBatch['tried'][number];

export interface LargestBatchOptions extends CallOptions {
  p99Ms: number;
  threads: number;
  /** None larger is tried. */
  maxBatch?: number | undefined;
  onProgress?: ((progress: { step: string }) => void) | undefined;
}

/**
 * Latency grows with the batch but for noise, so the answer is that of the last batch measured inside the limit, with the
 * smallest that was outside it; both were really run.
 * @throws runtime.batch-fixed (input) when the model takes one batch only
 */
export async function largestBatch(target: BenchmarkTarget, options: LargestBatchOptions): Promise<LargestBatch> {
  const { p99Ms, threads, maxBatch = MAX_TRIED_BATCH, signal, onProgress } = options;
  const runner = await startRunner({ threads, memoryLimitBytes: target.memoryLimitBytes, label: target.label, signal });
  const tried: LargestBatch['tried'] = [];
  try {
    const { inputs } = await runner.load(target.load, options);
    const fixed = fixedBatch(inputs);
    if (fixed !== undefined) throw batchIsFixed(fixed);
    const fits = async (batch: number): Promise<boolean> => {
      onProgress?.({ step: `batch ${batch}` });
      const feeds = target.feeds ? repeatRows(target.feeds, batch) : syntheticFeeds(inputs, batch);
      let row = await measure(runner, feeds, batch, options);
      // A 99th percentile of few runs is two or three of them: one busy moment must not decide.
      if (row.p99 > p99Ms) row = better(row, await measure(runner, feeds, batch, options));
      tried.push(row);
      return row.p99 <= p99Ms;
    };
    let good = 0;
    let bad: number | undefined;
    for (let batch = 1; batch <= maxBatch && bad === undefined; batch *= 2) {
      if (await fits(batch)) good = batch;
      else bad = batch;
    }
    while (bad !== undefined && bad - good > 1) {
      const middle = Math.floor((good + bad) / 2);
      if (await fits(middle)) good = middle;
      else bad = middle;
    }
    return {
      p99Ms,
      threads,
      batch: good,
      tried: tried.sort((a, b) => a.batch - b.batch),
      ...(bad === undefined && { stoppedBy: `no larger batch than ${maxBatch} is tried` }),
    };
  } catch (error) {
    // More than its memory is an answer too, as long as something smaller ran.
    const best = tried.filter((row) => row.p99 <= p99Ms).sort((a, b) => b.batch - a.batch)[0];
    if (!(error instanceof EdgewrightError) || error.code !== 'runtime.memory' || !best) throw error;
    return { p99Ms, threads, batch: best.batch, tried: tried.sort((a, b) => a.batch - b.batch), stoppedBy: error.message };
  } finally {
    await runner.close();
  }
}

async function measure(runner: Runner, feeds: Readonly<Record<string, Tensor>>, batch: number, options: LargestBatchOptions): Promise<Row> {
  const warm = await runner.benchmark({ feeds, runs: 2, warmup: 1 }, options);
  const one = Math.max(0.001, percentile(sorted(warm.samplesMs), 50));
  const runs = Math.max(MIN_BATCH_RUNS, Math.min(BATCH_RUNS, Math.floor(BATCH_TIME_MS / one)));
  const { samplesMs } = await runner.benchmark({ feeds, runs, warmup: 0 }, options);
  const inOrder = sorted(samplesMs);
  const total = inOrder.reduce((a, b) => a + b, 0);
  return { batch, p50: percentile(inOrder, 50), p99: percentile(inOrder, 99), runs, throughputPerSecond: (batch * runs * 1000) / total };
}

function better(a: Row, b: Row): Row {
  return b.p99 < a.p99 ? b : a;
}

function batchIsFixed(fixed: number): EdgewrightError {
  return new EdgewrightError({
    code: 'runtime.batch-fixed',
    message: `The model takes batches of ${fixed} and no others.`,
    expected: 'an open first dimension, such as "batch"',
    hint: 'Export it with a dynamic batch axis.',
    owner: 'input',
  });
}
