/** Benchmarks of a model on this computer, as a job: settings side by side, then whatever else was asked for. */
import { basename } from 'node:path';
import { type BenchmarkReport, type BenchmarkRequest, EdgewrightError, type HardwareReport, type MeasuredSetting } from '#contract';
import type { BlobStore } from '#core/bundles';
import { labelledCases, readNpz, type Tensor } from '#core/datasets';
import {
  benchmarkModels,
  type BenchmarkTarget,
  compareProviders,
  largestBatch,
  NOISY,
  nodeCosts,
  repeatRows,
  seriesOf,
  startRunner,
  syntheticFeeds,
  tuneSettings,
} from '#core/runtime';
import { checkProvider } from './check-provider.ts';
import type { JobControl, Jobs } from './jobs.ts';
import { LOAD_TIMEOUT_MS } from './limits.ts';
import type { Runnable, Runnables } from './runnables.ts';

export interface BenchmarksDeps {
  store: BlobStore;
  runnables: Runnables;
  jobs: Jobs;
  hardware(): Promise<HardwareReport>;
}

/** Samples of a data set that are kept at hand, in rows: more would only cost memory. */
const KEPT_ROWS = 64;

export class Benchmarks {
  readonly #deps: BenchmarksDeps;

  constructor(deps: BenchmarksDeps) {
    this.#deps = deps;
  }

  /** The input is samples of the test or calibration set, else made up. @throws runtime.*, usage.unknown-provider */
  async run(request: BenchmarkRequest, signal?: AbortSignal): Promise<BenchmarkReport> {
    if (request.ep !== undefined) checkProvider(request.ep);
    const runnable = await this.#deps.runnables.resolve(request.ref, signal);
    const title = `Benchmark ${runnable.bundle ? request.ref : basename(request.ref)}`;
    return this.#deps.jobs.run({ kind: 'benchmark', title, link: '/', id: request.jobId }, signal, (control) => this.#measure(request, runnable, control));
  }

  async #measure(request: BenchmarkRequest, runnable: Runnable, control: JobControl): Promise<BenchmarkReport> {
    const { signal } = control;
    const target: BenchmarkTarget = {
      label: basename(runnable.modelPath),
      load: { path: runnable.modelPath, ...(request.ep !== undefined && { providers: [...new Set([request.ep, 'cpu'])] }) },
      feeds: await this.#samples(runnable),
      memoryLimitBytes: runnable.memoryBytes,
    };
    const call = { signal, timeoutMs: LOAD_TIMEOUT_MS };
    const parts = 1 + (request.tune ? 1 : 0) + (request.p99Ms === undefined ? 0 : 1) + (request.profile ? 1 : 0) + (request.compareProviders ? 1 : 0);
    let done = 0;
    const tell = ({ step, fraction = 0 }: { step: string; fraction?: number }) => control.progress(step, (done + fraction) / parts);

    const targets = request.threads.flatMap((threads) =>
      request.batches.map((batch) => ({ ...target, threads, batch, label: `${threads || 'all'} ${threads === 1 ? 'thread' : 'threads'}, batch ${batch}` })),
    );
    const rounds = { rounds: request.rounds, runsPerRound: request.runsPerRound };
    const results = await benchmarkModels(targets, { ...call, ...rounds, onProgress: tell });
    const settings = results.map(({ benchmark, providers, rounds: taken }): MeasuredSetting => ({ ...benchmark, providers, series: seriesOf(taken) }));
    const [first] = settings;
    if (!first) throw new EdgewrightError({ code: 'bug', message: 'The benchmark returned nothing.', owner: 'bug' });
    const { series: _series, ...top } = first;
    const report: BenchmarkReport = { ref: request.ref, ...top, settings, noisy: settings.some((one) => one.noise > NOISY) };
    done += 1;
    const [threads = 1] = request.threads;
    const [batch = 1] = request.batches;
    if (request.tune) {
      report.tuned = await tuneSettings({ ...target, batch }, { ...call, ...rounds, onProgress: ({ step }) => tell({ step: `tuning: ${step}` }) });
      done += 1;
    }
    if (request.p99Ms !== undefined) {
      report.largestBatch = await largestBatch(target, {
        ...call,
        p99Ms: request.p99Ms,
        threads,
        onProgress: ({ step }) => tell({ step: `largest batch: ${step}` }),
      });
      done += 1;
    }
    if (request.compareProviders) {
      const { providers } = await this.#deps.hardware();
      const working = providers.filter((one) => one.state === 'verified' || one.state === 'runtime ok');
      const compared = { ...target, threads, batch };
      const onProgress = ({ step }: { step: string }) => tell({ step: `providers: ${step}` });
      report.providerComparison = await compareProviders(compared, working, { ...call, ...rounds, onProgress });
      done += 1;
    }
    if (request.profile) {
      tell({ step: 'profiling' });
      report.profile = await this.#profile(target, threads, batch, call);
    }
    return report;
  }

  async #profile(
    target: BenchmarkTarget,
    threads: number,
    batch: number,
    call: { signal: AbortSignal; timeoutMs: number },
  ): Promise<BenchmarkReport['profile']> {
    const runner = await startRunner({ threads, memoryLimitBytes: target.memoryLimitBytes, label: target.label, signal: call.signal });
    try {
      const { inputs } = await runner.load(target.load, call);
      return await nodeCosts(runner, target.feeds ? repeatRows(target.feeds, batch) : syntheticFeeds(inputs, batch), call);
    } finally {
      await runner.close();
    }
  }

  async #samples({ bundle }: Runnable): Promise<Record<string, Tensor> | undefined> {
    const files = bundle ? [...bundle.files.values()] : [];
    const set = files.find((file) => file.role === 'test') ?? files.find((file) => file.role === 'calibration');
    if (!set) return undefined;
    const { inputs, samples } = labelledCases(await readNpz(this.#deps.store.path(set.digest)));
    return repeatRows(inputs, Math.min(samples, KEPT_ROWS));
  }
}
