/** Where the dynamic loader would find a library on Linux, and where else one lies that it would not find. */
import type { Machine } from './machine.ts';

/** Looked into beside the loader's own table: CUDA toolkits, containers and WSL put libraries there without telling the loader. */
const OTHER_DIRS = [
  '/usr/local/cuda/lib64',
  '/usr/local/cuda/targets/x86_64-linux/lib',
  '/usr/local/nvidia/lib64',
  '/usr/local/nvidia/lib',
  '/usr/lib/wsl/lib',
  '/opt/tensorrt/lib',
  '/usr/local/TensorRT/lib',
];
/** Searched by every loader even when its table was never built. */
const DEFAULT_DIRS = [
  '/lib64',
  '/usr/lib64',
  '/lib',
  '/usr/lib',
  '/lib/x86_64-linux-gnu',
  '/usr/lib/x86_64-linux-gnu',
  '/lib/aarch64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
];

export interface FoundLibrary {
  path: string;
  /** False: it is there, but the loader does not look in its folder. */
  loadable: boolean;
}

export interface Libraries {
  find(name: string): Promise<FoundLibrary | undefined>;
  /** Names the loader knows that match, for `libcudart.so.*` and the like. */
  known(pattern: RegExp): string[];
}

/** @param beside folders the loader searches for this program only (an rpath of $ORIGIN, say) */
export async function openLibraries(machine: Machine, beside: readonly string[] = []): Promise<Libraries> {
  const table = new Map<string, string>();
  for (const command of ['/sbin/ldconfig', 'ldconfig']) {
    const result = await machine.run(command, ['-p']);
    if (result?.code !== 0) continue;
    for (const line of result.stdout.split('\n')) {
      // "\tlibcuda.so.1 (libc6,x86-64) => /lib/x86_64-linux-gnu/libcuda.so.1"; 32-bit ones carry no architecture.
      const match = /^\s*(\S+) \(([^)]*)\) => (\S+)/.exec(line);
      if (match?.[1] && match[3] && /x86-64|AArch64/.test(match[2] ?? '') && !table.has(match[1])) table.set(match[1], match[3]);
    }
    break;
  }
  const asked = (machine.env('LD_LIBRARY_PATH') ?? '').split(':').filter((dir) => dir.startsWith('/'));
  const inDir = async (dirs: readonly string[], name: string) => {
    for (const dir of dirs) {
      const path = `${dir.replace(/\/$/, '')}/${name}`;
      if ((await machine.access(path)) === 'ok') return path;
    }
    return undefined;
  };
  return {
    find: async (name) => {
      const loadable = (await inDir([...beside, ...asked], name)) ?? table.get(name) ?? (await inDir(DEFAULT_DIRS, name));
      if (loadable !== undefined) return { path: loadable, loadable: true };
      const elsewhere = await inDir(OTHER_DIRS, name);
      return elsewhere === undefined ? undefined : { path: elsewhere, loadable: false };
    },
    known: (pattern) => [...table.keys()].filter((name) => pattern.test(name)).sort(),
  };
}
