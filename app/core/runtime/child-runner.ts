/** The parent's side of a runner: a child process, and what it is asked in terms of models and tensors. */
import { randomUUID } from 'node:crypto';
import { mkdir, rm, stat } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asEdgewrightError, type ProviderUse, type TensorInfo } from '#contract';
import type { Tensor } from '#core/datasets';
import { ChildCalls, CONFINED, CONFINED_WRITING, type Frame, residentMemory, spawnNode, UNCONFINED } from '#core/platform';
import { loadNative } from '#native';
import { closed, endWords, reported, startFailed } from './errors.ts';
import {
  BENCHMARK_TIMEOUT_MS,
  LOAD_TIMEOUT_MS,
  MAX_PROFILE_BYTES,
  MEMORY_POLL_MS,
  MEMORY_TIMEOUT_MS,
  PARENT_POLL_MS,
  RUN_TIMEOUT_MS,
  START_TIMEOUT_MS,
} from './limits.ts';
import { NETWORK_CUT, networkCut } from './network-cut.ts';
import { limitMemory, OWN_LIMIT } from './memory-limit.ts';
import { providerUse } from './providers.ts';
import type { CallOptions, LoadedModel, LoadRequest, Runner, RunnerEnd, RunnerOptions } from './runner.ts';
import { packTensors, unpackTensors } from './tensor-frames.ts';
import type { Answer, ProbedOutput, Profile, Ready, Request, RunnerArguments, SessionRequest } from './wire.ts';

/**
 * Starts a runner process, which holds one model at a time.
 * @throws runtime.start-failed (machine)
 */
export async function startRunner(options: RunnerOptions = {}): Promise<Runner> {
  const through = loadNative() ? [] : await networkCut();
  const runner = new ChildRunner(options, through);
  try {
    await runner.ready(options.signal);
    return runner;
  } catch (error) {
    runner.kill();
    throw error;
  }
}

/** Beside this file, in the sources as in the built program. */
function runnerEntry(): string {
  return fileURLToPath(new URL(`./runner-main${extname(import.meta.url)}`, import.meta.url));
}

/** What the runner said when all went well. */
interface Answered {
  header: Extract<Answer, { ok: true }>;
  body: Buffer;
}

class ChildRunner implements Runner {
  readonly ended: Promise<RunnerEnd>;
  readonly #calls: ChildCalls;
  readonly #options: RunnerOptions;
  readonly #limit: number;
  #model: LoadedModel | undefined;
  #use: ProviderUse | undefined;
  #ready: Ready | undefined;
  #enforcement = 'none';
  #isolation = UNCONFINED;
  #profiles = 0;
  /** For profiles; removed when the process has ended, by the runner itself where we did not live to do it. */
  readonly #scratch = join(tmpdir(), `edgewright-runner-${randomUUID()}`);

  /** @param through what cuts it off from the network, where it cannot do so itself */
  constructor(options: RunnerOptions, through: readonly string[]) {
    this.#options = options;
    this.#limit = options.memoryLimitBytes ?? 0;
    const args: RunnerArguments = {
      parent: process.pid,
      scratch: this.#scratch,
      memoryLimitBytes: this.#limit,
      writes: options.writes ?? true,
      parentPollMs: PARENT_POLL_MS,
      memoryPollMs: MEMORY_POLL_MS,
    };
    const child = spawnNode(runnerEntry(), [JSON.stringify(args)], { env: { ORT_DISABLE_TELEMETRY: '1' }, through, confinable: true });
    if (through.length > 0) this.#isolation = NETWORK_CUT;
    this.#calls = new ChildCalls(child, endWords(this.#limit));
    this.ended = this.#watchEnd();
  }

  get pid(): number {
    return this.#calls.pid;
  }
  get alive(): boolean {
    return this.#calls.alive;
  }
  get model(): LoadedModel | undefined {
    return this.#model;
  }
  get inputs(): readonly TensorInfo[] {
    return this.#model?.inputs ?? [];
  }
  get outputs(): readonly TensorInfo[] {
    return this.#model?.outputs ?? [];
  }
  get onnxruntime(): string {
    return this.#ready?.onnxruntime ?? '';
  }
  get backends(): readonly string[] {
    return this.#ready?.backends ?? [];
  }
  get enforcement(): string {
    return this.#enforcement;
  }
  get isolation(): string {
    return this.#isolation;
  }

  async ready(signal: AbortSignal | undefined): Promise<void> {
    const first = await this.#calls.ready({ what: 'start ONNX Runtime', signal, timeoutMs: START_TIMEOUT_MS }).catch((thrown: unknown) => {
      const error = asEdgewrightError(thrown);
      // A limit below what the runner itself needs is the limit's fault, not the installation's.
      throw error.code === 'runtime.crashed' ? startFailed(this.#calls.stderr(), error.found) : error;
    });
    this.#ready = first.header as Ready;
    if (this.#limit > 0) this.#enforcement = this.#ready.limited ? OWN_LIMIT : await limitMemory(this.pid, this.#limit);
  }

  async load(request: LoadRequest, options: CallOptions = {}): Promise<LoadedModel> {
    // Says "no such file" in the usual words instead of ONNX Runtime's.
    await stat(request.path);
    const providers = request.providers && request.providers.length > 0 ? [...request.providers] : ['cpu'];
    const session: SessionRequest = {
      path: request.path,
      providers,
      strict: request.strict ?? false,
      threads: threadCount(request.threads ?? this.#options.threads ?? 1),
      optimization: request.optimization ?? 'all',
      ...(request.profile && { profilePrefix: await this.#profilePath() }),
      ...(request.optimizedPath !== undefined && { optimizedPath: request.optimizedPath }),
      ...(request.mapWeights && { mapWeights: true }),
    };
    this.#model = undefined;
    this.#use = undefined;
    const { header } = await this.#call({ op: 'load', session }, [], 'load a model', { timeoutMs: LOAD_TIMEOUT_MS, ...options });
    if (!('load' in header)) throw closed();
    const { confined, ...loaded } = header.load;
    if (confined) this.#isolation = this.#options.writes === false ? CONFINED : CONFINED_WRITING;
    this.#model = { ...loaded, requested: providers };
    return this.#model;
  }

  async run(
    feeds: Readonly<Record<string, Tensor>>,
    options: CallOptions & { outputs?: readonly string[] } = {},
  ): Promise<{ outputs: Record<string, Tensor>; latencyMs: number }> {
    const { headers, bodies } = packTensors(feeds);
    const { header, body } = await this.#call({ op: 'run', feeds: headers, outputs: options.outputs }, bodies, 'run a model', options);
    if (!('outputs' in header)) throw closed();
    return { outputs: unpackTensors(header.outputs, body), latencyMs: header.latencyMs };
  }

  async probe(feeds: Readonly<Record<string, Tensor>>, options: CallOptions = {}): Promise<{ outputs: ProbedOutput[]; latencyMs: number }> {
    const { headers, bodies } = packTensors(feeds);
    const { header } = await this.#call({ op: 'probe', feeds: headers }, bodies, 'try a model', options);
    if (!('probed' in header)) throw closed();
    return { outputs: header.probed, latencyMs: header.latencyMs };
  }

  async benchmark(
    request: { feeds: Readonly<Record<string, Tensor>>; runs: number; warmup: number },
    options: CallOptions = {},
  ): Promise<{ samplesMs: Float64Array; cpuMs: number }> {
    const { headers, bodies } = packTensors(request.feeds);
    const { header, body } = await this.#call({ op: 'benchmark', feeds: headers, runs: request.runs, warmup: request.warmup }, bodies, 'measure a model', {
      timeoutMs: BENCHMARK_TIMEOUT_MS,
      ...options,
    });
    if (!('samples' in header)) throw closed();
    return { samplesMs: new Float64Array(new Uint8Array(body).buffer), cpuMs: header.cpuMs };
  }

  async providers(feeds?: Readonly<Record<string, Tensor>>, options: CallOptions = {}): Promise<ProviderUse> {
    if (!feeds && this.#use) return this.#use;
    const { nodes } = await this.profile(feeds ?? {}, 1, options);
    this.#use = providerUse(this.#model?.requested ?? [], this.#model?.dropped ?? [], nodes);
    return this.#use;
  }

  async profile(feeds: Readonly<Record<string, Tensor>>, runs: number, options: CallOptions = {}): Promise<Profile> {
    const { headers, bodies } = packTensors(feeds);
    const prefix = await this.#profilePath();
    const request: Request = { op: 'profile', feeds: headers, prefix, maxBytes: MAX_PROFILE_BYTES, runs };
    const { header } = await this.#call(request, bodies, 'profile a model', { timeoutMs: LOAD_TIMEOUT_MS, ...options });
    if (!('profile' in header)) throw closed();
    return header.profile;
  }

  async memory(): Promise<{ now: number; peak: number }> {
    const seen = residentMemory(this.pid);
    if (seen && seen.peak > 0) return seen;
    const { header } = await this.#call({ op: 'memory' }, [], 'say how much memory it has', { timeoutMs: MEMORY_TIMEOUT_MS });
    return 'memory' in header ? header.memory : { now: 0, peak: 0 };
  }

  kill(): void {
    this.#calls.kill();
  }

  async close(): Promise<void> {
    this.kill();
    await this.ended;
  }

  async #call(request: Request, bodies: readonly Uint8Array[], what: string, { signal, timeoutMs = RUN_TIMEOUT_MS }: CallOptions): Promise<Answered> {
    const { header, body }: Frame = await this.#calls.ask(request, bodies, { what, signal, timeoutMs });
    const answer = header as Answer;
    if (!answer.ok) {
      // What was written to stderr before the answer is here once this round of reading is done.
      await new Promise((resolve) => setImmediate(resolve));
      throw reported(answer.kind, answer.message, this.#limit, this.#calls.stderr());
    }
    return { header: answer, body };
  }

  async #watchEnd(): Promise<RunnerEnd> {
    const { error, ...exit } = await this.#calls.ended;
    await rm(this.#scratch, { recursive: true, force: true }).catch(() => {});
    return { ...exit, ...(error.code !== 'runtime.closed' && { error }) };
  }

  /** A new name, so that no profile is taken for another. */
  async #profilePath(): Promise<string> {
    await mkdir(this.#scratch, { recursive: true, mode: 0o700 });
    return join(this.#scratch, `profile-${this.#profiles++}`);
  }
}

function threadCount(threads: number): number {
  return threads > 0 ? threads : availableParallelism();
}
