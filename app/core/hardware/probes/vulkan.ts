/** Vulkan on Linux, which ONNX Runtime's WebGPU provider runs on: the loader, and the drivers (ICDs) it would find. */
import { openLibraries } from '../libraries.ts';
import type { Machine } from '../machine.ts';

export interface VulkanDriver {
  /** The manifest that names it. */
  manifest: string;
  library: string;
  /** Renders on the CPU: correct, and slower than the CPU provider. */
  software: boolean;
}

export interface VulkanFacts {
  loader?: string;
  drivers: VulkanDriver[];
}

const MANIFEST_DIRS = ['/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/usr/local/nvidia/share/vulkan/icd.d'];
/** Mesa's lavapipe and Google's SwiftShader. */
const SOFTWARE = /lvp|lavapipe|swiftshader/i;

export async function probeVulkan(machine: Machine): Promise<VulkanFacts> {
  if ((await machine.facts()).platform !== 'linux') return { drivers: [] };
  const loader = (await (await openLibraries(machine)).find('libvulkan.so.1'))?.path;
  const named = (machine.env('VK_DRIVER_FILES') ?? machine.env('VK_ICD_FILENAMES') ?? '').split(':').filter((path) => path.endsWith('.json'));
  const manifests =
    named.length > 0 ? named : (await Promise.all(MANIFEST_DIRS.map(async (dir) => (await machine.list(dir)).map((name) => `${dir}/${name}`)))).flat();
  const drivers: VulkanDriver[] = [];
  for (const manifest of manifests.filter((path) => path.endsWith('.json'))) {
    const library = /"library_path"\s*:\s*"([^"]+)"/.exec((await machine.readText(manifest)) ?? '')?.[1];
    if (library) drivers.push({ manifest, library, software: SOFTWARE.test(library) || SOFTWARE.test(manifest) });
  }
  return { drivers, ...(loader && { loader }) };
}
