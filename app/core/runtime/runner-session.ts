/** Inside the runner: one ONNX Runtime session, and what can be done with it. */
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type * as OrtModule from 'onnxruntime-node';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { type ProfileEvent, profileOf } from './runner-profile.ts';
import type { FailureKind, LoadAnswer, PortInfo, ProbedOutput, Profile, SessionRequest, TensorHeader } from './wire.ts';

export type Ort = typeof OrtModule;

/** Carries to the parent why it failed. */
export class RunnerFailure extends Error {
  readonly kind: FailureKind;
  constructor(kind: FailureKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

type Feeds = Record<string, Tensor>;
type MakeTensor = new (type: string, data: unknown, dims: readonly number[]) => Tensor;

const ARRAYS: Record<string, new (buffer: ArrayBuffer, offset: number, length: number) => unknown> = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
};

export class ModelSession {
  readonly #ort: Ort;
  #session: InferenceSession | undefined;
  #request: SessionRequest | undefined;
  #profilePrefix: string | undefined;
  #runs = 0;

  constructor(ort: Ort) {
    this.#ort = ort;
  }

  /** Loads a model in place of the one before. */
  async load(request: SessionRequest): Promise<Omit<LoadAnswer, 'confined'>> {
    await this.#session?.release();
    this.#session = undefined;
    this.#runs = 0;
    const known = new Set(this.#ort.listSupportedBackends().map((b) => b.name));
    const dropped = request.providers.filter((name) => !known.has(name));
    // onnxruntime-node drops such providers with no more than a console warning; here it is said, and never silent.
    const usable = request.providers.filter((name) => known.has(name));
    if (usable.length === 0 || (request.strict && dropped.length > 0)) {
      throw new RunnerFailure('provider', `This build of ONNX Runtime has no execution provider ${dropped.join(', ')}; it has ${[...known].join(', ')}.`);
    }
    const start = performance.now();
    try {
      this.#session = await this.#ort.InferenceSession.create(request.path, sessionOptions({ ...request, providers: usable }));
    } catch (error) {
      throw new RunnerFailure(failureOf(error, usable), messageOf(error));
    }
    const loadMs = performance.now() - start;
    this.#request = { ...request, providers: usable };
    this.#profilePrefix = request.profilePrefix;
    return { inputs: ports(this.#session.inputMetadata), outputs: ports(this.#session.outputMetadata), loadMs, dropped };
  }

  async run(
    headers: readonly TensorHeader[],
    body: Buffer,
    outputs: readonly string[] | undefined,
  ): Promise<{ headers: TensorHeader[]; bodies: Uint8Array[]; latencyMs: number }> {
    const session = this.#loaded();
    const feeds = this.#feeds(headers, body);
    const start = performance.now();
    const result = await this.#once(session, feeds, outputs);
    const latencyMs = performance.now() - start;
    const bodies: Uint8Array[] = [];
    const answers = Object.entries(result).map(([name, tensor]) => {
      const { data } = tensor;
      const bytes = ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : Buffer.from(JSON.stringify(data), 'utf8');
      bodies.push(bytes);
      return { name, type: tensor.type, dims: tensor.dims, bytes: bytes.byteLength };
    });
    return { headers: answers, bodies, latencyMs };
  }

  /** Runs once and looks at the outputs here: a hostile model's may be larger than the parent could take. Outputs that are no tensors are not asked for. */
  async probe(headers: readonly TensorHeader[], body: Buffer): Promise<{ probed: ProbedOutput[]; latencyMs: number }> {
    const session = this.#loaded();
    const feeds = this.#feeds(headers, body);
    const start = performance.now();
    const result = session.outputMetadata.some((output) => output.isTensor) ? await this.#once(session, feeds, undefined) : {};
    const latencyMs = performance.now() - start;
    const probed = Object.entries(result).map(([name, { type, dims, data }]) => ({
      name,
      type,
      dims: dims.slice(0, MAX_TOLD_DIMS),
      elements: (data as ArrayLike<unknown>).length,
      notFinite: countNotFinite(type, data),
    }));
    return { probed, latencyMs };
  }

  /** Times `runs` runs, after `warmup` that are not counted. Milliseconds around ONNX Runtime's own call, nothing of the pipe. */
  async benchmark(headers: readonly TensorHeader[], body: Buffer, runs: number, warmup: number): Promise<{ samples: Float64Array; cpuMs: number }> {
    const session = this.#loaded();
    const feeds = this.#feeds(headers, body);
    for (let i = 0; i < warmup; i++) await this.#once(session, feeds, undefined);
    const samples = new Float64Array(runs);
    const cpuBefore = process.cpuUsage();
    for (let i = 0; i < runs; i++) {
      const start = performance.now();
      await this.#once(session, feeds, undefined);
      samples[i] = performance.now() - start;
    }
    const { user, system } = process.cpuUsage(cpuBefore);
    return { samples, cpuMs: (user + system) / 1000 };
  }

  /** Which node ran on which provider and how long, from the profile of real runs. */
  async profile(
    headers: readonly TensorHeader[],
    body: Buffer,
    { prefix, maxBytes, runs }: { prefix: string; maxBytes: number; runs: number },
  ): Promise<Profile> {
    let session = this.#loaded();
    let own = this.#profilePrefix;
    const request = this.#request;
    if (own === undefined && request) {
      own = prefix;
      session = await this.#ort.InferenceSession.create(request.path, sessionOptions({ ...request, profilePrefix: prefix, optimizedPath: undefined }));
    }
    if (own === undefined) throw new RunnerFailure('state', 'No model is loaded.');
    try {
      if (session !== this.#session || this.#runs === 0) {
        const feeds = this.#feeds(headers, body);
        for (let run = 0; run < runs; run++) await this.#once(session, feeds, undefined);
      }
      session.endProfiling();
      return readProfile(own, maxBytes);
    } finally {
      if (session === this.#session) this.#profilePrefix = undefined;
      else await session.release();
    }
  }

  #loaded(): InferenceSession {
    if (!this.#session) throw new RunnerFailure('state', 'No model is loaded.');
    return this.#session;
  }

  /** Without a word about outputs: all that are tensors. ONNX Runtime's Node binding cannot hand over sequences and maps, and fails when asked for one. */
  async #once(session: InferenceSession, feeds: Feeds, outputs: readonly string[] | undefined): Promise<InferenceSession.OnnxValueMapType> {
    const wanted = outputs && outputs.length > 0 ? outputs : session.outputMetadata.filter((output) => output.isTensor).map((output) => output.name);
    if (wanted.length === 0) throw new RunnerFailure('run', 'None of the outputs of the model is a tensor.');
    try {
      const result = await session.run(feeds, wanted);
      if (session === this.#session) this.#runs++;
      return result;
    } catch (error) {
      throw new RunnerFailure(isMemory(messageOf(error)) ? 'memory' : 'run', messageOf(error));
    }
  }

  #feeds(headers: readonly TensorHeader[], body: Buffer): Feeds {
    let at = 0;
    const feeds = headers.map(({ name, type, dims, bytes }): [string, Tensor] => {
      const part = body.subarray(at, at + bytes);
      at += bytes;
      try {
        return [name, new (this.#ort.Tensor as unknown as MakeTensor)(type, type === 'string' ? JSON.parse(part.toString('utf8')) : viewOf(type, part), dims)];
      } catch (error) {
        throw new RunnerFailure('run', `The input ${name}: ${messageOf(error)}`);
      }
    });
    return Object.fromEntries(feeds);
  }
}

function sessionOptions(request: SessionRequest): InferenceSession.SessionOptions {
  const strict = request.strict && request.providers[0] !== 'cpu';
  const session: Record<string, string> = {
    ...(strict && { disable_cpu_ep_fallback: '1' }),
    ...(request.mapWeights && { disable_prepacking: '1' }),
  };
  return {
    // Naming the CPU and forbidding it contradict each other, says ONNX Runtime.
    executionProviders: strict ? request.providers.filter((name) => name !== 'cpu') : [...request.providers],
    graphOptimizationLevel: request.optimization,
    intraOpNumThreads: request.threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    logSeverityLevel: 3,
    ...(request.profilePrefix !== undefined && { enableProfiling: true, profileFilePrefix: request.profilePrefix }),
    ...(request.optimizedPath !== undefined && { optimizedModelFilePath: request.optimizedPath }),
    ...(Object.keys(session).length > 0 && { extra: { session } }),
  };
}

function ports(metadata: readonly InferenceSession.ValueMetadata[]): PortInfo[] {
  return metadata.map((m) => (m.isTensor ? { name: m.name, type: m.type, dims: [...m.shape] } : { name: m.name, type: 'not a tensor', dims: [] }));
}

/** Dimensions told of one output; more than any real tensor has. */
const MAX_TOLD_DIMS = 32;

function countNotFinite(type: string, data: unknown): number {
  let count = 0;
  if (data instanceof Float32Array || data instanceof Float64Array) {
    for (const value of data) if (!Number.isFinite(value)) count++;
  } else if (type === 'float16' && data instanceof Uint16Array) {
    for (const bits of data) if ((bits & 0x7c00) === 0x7c00) count++;
  }
  return count;
}

/** The bytes as the array of the element type, copied so that it is aligned and its own. */
function viewOf(type: string, bytes: Buffer): unknown {
  const make = Object.hasOwn(ARRAYS, type) ? ARRAYS[type] : undefined;
  if (!make) throw new Error(`tensors of type ${type} cannot be made`);
  const copy = new Uint8Array(bytes);
  const one = (make as unknown as { BYTES_PER_ELEMENT: number }).BYTES_PER_ELEMENT;
  return new make(copy.buffer, 0, copy.byteLength / one);
}

function readProfile(prefix: string, maxBytes: number): Profile {
  const dir = dirname(prefix);
  const name = readdirSync(dir).find((file) => file.startsWith(`${basename(prefix)}_`));
  if (name === undefined) throw new RunnerFailure('run', 'ONNX Runtime wrote no profile.');
  const path = join(dir, name);
  try {
    if (statSync(path).size > maxBytes) throw new RunnerFailure('run', 'The profile is too large to be read.');
    return profileOf(JSON.parse(readFileSync(path, 'utf8')) as ProfileEvent[]);
  } finally {
    rmSync(path, { force: true });
  }
}

function failureOf(error: unknown, providers: readonly string[]): FailureKind {
  const message = messageOf(error);
  if (isMemory(message)) return 'memory';
  const aboutProvider = /fallback to CPU EP has been explicitly disabled|shared library|adapter|WebGPU|CUDA|TensorRT|provider/i.test(message);
  return aboutProvider && providers.some((name) => name !== 'cpu') ? 'provider' : 'load';
}

function isMemory(message: string): boolean {
  return /bad_alloc|failed to allocate memory|out of memory|allocation failed|cannot allocate memory|resource temporarily unavailable/i.test(message);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
