/** What a runner is to the rest of the program. */
import type { EdgewrightError, ProviderUse, TensorInfo } from '#contract';
import type { Tensor } from '#core/datasets';
import type { ProbedOutput, Profile, SessionRequest } from './wire.ts';

export interface RunnerOptions {
  /** Threads of one run; 0 = all usable cores. */
  threads?: number | undefined;
  /** Resident memory the process may reach; without it there is no limit. */
  memoryLimitBytes?: number | undefined;
  /** It may write files, which profiles and optimized models need; true unless said otherwise. */
  writes?: boolean | undefined;
  /** What it is for, in words, for messages. */
  label?: string | undefined;
  signal?: AbortSignal | undefined;
}

export interface LoadRequest {
  path: string;
  /** Execution providers in order of preference; the CPU if none is named. */
  providers?: readonly string[] | undefined;
  /** Fail rather than run any node on the CPU instead of the first provider. */
  strict?: boolean | undefined;
  threads?: number | undefined;
  optimization?: SessionRequest['optimization'] | undefined;
  /** Record the first run, so that `providers()` needs no second session. */
  profile?: boolean | undefined;
  /** Write the optimized model here. */
  optimizedPath?: string | undefined;
  mapWeights?: boolean | undefined;
}

export interface CallOptions {
  /** Aborting while the call is running ends the process: ONNX Runtime cannot be interrupted. */
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
}

export interface LoadedModel {
  inputs: TensorInfo[];
  outputs: TensorInfo[];
  /** Time ONNX Runtime took, in ms. */
  loadMs: number;
  requested: string[];
  /** Providers asked for that this build of ONNX Runtime does not have, so the others were used. */
  dropped: string[];
}

export interface RunnerEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Why, unless it was closed. */
  error?: EdgewrightError;
}

export interface Runner {
  readonly pid: number;
  readonly alive: boolean;
  /** The model it holds. */
  readonly model: LoadedModel | undefined;
  /** Its inputs and outputs; empty before a model is loaded. */
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  /** Version of ONNX Runtime. */
  readonly onnxruntime: string;
  /** Providers in this build of ONNX Runtime; not proof that they work here. */
  readonly backends: readonly string[];
  /** How its memory limit is held, in words; `none` without one. */
  readonly enforcement: string;
  /** What it cannot do since it read its first model, in words. Drivers of other providers than the CPU need more than can be told. */
  readonly isolation: string;
  load(request: LoadRequest, options?: CallOptions): Promise<LoadedModel>;
  run(
    feeds: Readonly<Record<string, Tensor>>,
    options?: CallOptions & { outputs?: readonly string[] },
  ): Promise<{ outputs: Record<string, Tensor>; latencyMs: number }>;
  /** Runs once and tells about the outputs instead of handing them over; those that are no tensors are left out. */
  probe(feeds: Readonly<Record<string, Tensor>>, options?: CallOptions): Promise<{ outputs: ProbedOutput[]; latencyMs: number }>;
  benchmark(
    request: { feeds: Readonly<Record<string, Tensor>>; runs: number; warmup: number },
    options?: CallOptions,
  ): Promise<{ samplesMs: Float64Array; cpuMs: number }>;
  /**
   * Which node ran where, read from the profile of a real run: of one on `feeds`, or without them of the first run after a load with
   * `profile`. Without feeds a second question gets the same answer.
   */
  providers(feeds?: Readonly<Record<string, Tensor>>, options?: CallOptions): Promise<ProviderUse>;
  /** How long each node takes, from the profile of `runs` real runs in a session of its own. */
  profile(feeds: Readonly<Record<string, Tensor>>, runs: number, options?: CallOptions): Promise<Profile>;
  /** Resident memory of the process in bytes, now and at its highest. */
  memory(): Promise<{ now: number; peak: number }>;
  /** Ends the process and waits until it is gone. */
  close(): Promise<void>;
  /** Ends the process at once. */
  kill(): void;
  readonly ended: Promise<RunnerEnd>;
}
