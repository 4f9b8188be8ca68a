/**
 * NVIDIA's run-time libraries that this machine has: which of them load, and in which version. Each is really loaded, so the
 * probe has a process of its own to lose; where there is no NVIDIA driver nothing is.
 */
import { openLibraries } from '../libraries.ts';
import type { Machine } from '../machine.ts';
import { loadedLibraries } from '../native-answers.ts';

export interface ToolkitLibrary {
  /** `libcudart.so.13` */
  name: string;
  path: string;
  /** Whether the loader looks in its folder by itself. */
  reachable: boolean;
  /** Absent where nobody tried. */
  loads?: boolean;
  version?: string;
  error?: string;
}

/** Majors that are looked for in folders the loader's table does not know; the table is searched for any. */
const FAMILIES: readonly [name: string, majors: readonly number[]][] = [
  ['libcudart', [11, 12, 13, 14]],
  ['libcublas', [11, 12, 13, 14]],
  ['libcublasLt', [11, 12, 13, 14]],
  ['libcudnn', [8, 9, 10]],
  ['libcurand', [10, 11]],
  ['libcufft', [10, 11, 12]],
  ['libnvrtc', [11, 12, 13, 14]],
  ['libnvinfer', [8, 10, 11]],
];

export async function probeToolkit(machine: Machine): Promise<ToolkitLibrary[]> {
  const { platform } = await machine.facts();
  if (platform !== 'linux') return [];
  const libraries = await openLibraries(machine);
  const found: ToolkitLibrary[] = [];
  for (const [base, majors] of FAMILIES) {
    const names = new Set([...libraries.known(new RegExp(`^${base}\\.so\\.\\d+$`)), ...majors.map((major) => `${base}.so.${major}`)]);
    for (const name of names) {
      const library = await libraries.find(name);
      if (library) found.push({ name, path: library.path, reachable: library.loadable });
    }
  }
  if (found.length === 0 || (await libraries.find('libcuda.so.1')) === undefined) return withFileVersions(machine, found);
  const loaded = loadedLibraries(await machine.load(found.map((library) => library.path))) ?? [];
  for (const library of found) {
    const answer = loaded.find((entry) => entry.name === library.path || entry.name === library.name);
    if (answer === undefined) continue;
    library.loads = answer.loads;
    if (answer.version) library.version = answer.version;
    if (answer.error) library.error = answer.error;
  }
  return withFileVersions(machine, found);
}

/** `libcudnn.so.9` is a link to `libcudnn.so.9.12.0`. */
async function withFileVersions(machine: Machine, libraries: ToolkitLibrary[]): Promise<ToolkitLibrary[]> {
  for (const library of libraries) {
    const version = /\.so\.(\d+\.[\d.]*\d)$/.exec((await machine.link(library.path)) ?? '')?.[1];
    if (library.version === undefined && version) library.version = version;
  }
  return libraries;
}
