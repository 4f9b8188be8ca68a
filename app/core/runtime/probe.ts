/**
 * Trying a model that nobody trusts yet: loaded, then run on made-up inputs, in a process held to little memory and time. What shows
 * that the model is unsound is an error; what only shows that these inputs did not suit it, or that it wants more than it was given,
 * is a warning.
 */
import { dirname, sep } from 'node:path';
import { asEdgewrightError, type CheckStage, EdgewrightError, formatBytes, type Warning } from '#contract';
import { startRunner } from './child-runner.ts';
import { MAX_PROBE_LOADS, PROBE_BYTES_PER_MS, PROBE_MEMORY_BYTES, PROBE_MEMORY_PER_BYTE, PROBE_TIMEOUT_MS, RUNNER_MEMORY_BYTES } from './limits.ts';
import { describeFeeds, probeFeeds, type ProbeTry, probeTries } from './probe-inputs.ts';
import type { LoadedModel, Runner } from './runner.ts';
import type { ProbedOutput } from './wire.ts';

export interface ProbeOptions {
  /** For loading and running together, in ms; starting the process comes on top. */
  timeoutMs: number;
  memoryBytes: number;
  signal?: AbortSignal | undefined;
}

export interface ProbeReport {
  stages: CheckStage[];
  warnings: Warning[];
  /** How the limits were held, and what the process could not do, in words. */
  enforcement: string;
  isolation: string;
}

type StageEnd = Pick<CheckStage, 'outcome' | 'detail'>;
/** What one try came to. */
type Tried = { outputs: ProbedOutput[]; latencyMs: number; feeds: string } | { cannot: string } | { error: EdgewrightError };

/**
 * What a model of this size is held to when it is tried. A small one gets little, whatever it asks for; a large one can only have
 * been made large with bytes that are really there.
 * @param storedBytes what its files take on disk
 * @returns `baseTimeoutMs` is the part of `timeoutMs` that even an empty model gets
 */
export function probeLimits(storedBytes: number): { timeoutMs: number; baseTimeoutMs: number; memoryBytes: number } {
  return {
    baseTimeoutMs: PROBE_TIMEOUT_MS,
    timeoutMs: PROBE_TIMEOUT_MS + Math.round(storedBytes / PROBE_BYTES_PER_MS),
    memoryBytes: Math.min(RUNNER_MEMORY_BYTES, PROBE_MEMORY_BYTES + PROBE_MEMORY_PER_BYTE * storedBytes),
  };
}

/** @throws model.load-failed, model.load-crashed, model.run-failed, model.run-crashed (input); cancelled; runtime.start-failed (machine) */
export async function probeModel(path: string, options: ProbeOptions): Promise<ProbeReport> {
  const probe = new Probe(path, options);
  try {
    return await probe.work();
  } finally {
    await probe.close();
  }
}

class Probe {
  readonly #path: string;
  readonly #options: ProbeOptions;
  readonly #warnings: Warning[] = [];
  readonly #stages: CheckStage[] = [];
  #runner: Runner | undefined;
  /** Time left for loads and runs, in ms: starting a process is not the model's doing. */
  #leftMs: number;
  #enforcement = 'none';
  #isolation = 'none';

  constructor(path: string, options: ProbeOptions) {
    this.#path = path;
    this.#options = options;
    this.#leftMs = options.timeoutMs;
  }

  async work(): Promise<ProbeReport> {
    let model: LoadedModel | undefined;
    await this.#stage('load', async () => {
      const loaded = await this.#load();
      if ('model' in loaded) model = loaded.model;
      return loaded.end;
    });
    const found = model;
    await this.#stage('run', async () => (found ? this.#run(found) : { outcome: 'skipped', detail: 'It was not loaded.' }));
    return { stages: this.#stages, warnings: this.#warnings, enforcement: this.#enforcement, isolation: this.#isolation };
  }

  async close(): Promise<void> {
    await this.#runner?.close();
  }

  async #stage(name: CheckStage['name'], work: () => Promise<StageEnd>): Promise<void> {
    const start = performance.now();
    const end = await work();
    this.#stages.push({ name, ms: Math.round(performance.now() - start), ...end });
  }

  async #load(): Promise<{ model?: LoadedModel; end: StageEnd }> {
    try {
      const model = await this.#loadNow();
      return { model, end: { outcome: 'passed', detail: `ONNX Runtime ${this.#runner?.onnxruntime ?? ''}, ${Math.round(model.loadMs)} ms` } };
    } catch (thrown) {
      const error = asEdgewrightError(thrown);
      const words = this.#words(error);
      switch (error.code) {
        case 'runtime.load-failed':
          throw unsound('model.load-failed', `ONNX Runtime refuses the model: ${words}`, 'Export it again, with a current version of the exporter.');
        case 'runtime.crashed':
          if (killedFromOutside(error)) throw error;
          throw unsound('model.load-crashed', 'Loading the model made ONNX Runtime end its process.', 'Do not use this file; export the model again.', words);
        case 'runtime.not-implemented':
          return this.#warned('load.not-implemented', `The model is valid, but ONNX Runtime cannot run it on this computer's processor: ${words}`, error.hint);
        case 'runtime.timeout':
          return this.#warned('load.timeout', `Loading the model did not end within ${this.#options.timeoutMs / 1000} s, so it was not tried.`, MORE_TIME);
        case 'runtime.memory':
          return this.#warned('load.memory', `Loading the model wants more than ${formatBytes(this.#options.memoryBytes)}, so it was not tried.`, MORE_MEMORY);
        default:
          throw error;
      }
    }
  }

  /** A fresh process with the model in it. */
  async #loadNow(): Promise<LoadedModel> {
    await this.#runner?.close();
    const { memoryBytes, signal } = this.#options;
    this.#runner = await startRunner({ threads: 1, memoryLimitBytes: memoryBytes, writes: false, label: 'check', signal });
    this.#enforcement = this.#runner.enforcement;
    const runner = this.#runner;
    const model = await this.#timed((timeoutMs) => runner.load({ path: this.#path }, { signal, timeoutMs }));
    this.#isolation = runner.isolation;
    return model;
  }

  async #run(model: LoadedModel): Promise<StageEnd> {
    const tries = probeTries(model.inputs);
    let notFinite: ProbedOutput[] | undefined;
    let failed: EdgewrightError | undefined;
    let crashes = 0;
    let loads = 1;
    let ran = 0;
    for (const one of tries) {
      if (!this.#runner?.alive) {
        if (loads >= MAX_PROBE_LOADS) break;
        loads++;
        await this.#loadNow();
      }
      const tried = await this.#try(model, one);
      if ('cannot' in tried) {
        if (ran > 0 || failed) break;
        return { outcome: 'skipped', detail: `No inputs could be made up: ${tried.cannot}.` };
      }
      if ('error' in tried) {
        const { code } = tried.error;
        if (code === 'runtime.timeout')
          return this.#warned('run.timeout', `The model did not end within ${this.#options.timeoutMs / 1000} s on made-up inputs. It may never end.`, MORE_TIME)
            .end;
        if (code === 'runtime.memory')
          return this.#warned(
            'run.memory',
            `On made-up inputs the model wants more than ${formatBytes(this.#options.memoryBytes)}: ${this.#words(tried.error)}`,
            MORE_MEMORY,
          ).end;
        if (code === 'runtime.crashed' && !killedFromOutside(tried.error)) crashes++;
        else if (code !== 'runtime.run-failed' && code !== 'runtime.not-implemented') throw tried.error;
        failed = tried.error;
        continue;
      }
      ran++;
      const bad = tried.outputs.filter((output) => output.notFinite > 0);
      if (bad.length > 0) {
        notFinite ??= bad;
        continue;
      }
      return this.#ranWell(tried, crashes > 0 ? failed : undefined);
    }
    if (notFinite) {
      const names = notFinite.map((output) => output.name);
      return this.#warned('outputs.not-finite', `The model answers NaN or infinity on every made-up input that it took: ${list(names)}.`, undefined, names[0])
        .end;
    }
    return this.#neverRan(model, failed, crashes);
  }

  async #try(model: LoadedModel, one: ProbeTry): Promise<Tried> {
    const made = probeFeeds(model.inputs, one);
    if ('cannot' in made) return made;
    const runner = this.#runner;
    if (!runner) throw new Error('no runner to try the model in');
    try {
      const { outputs, latencyMs } = await this.#timed((timeoutMs) => runner.probe(made.feeds, { signal: this.#options.signal, timeoutMs }));
      return { outputs, latencyMs, feeds: describeFeeds(made.feeds) };
    } catch (error) {
      return { error: asEdgewrightError(error) };
    }
  }

  #ranWell(tried: { latencyMs: number; feeds: string }, crash: EdgewrightError | undefined): StageEnd {
    const detail = `${tried.feeds || 'no inputs'}; ${tried.latencyMs.toFixed(1)} ms`;
    if (!crash) return { outcome: 'passed', detail };
    this.#warn('run.crashed', `Some made-up inputs made ONNX Runtime end its process: ${this.#words(crash)}`, 'Keep inputs like these away from the model.');
    return { outcome: 'warned', detail };
  }

  #neverRan(model: LoadedModel, failed: EdgewrightError | undefined, crashes: number): StageEnd {
    if (!failed) return { outcome: 'skipped', detail: 'There was nothing to try.' };
    const words = this.#words(failed);
    if (crashes >= MAX_PROBE_LOADS)
      throw unsound('model.run-crashed', 'Running the model makes ONNX Runtime end its process, whatever the inputs.', 'Do not use this file.', words);
    if (failed.code === 'runtime.not-implemented')
      return this.#warned('run.not-implemented', `ONNX Runtime has no code here for a part of the model: ${words}`, failed.hint).end;
    // Without inputs nothing was made up: it will never run.
    if (model.inputs.length === 0) throw unsound('model.run-failed', `The model needs no inputs, and still cannot run: ${words}`, 'Export it again.');
    return this.#warned(
      'run.failed',
      `The model did not run on any made-up input, which may be the fault of those inputs: ${words}`,
      'A golden set in its bundle shows whether it runs on real ones.',
    ).end;
  }

  async #timed<T>(work: (timeoutMs: number) => Promise<T>): Promise<T> {
    const start = performance.now();
    try {
      return await work(Math.max(1, Math.round(this.#leftMs)));
    } finally {
      this.#leftMs -= performance.now() - start;
    }
  }

  #warn(code: string, message: string, hint?: string, where?: string): void {
    this.#warnings.push({ code, message, ...(where !== undefined && { where }), ...(hint !== undefined && { hint }) });
  }

  #warned(code: string, message: string, hint?: string, where?: string): { end: StageEnd } {
    this.#warn(code, message, hint, where);
    return { end: { outcome: 'warned' } };
  }

  /** What ONNX Runtime said, without the folder the model lies in. */
  #words(error: EdgewrightError): string {
    return (error.found ?? error.message).replaceAll(dirname(this.#path) + sep, '');
  }
}

const MORE_TIME = 'If it is a large model that is known to be good, give it more with --timeout.';
const MORE_MEMORY = 'If it is a large model that is known to be good, give it more with --memory.';

function unsound(code: string, message: string, hint: string, found?: string): EdgewrightError {
  return new EdgewrightError({ code, message, hint, ...(found !== undefined && { found }), owner: 'input' });
}

/** Not the model's doing: a person, or a system that ran out of memory. */
function killedFromOutside(error: EdgewrightError): boolean {
  return error.found?.startsWith('signal SIGKILL') ?? false;
}

function list(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');
}
