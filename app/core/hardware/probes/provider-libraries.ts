/**
 * The provider libraries ONNX Runtime loads on demand on Linux (CUDA, TensorRT), and of every library they need whether the
 * loader would find it. Nothing is loaded here: names come from the files' own lists.
 */
import { openLibraries } from '../libraries.ts';
import type { Machine } from '../machine.ts';

export interface ProviderLibrary {
  file: string;
  /** Where it is; absent when it isn't. */
  path?: string;
  /** All it needs but the system's own. */
  needs: string[];
  /** Needed by it and nowhere to be found. */
  missing: string[];
  /** Needed by it and there, in a folder the loader does not search. */
  unreachable: { name: string; dir: string }[];
}

export interface ProviderLibraryFacts {
  shared: ProviderLibrary;
  cuda: ProviderLibrary;
  tensorrt: ProviderLibrary;
}

/** Part of every C program's surroundings; the program that runs this has them. */
const SYSTEM = /^(ld-linux|libc|libm|libdl|librt|libpthread|libstdc\+\+|libgcc_s|libz)[.-]/;

export async function probeProviderLibraries(machine: Machine): Promise<ProviderLibraryFacts> {
  const { platform, ortDir } = await machine.facts();
  const none = (file: string): ProviderLibrary => ({ file, needs: [], missing: [], unreachable: [] });
  const names = { shared: 'libonnxruntime_providers_shared.so', cuda: 'libonnxruntime_providers_cuda.so', tensorrt: 'libonnxruntime_providers_tensorrt.so' };
  if (platform !== 'linux') return { shared: none(names.shared), cuda: none(names.cuda), tensorrt: none(names.tensorrt) };
  const libraries = await openLibraries(machine, [ortDir]);
  const check = async (file: string): Promise<ProviderLibrary> => {
    const path = `${ortDir}/${file}`;
    if ((await machine.access(path)) !== 'ok') return none(file);
    const result: ProviderLibrary = { file, path, needs: [], missing: [], unreachable: [] };
    for (const name of (await machine.needed(path)) ?? []) {
      if (SYSTEM.test(name)) continue;
      result.needs.push(name);
      const found = await libraries.find(name);
      if (found === undefined) result.missing.push(name);
      else if (!found.loadable) result.unreachable.push({ name, dir: found.path.slice(0, found.path.lastIndexOf('/')) });
    }
    return result;
  };
  return {
    shared: await check(names.shared),
    cuda: await check(names.cuda),
    tensorrt: await check(names.tensorrt),
  };
}
