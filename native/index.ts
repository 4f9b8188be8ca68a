/**
 * The native addon, where it was built (`node native/build.cjs`), and its TypeScript twins, which are always there.
 * Nothing may depend on the addon: whoever asks for it must go on without it.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkedParams } from './params.ts';
import { twins } from './twins.ts';
import type { CpuFeatures, Kernels, MinMax, NativeAddon } from './types.ts';

export { twins } from './twins.ts';
export type { CpuFeatures, DriverProbe, Kernels, MinMax, NativeAddon, QuantizedArray, QuantizeParams } from './types.ts';

/** The addon is built for this Node-API; an older Node cannot load it. */
const NODE_API = 8;
/** Counts changes of the binary's functions: an old build left over is not used. Same number in src/addon.cc. */
const INTERFACE_VERSION = 2;

/** The functions as the binary has them; arguments are flat so that the boundary stays small. */
interface RawAddon {
  interfaceVersion: number;
  cpuFeatures(): CpuFeatures;
  kernelNames(): string[];
  useKernels(name?: string): string;
  quantizeLinear(input: Float32Array, output: ArrayBufferView, scales: Float32Array, zeros: Float32Array, inner: number): number;
  minMax(input: Float32Array): MinMax;
  setMemoryLimit(bytes: number): boolean;
  probe(name: string, libraries?: readonly string[]): string;
  dieWithParent(parent: number): boolean;
  confine(readOnly: boolean): boolean;
  relaunch(command: readonly string[]): void;
}

let loaded: { addon: NativeAddon | undefined; reason: string } | undefined;

/** The addon; undefined when it was not built, cannot be loaded here, or EDGEWRIGHT_NO_NATIVE=1. */
export function loadNative(): NativeAddon | undefined {
  if (process.env.EDGEWRIGHT_NO_NATIVE === '1') return undefined;
  loaded ??= load();
  return loaded.addon;
}

/** Which implementation is in use and, when it is the twins, why. For reports. */
export function nativeStatus(): { native: boolean; detail: string } {
  if (process.env.EDGEWRIGHT_NO_NATIVE === '1') return { native: false, detail: 'switched off by EDGEWRIGHT_NO_NATIVE' };
  loaded ??= load();
  return { native: loaded.addon !== undefined, detail: loaded.reason };
}

/** The fastest kernels there are: the addon's, else the twins. */
export function kernels(): Kernels {
  return loadNative() ?? twins;
}

function load(): { addon: NativeAddon | undefined; reason: string } {
  if (Number(process.versions.napi) < NODE_API) return { addon: undefined, reason: `Node-API ${process.versions.napi ?? 'none'} is older than ${NODE_API}` };
  const path = candidates().find((file) => existsSync(file));
  if (path === undefined) return { addon: undefined, reason: 'not built' };
  try {
    const raw = createRequire(import.meta.url)(path) as RawAddon;
    if (raw.interfaceVersion !== INTERFACE_VERSION) return { addon: undefined, reason: `interface ${raw.interfaceVersion}, wanted ${INTERFACE_VERSION}` };
    return { addon: wrap(raw, path), reason: `${raw.kernelNames()[0] ?? 'scalar'} kernels` };
  } catch (error) {
    return { addon: undefined, reason: error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error) };
  }
}

/** Beside this file in a checkout; below the program's root in an installed one. */
function candidates(): string[] {
  const roots = [dirname(fileURLToPath(import.meta.url))];
  if (process.env.EDGEWRIGHT_ROOT) roots.push(join(process.env.EDGEWRIGHT_ROOT, 'native'));
  return roots.map((root) => join(root, 'build', 'Release', 'edgewright.node'));
}

function wrap(raw: RawAddon, path: string): NativeAddon {
  return {
    name: 'native',
    path,
    cpuFeatures: () => raw.cpuFeatures(),
    kernelNames: () => raw.kernelNames(),
    useKernels: (name) => raw.useKernels(name),
    quantizeLinear: (input, output, params) => {
      const { scales, zeros, inner } = checkedParams(input, output, params);
      return raw.quantizeLinear(input, output, scales, zeros, inner);
    },
    minMax: (input) => raw.minMax(input),
    setMemoryLimit: (bytes) => raw.setMemoryLimit(bytes),
    probe: (name) => JSON.parse(raw.probe(name)) as unknown,
    probeLibraries: (names) => JSON.parse(raw.probe('libraries', names)) as unknown,
    dieWithParent: (parent = process.ppid) => raw.dieWithParent(parent),
    confine: ({ write }) => raw.confine(!write),
    relaunch: (command) => raw.relaunch(command),
  };
}
