/** What the native addon and its TypeScript twins have in common. */

/** The integer arrays a float tensor can be quantized to; the array's type decides the range values are clipped to. */
export type QuantizedArray = Int8Array | Uint8Array | Int16Array | Uint16Array;

export interface QuantizeParams {
  /** One scale for the whole tensor, or one per channel; each positive and finite, taken as float32. */
  scale: number | ArrayLike<number>;
  /** One zero point for the whole tensor, or one per channel; each a whole number in the output type's range. */
  zeroPoint: number | ArrayLike<number>;
  /** Per channel only: how many consecutive values share a channel (the product of the dims after the channel axis). Default 1. */
  inner?: number;
}

export interface MinMax {
  min: number;
  max: number;
}

/** Hot loops with two implementations, identical bit for bit. */
export interface Kernels {
  /** `native` or `typescript`. */
  readonly name: string;
  /**
   * out[i] = clip(rint(in[i] / scale) + zeroPoint), rint half to even, every step in float32, clipped to the full range of
   * the output type (reference: ONNX QuantizeLinear as ONNX Runtime 1.30 computes it). NaN becomes 0.
   * @returns how many values were NaN, so that the caller can refuse them.
   * @throws RangeError when lengths, scales or zero points do not fit.
   */
  quantizeLinear(input: Float32Array, output: QuantizedArray, params: QuantizeParams): number;
  /** Lowest and highest value, NaN passed over; both NaN when there is no number at all. A zero comes back as +0. */
  minMax(input: Float32Array): MinMax;
}

export interface CpuFeatures {
  /** Names as Linux's /proc/cpuinfo has them (`avx2`, `avx512_vnni`, `asimddp` …), only those present and usable. */
  flags: string[];
  /** The CPU's own name for itself, or '' where it has none. */
  brand: string;
  /** What the hypervisor calls itself (`KVMKVMKVM`), or '' where there is none or the CPU cannot say. */
  hypervisor: string;
}

/** Driver libraries the addon can question (native/src/driver_probes.h). */
export type DriverProbe = 'cuda' | 'nvml' | 'vulkan' | 'dxgi' | 'dxcore';

export interface NativeAddon extends Kernels {
  /** The binary: what a program that only wants to `relaunch` itself loads. */
  path: string;
  cpuFeatures(): CpuFeatures;
  /** Kernel sets this CPU can run, fastest first: `avx512f`, `avx2`, `scalar`. */
  kernelNames(): string[];
  /** Chooses one of them (for tests); without a name the fastest again. Returns the name now in use. */
  useKernels(name?: string): string;
  /**
   * Lets this process map at most `bytes` more private writable memory than it has now, for good (Linux: RLIMIT_DATA, soft
   * and hard). Counted when mapped, touched or not, so thread stacks and arenas count in full. Call it once, when everything
   * that belongs to the program itself is loaded. Past it ORT throws std::bad_alloc, and V8 ends the process when its own heap can't grow.
   * @returns false where the platform has no such limit or refused.
   */
  setMemoryLimit(bytes: number): boolean;
  /**
   * Loads a driver's library and asks it for its devices. The library may hang or crash: call it in a process that can be killed.
   * @returns what its JSON text says; check it, a driver wrote half of it.
   */
  probe(name: DriverProbe): unknown;
  /** Loads each library (a name or a path) for good and asks its version: `{libraries: [{name, loads, version?, error?}]}`. */
  probeLibraries(names: readonly string[]): unknown;
  /**
   * Has this process killed when its parent ends (Linux: PR_SET_PDEATHSIG). Ends it at once when the parent is already gone.
   * @param parent pid of the parent, by default `process.ppid` as Node knows it
   * @returns false where the platform cannot.
   */
  dieWithParent(parent?: number): boolean;
  /**
   * Gives up for good what a computation never needs (Linux: seccomp): sockets, programs and processes, other processes, and unless
   * `write`, opening files for writing. Holds for every thread there is and will be.
   * @returns false where the platform cannot, and in a process that was not started by `relaunch`: io_uring would lead past it.
   */
  confine(rights: { write: boolean }): boolean;
  /** Becomes another program (Linux only) with the same pid and the open files 0 to 4, but without io_uring. Returns only when it cannot. */
  relaunch(command: readonly string[]): void;
}
