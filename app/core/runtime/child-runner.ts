/** The parent's side of a runner: start it, ask it, and end it whatever happens. */
import { randomUUID } from 'node:crypto';
import { mkdir, rm, stat } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EdgewrightError, type ProviderUse, type TensorInfo } from '#contract';
import type { Tensor } from '#core/datasets';
import { type NodeChild, readFrames, residentMemory, spawnNode, writeFrame, Turns } from '#core/platform';
import { cancelled, closed, crashed, memoryPassed, reported, startFailed, stopped, timedOut } from './errors.ts';
import {
  BENCHMARK_TIMEOUT_MS,
  LAST_WORDS_MS,
  LOAD_TIMEOUT_MS,
  MAX_PROFILE_BYTES,
  MEMORY_POLL_MS,
  MEMORY_TIMEOUT_MS,
  PARENT_POLL_MS,
  RUN_TIMEOUT_MS,
  START_TIMEOUT_MS,
} from './limits.ts';
import { limitMemory, OWN_LIMIT } from './memory-limit.ts';
import { providerUse } from './providers.ts';
import type { CallOptions, LoadedModel, LoadRequest, Runner, RunnerEnd, RunnerOptions } from './runner.ts';
import { packTensors, unpackTensors } from './tensor-frames.ts';
import { type Answer, MEMORY_MARK, type ProbedOutput, type Ready, type Request, type RunnerArguments, type SessionRequest } from './wire.ts';

/**
 * Starts a runner process, which holds one model at a time.
 * @throws runtime.start-failed (machine)
 */
export async function startRunner(options: RunnerOptions = {}): Promise<Runner> {
  const runner = new ChildRunner(options);
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

interface Pending {
  id: number;
  what: string;
  resolve(answer: Answered): void;
  reject(error: Error): void;
}

class ChildRunner implements Runner {
  readonly #child: NodeChild;
  readonly #options: RunnerOptions;
  readonly #limit: number;
  readonly ended: Promise<RunnerEnd>;
  #model: LoadedModel | undefined;
  #use: ProviderUse | undefined;
  #ready: Ready | undefined;
  #enforcement = 'none';
  #pending: Pending | undefined;
  #onReady: ((ready: Ready) => void) | undefined;
  /** Set when we end it ourselves: what later calls fail with. */
  #why: EdgewrightError | undefined;
  #over = false;
  readonly #turns = new Turns();
  #nextId = 1;
  /** For profiles; removed when the process has ended, by the runner itself where we did not live to do it. */
  readonly #scratch = join(tmpdir(), `edgewright-runner-${randomUUID()}`);

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#limit = options.memoryLimitBytes ?? 0;
    const args: RunnerArguments = {
      parent: process.pid,
      scratch: this.#scratch,
      memoryLimitBytes: this.#limit,
      parentPollMs: PARENT_POLL_MS,
      memoryPollMs: MEMORY_POLL_MS,
    };
    this.#child = spawnNode(runnerEntry(), [JSON.stringify(args)], { env: { ORT_DISABLE_TELEMETRY: '1' } });
    const [, , , input, output] = this.#child.process.stdio;
    // A broken pipe only means that the process is ending, which `ended` tells.
    input?.on('error', () => {});
    output?.on('error', () => {});
    if (output && 'read' in output)
      readFrames(
        output,
        ({ header, body }) => this.#receive(header, body),
        () => this.#end(crashed(this.#doing(), { code: null, signal: null }, this.#child.stderr())),
      );
    this.ended = this.#watchEnd();
  }

  get pid(): number {
    return this.#child.process.pid ?? -1;
  }
  get alive(): boolean {
    return !this.#over && !this.#why;
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

  async ready(signal: AbortSignal | undefined): Promise<void> {
    const ready = new Promise<Ready>((resolve) => {
      this.#onReady = resolve;
    });
    const first = await this.#guard(Promise.race([ready, this.ended]), 'Starting ONNX Runtime', { signal, timeoutMs: START_TIMEOUT_MS });
    // A limit below what the runner itself needs is the limit's fault, not the installation's.
    if (!('ready' in first) && first.error?.code === 'runtime.memory') throw first.error;
    if (!('ready' in first)) throw startFailed(this.#child.stderr(), first.error?.found);
    this.#ready = first;
    if (this.#limit > 0) this.#enforcement = first.limited ? OWN_LIMIT : await limitMemory(this.pid, this.#limit);
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
    this.#model = { ...header.load, requested: providers };
    return this.#model;
  }

  async run(
    feeds: Readonly<Record<string, Tensor>>,
    options: CallOptions & { outputs?: readonly string[] } = {},
  ): Promise<{ outputs: Record<string, Tensor>; latencyMs: number }> {
    const { headers, bodies } = packTensors(feeds);
    const { header, body } = await this.#call({ op: 'run', feeds: headers, outputs: options.outputs }, bodies, 'run a model', {
      timeoutMs: RUN_TIMEOUT_MS,
      ...options,
    });
    if (!('outputs' in header)) throw closed();
    return { outputs: unpackTensors(header.outputs, body), latencyMs: header.latencyMs };
  }

  async probe(feeds: Readonly<Record<string, Tensor>>, options: CallOptions = {}): Promise<{ outputs: ProbedOutput[]; latencyMs: number }> {
    const { headers, bodies } = packTensors(feeds);
    const { header } = await this.#call({ op: 'probe', feeds: headers }, bodies, 'try a model', { timeoutMs: RUN_TIMEOUT_MS, ...options });
    if (!('probed' in header)) throw closed();
    return { outputs: header.probed, latencyMs: header.latencyMs };
  }

  async benchmark(
    request: { feeds: Readonly<Record<string, Tensor>>; runs: number; warmup: number },
    options: CallOptions = {},
  ): Promise<{ samplesMs: Float64Array }> {
    const { headers, bodies } = packTensors(request.feeds);
    const { body } = await this.#call({ op: 'benchmark', feeds: headers, runs: request.runs, warmup: request.warmup }, bodies, 'measure a model', {
      timeoutMs: BENCHMARK_TIMEOUT_MS,
      ...options,
    });
    return { samplesMs: new Float64Array(new Uint8Array(body).buffer) };
  }

  async providers(feeds?: Readonly<Record<string, Tensor>>, options: CallOptions = {}): Promise<ProviderUse> {
    if (!feeds && this.#use) return this.#use;
    const { headers, bodies } = packTensors(feeds ?? {});
    const prefix = await this.#profilePath();
    const { header } = await this.#call({ op: 'profile', feeds: headers, prefix, maxBytes: MAX_PROFILE_BYTES }, bodies, 'profile a model', {
      timeoutMs: LOAD_TIMEOUT_MS,
      ...options,
    });
    if (!('nodes' in header)) throw closed();
    this.#use = providerUse(this.#model?.requested ?? [], this.#model?.dropped ?? [], header.nodes);
    return this.#use;
  }

  async memory(): Promise<{ now: number; peak: number }> {
    const seen = residentMemory(this.pid);
    if (seen && seen.peak > 0) return seen;
    const { header } = await this.#call({ op: 'memory' }, [], 'say how much memory it has', { timeoutMs: MEMORY_TIMEOUT_MS });
    return 'memory' in header ? header.memory : { now: 0, peak: 0 };
  }

  kill(): void {
    this.#end(closed());
  }

  async close(): Promise<void> {
    this.kill();
    await this.ended;
  }

  /** One call after another; the clock of a call starts when it is its turn. */
  async #call(request: Request, bodies: readonly Uint8Array[], what: string, options: CallOptions): Promise<Answered> {
    try {
      return await this.#turns.take(() => this.#exchange(request, bodies, what, options), options.signal);
    } catch (error) {
      // Left the queue before its turn: say why in the words of every other cancel.
      if (options.signal?.aborted && !(error instanceof EdgewrightError)) throw cancelled(options.signal);
      throw error;
    }
  }

  async #exchange(request: Request, bodies: readonly Uint8Array[], what: string, options: CallOptions): Promise<Answered> {
    if (this.#why || this.#over) throw stopped(this.#why ?? closed());
    const id = this.#nextId++;
    try {
      const answer = new Promise<Answered>((resolve, reject) => {
        this.#pending = { id, what, resolve, reject };
      });
      const input = this.#child.process.stdio[3];
      if (input && 'write' in input) writeFrame(input, { id, ...request }, bodies).catch((error: Error) => this.#failWrite(id, error));
      return await this.#guard(answer, `To ${what}`, options);
    } finally {
      this.#pending = undefined;
    }
  }

  /** Ends the process when the work takes too long or is cancelled. */
  async #guard<T>(work: Promise<T>, what: string, { signal, timeoutMs = RUN_TIMEOUT_MS }: CallOptions): Promise<T> {
    if (signal?.aborted) {
      this.#end(cancelled(signal));
      throw cancelled(signal);
    }
    const stop = Promise.withResolvers<never>();
    const giveUp = (error: EdgewrightError) => {
      this.#end(error);
      stop.reject(error);
    };
    const timer = setTimeout(() => giveUp(timedOut(what, timeoutMs)), timeoutMs);
    const onAbort = () => signal && giveUp(cancelled(signal));
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([work, stop.promise]);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      work.catch(() => {});
    }
  }

  #receive(header: unknown, body: Buffer): void {
    if (isReady(header)) return this.#onReady?.(header);
    const answer = header as Answer;
    if (!this.#pending || answer.id !== this.#pending.id) return;
    if (answer.ok) this.#pending.resolve({ header: answer, body });
    else this.#report(this.#pending, answer);
  }

  /** What was written to stderr before the answer is here once this round of reading is done. */
  #report({ reject }: { reject: (error: Error) => void }, { kind, message }: Extract<Answer, { ok: false }>): void {
    setImmediate(() => reject(reported(kind, message, this.#limit, this.#child.stderr())));
  }

  /** The frame was too large: nothing was sent, the runner is whole. Any other write error means that it is ending. */
  #failWrite(id: number, error: Error): void {
    if ('code' in error && error.code === 'machine.frame-too-large' && this.#pending?.id === id) this.#pending.reject(error);
  }

  #end(why: EdgewrightError): void {
    if (this.#why || this.#over) return;
    this.#why = why;
    this.#child.process.kill('SIGKILL');
    this.#pending?.reject(why);
  }

  async #watchEnd(): Promise<RunnerEnd> {
    const how = await this.#child.ended;
    await lastWordsRead(this.#child);
    this.#over = true;
    const stderr = this.#child.stderr();
    const memory = this.#limit > 0 && (stderr.includes(MEMORY_MARK) || /out of memory|bad_alloc/i.test(stderr));
    const found = stderr.slice(Math.max(0, stderr.lastIndexOf(MEMORY_MARK))).trim();
    this.#why ??= memory ? memoryPassed(this.#limit, found.slice(-300)) : crashed(this.#doing(), how, stderr);
    this.#pending?.reject(this.#why);
    await rm(this.#scratch, { recursive: true, force: true }).catch(() => {});
    return { ...how, ...(this.#why.code !== 'runtime.closed' && { error: this.#why }) };
  }

  #doing(): string {
    return this.#pending?.what ?? 'wait';
  }

  /** A new name, so that no profile is taken for another. */
  async #profilePath(): Promise<string> {
    await mkdir(this.#scratch, { recursive: true, mode: 0o700 });
    return join(this.#scratch, `profile-${this.#nextId++}`);
  }
}

function isReady(header: unknown): header is Ready {
  return typeof header === 'object' && header !== null && 'ready' in header;
}

function threadCount(threads: number): number {
  return threads > 0 ? threads : availableParallelism();
}

/** The pipe may still hold what a process wrote just before it ended. */
function lastWordsRead(child: NodeChild): Promise<void> {
  const { stderr } = child.process;
  if (!stderr || stderr.readableEnded || stderr.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, LAST_WORDS_MS);
    stderr.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
