/**
 * What parent and runner say to each other, one frame a message; tensors travel as raw bytes in the body. Nothing is
 * imported here: the runner holds little but ONNX Runtime, so that its start is quick and its memory is the model's.
 */

/** One tensor in a frame's body; they follow each other in the order of the headers. A string tensor is a JSON array in UTF-8. */
export interface TensorHeader {
  name: string;
  type: string;
  dims: readonly number[];
  bytes: number;
}

export interface SessionRequest {
  path: string;
  providers: readonly string[];
  strict: boolean;
  threads: number;
  optimization: 'disabled' | 'basic' | 'extended' | 'layout' | 'all';
  /** Begin of the profile's path; profiling is on until the profile is asked for. */
  profilePrefix?: string | undefined;
  /** Where ONNX Runtime writes the optimized model. */
  optimizedPath?: string | undefined;
  /** Weights stay mapped from the file and are not rearranged: quicker to load, perhaps slower to run. */
  mapWeights?: boolean | undefined;
}

export type Request =
  | { op: 'load'; session: SessionRequest }
  | { op: 'run'; feeds: TensorHeader[]; outputs?: readonly string[] | undefined }
  | { op: 'benchmark'; feeds: TensorHeader[]; runs: number; warmup: number }
  /** Ends the profile that is on, or makes one of `runs` runs in a second session. */
  | { op: 'profile'; feeds: TensorHeader[]; prefix: string; maxBytes: number; runs: number }
  /** Runs, and tells about the outputs instead of sending them. */
  | { op: 'probe'; feeds: TensorHeader[] }
  | { op: 'memory' };

export interface PortInfo {
  name: string;
  type: string;
  dims: (number | string)[];
}

export interface LoadAnswer {
  inputs: PortInfo[];
  outputs: PortInfo[];
  loadMs: number;
  /** Providers asked for that this build of ONNX Runtime does not have. */
  dropped: string[];
  /** It has given up its rights, before the model was read. */
  confined: boolean;
}

export interface ProfiledNode {
  name: string;
  op: string;
  provider: string;
  /** Time of one run spent in it, in ms: the mean of the middle half of all runs but the first, or that of the first where there is no other. */
  ms: number;
  /** How often one run executes it. */
  calls: number;
}

export interface Profile {
  nodes: ProfiledNode[];
  /** The same of those runs themselves, in ms. */
  runMs: number;
  runs: number;
}

/** What an output of a run was like. */
export interface ProbedOutput {
  name: string;
  type: string;
  dims: readonly number[];
  elements: number;
  /** How many of them are NaN or infinite. */
  notFinite: number;
}

/** Why a request failed, as far as the runner can tell. */
export type FailureKind = 'load' | 'run' | 'provider' | 'memory' | 'state';

export type Answer =
  | { id: number; ok: true; load: LoadAnswer }
  | { id: number; ok: true; outputs: TensorHeader[]; latencyMs: number }
  /** Body: float64 milliseconds. `cpuMs`: CPU time of the process meanwhile. */
  | { id: number; ok: true; samples: number; cpuMs: number }
  | { id: number; ok: true; profile: Profile }
  | { id: number; ok: true; probed: ProbedOutput[]; latencyMs: number }
  | { id: number; ok: true; memory: { now: number; peak: number } }
  | { id: number; ok: false; kind: FailureKind; message: string };

/** The first frame. */
export interface Ready {
  id: 0;
  /** It has had the system limit its memory itself. */
  limited: boolean;
  onnxruntime: string;
  /** Providers in this build of ONNX Runtime; not proof that they work here. */
  backends: string[];
}

/** What a runner gets on its command line, as one JSON argument. */
export interface RunnerArguments {
  parent: number;
  /** Folder for profiles, made when first needed; whoever is left of parent and runner removes it. */
  scratch: string;
  memoryLimitBytes: number;
  /** It may write files: profiles, optimized models. */
  writes: boolean;
  parentPollMs: number;
  memoryPollMs: number;
}

/** Largest answer, in bytes: what the parent's reader of frames takes. */
export const MAX_ANSWER_HEADER_BYTES = 4 * 1024 * 1024;
export const MAX_ANSWER_BODY_BYTES = 2 * 1024 * 1024 * 1024 - 1;

/** On stderr, just before a runner ends itself because it passed its memory limit. */
export const MEMORY_MARK = 'edgewright-runner: memory limit passed';
