/**
 * How far each execution provider gets on this machine before anything is run: absent -> present (hardware) -> driver ok ->
 * runtime ok (all its libraries are there). Pure: facts in, rows out. Only a proof makes the last step.
 */
import type { HardwareDevice, ProviderState } from '#contract';
import { cudaMajor, libraryStop } from './cuda-libraries.ts';
import { type Place, placeName, shippedProviders } from './devices.ts';
import type { FoundFacts, ProbeName } from './probes/table.ts';

type Row = Omit<ProviderState, 'name' | 'title' | 'proof'>;

/** Said of WebGPU where Vulkan has no driver but one that renders on the CPU; kept when verified. */
export const SOFTWARE_ONLY = 'Only a software renderer is installed: right answers, but slower than the CPU provider.';

interface Context {
  facts: FoundFacts;
  devices: readonly HardwareDevice[];
  place: Place;
}

/** Order: as a person would want them used. Names are ONNX Runtime's short ones. */
const PROVIDERS: readonly { name: string; title: string; reach: (context: Context) => Row }[] = [
  { name: 'cpu', title: 'CPU', reach: reachCpu },
  { name: 'cuda', title: 'NVIDIA CUDA', reach: (context) => reachNvidia(context, 'cuda') },
  { name: 'tensorrt', title: 'NVIDIA TensorRT', reach: (context) => reachNvidia(context, 'tensorrt') },
  { name: 'dml', title: 'DirectML', reach: reachDirectml },
  { name: 'coreml', title: 'Apple Core ML', reach: reachCoreml },
  { name: 'webgpu', title: 'WebGPU', reach: reachWebgpu },
  { name: 'openvino', title: 'Intel OpenVINO', reach: (context) => unreachable(context, 'OpenVINO', 'an Intel GPU or NPU', (d) => d.vendor === 'Intel') },
  { name: 'qnn', title: 'Qualcomm QNN', reach: (context) => unreachable(context, 'QNN', 'a Qualcomm NPU', (d) => d.vendor === 'Qualcomm') },
  { name: 'rocm', title: 'AMD ROCm', reach: (context) => unreachable(context, 'ROCm', 'an AMD GPU', (d) => d.vendor === 'AMD' && d.kind === 'gpu') },
];

export function reachProviders(context: Context): ProviderState[] {
  return PROVIDERS.map(({ name, title, reach }) => ({ name, title, ...reach(context) }));
}

function reachCpu({ facts, place }: Context): Row {
  if (facts.system?.onnxruntime === 'not installed') {
    return {
      state: 'driver ok',
      reason: 'ONNX Runtime (onnxruntime-node) is not installed.',
      remedy: { text: "Install Edgewright's dependencies.", command: 'npm install' },
    };
  }
  if (shippedProviders(place.platform, place.arch).length === 0)
    return { state: 'driver ok', reason: `ONNX Runtime for Node is not made for ${placeName(place)}.` };
  return { state: 'runtime ok' };
}

function reachNvidia(context: Context, name: 'cuda' | 'tensorrt'): Row {
  const { facts, devices, place } = context;
  const gpus = devices.filter((device) => device.kind === 'gpu' && device.vendor === 'NVIDIA');
  const best = gpus.find((device) => device.state === 'driver ok') ?? gpus[0];
  if (best === undefined) return { state: 'absent', reason: notSeen(facts, ['pci', 'nvidia'], 'No NVIDIA GPU found.') };
  if (!shippedProviders(place.platform, place.arch).includes(name)) {
    const instead = place.platform === 'win32' ? ' Use DirectML or WebGPU.' : '';
    return {
      state: best.state === 'driver ok' ? 'driver ok' : 'present',
      reason: `ONNX Runtime for Node has no ${name === 'cuda' ? 'CUDA' : 'TensorRT'} provider for ${placeName(place)}.${instead}`,
    };
  }
  if (best.state !== 'driver ok') return { state: 'present', ...sentence(best.stoppedBy), ...(best.remedy && { remedy: best.remedy }) };
  const libraries = facts.libraries;
  if (libraries === undefined) return { state: 'driver ok', reason: notSeen(facts, ['libraries'], '') };
  for (const library of [libraries.shared, libraries[name]]) {
    if (library.path === undefined) {
      return {
        state: 'driver ok',
        reason: `ONNX Runtime's library ${library.file} is missing: the npm package brings none for this provider.`,
        remedy: {
          text: 'Install the CUDA pack: the provider libraries of exactly this version, with the CUDA libraries they need.',
          command: 'edgewright provider install cuda',
        },
      };
    }
    const stop = libraryStop(library);
    if (stop) return { state: 'driver ok', ...sentence(stop.reason), remedy: stop.remedy };
  }
  const wanted = cudaMajor(libraries[name]);
  const served = facts.nvidia?.cudaVersion;
  if (wanted !== undefined && served !== undefined && Number.parseInt(served, 10) < wanted) {
    return {
      state: 'driver ok',
      reason: `The driver serves CUDA ${served}, and this provider is built for CUDA ${wanted}.`,
      remedy: { text: `Update the NVIDIA driver to one that serves CUDA ${wanted}.`, command: 'nvidia-smi' },
    };
  }
  return { state: 'runtime ok' };
}

function reachDirectml({ facts, devices, place }: Context): Row {
  if (place.platform !== 'win32') return { state: 'absent', reason: 'DirectML exists on Windows only.' };
  if (!devices.some((device) => device.kind === 'gpu')) return { state: 'absent', reason: notSeen(facts, ['graphics'], 'No graphics processor found.') };
  if (!facts.graphics?.directml)
    return {
      state: 'driver ok',
      reason: 'DirectML.dll is missing beside ONNX Runtime.',
      remedy: { text: "Install Edgewright's dependencies again.", command: 'npm ci' },
    };
  return { state: 'runtime ok' };
}

function reachCoreml({ place }: Context): Row {
  if (place.platform !== 'darwin') return { state: 'absent', reason: 'Core ML exists on macOS only.' };
  if (place.arch !== 'arm64') return { state: 'driver ok', reason: 'ONNX Runtime for Node is made for Apple chips only, not for Macs with Intel processors.' };
  return { state: 'runtime ok' };
}

function reachWebgpu({ facts, devices, place }: Context): Row {
  const gpu = devices.find((device) => device.kind === 'gpu' && device.providers.includes('webgpu'));
  if (!shippedProviders(place.platform, place.arch).includes('webgpu'))
    return { state: gpu ? 'present' : 'absent', reason: `ONNX Runtime for Node has no WebGPU provider for ${placeName(place)}.` };
  if (place.platform !== 'linux')
    return gpu ? { state: 'runtime ok' } : { state: 'absent', reason: notSeen(facts, ['graphics'], 'No graphics processor found.') };
  const vulkan = facts.vulkan;
  const before = gpu ? (gpu.state === 'driver ok' ? 'driver ok' : 'present') : 'absent';
  if (vulkan === undefined) return { state: before, reason: notSeen(facts, ['vulkan'], '') };
  // NVIDIA's driver brings its own Vulkan part; only the loader is a package of its own.
  const install =
    gpu?.vendor === 'NVIDIA'
      ? { text: 'Install the Vulkan loader, then detect again.', command: 'sudo apt-get install libvulkan1' }
      : {
          text: "Install the Vulkan loader and Mesa's drivers (Mesa 25 or newer), then detect again.",
          command: 'sudo apt-get install libvulkan1 mesa-vulkan-drivers',
        };
  if (vulkan.loader === undefined) {
    return {
      state: before,
      reason: gpu ? 'The Vulkan loader (libvulkan.so.1) is missing.' : 'No graphics processor and no Vulkan loader (libvulkan.so.1) found.',
      ...(gpu && { remedy: install }),
    };
  }
  if (vulkan.drivers.length === 0) return { state: before, reason: 'No Vulkan driver is installed.', ...(gpu && { remedy: install }) };
  if (vulkan.drivers.every((driver) => driver.software)) return { state: 'runtime ok', reason: SOFTWARE_ONLY };
  return { state: 'runtime ok' };
}

function unreachable({ devices }: Context, provider: string, needs: string, fits: (device: HardwareDevice) => boolean): Row {
  const fitting = devices.filter(fits);
  const device = fitting.find((candidate) => candidate.kind === 'npu') ?? fitting[0];
  return {
    state: device ? 'present' : 'absent',
    reason: `Not reachable from ONNX Runtime for Node, which has no ${provider} provider${device ? ` (${device.name} would need it)` : `; it would need ${needs}`}.`,
  };
}

/** What to say when something was not found: that it isn't there, or that nobody looked because the probe failed. */
function notSeen(facts: FoundFacts, probes: readonly ProbeName[], otherwise: string): string {
  const failed = probes.filter((name) => facts[name] === undefined);
  return failed.length > 0 ? `Not checked: the ${failed.join(' and ')} probe failed.` : otherwise;
}

/** `the driver is not loaded` -> `The driver is not loaded.` */
function sentence(text: string | undefined): { reason?: string } {
  if (!text) return {};
  // Names of files and products keep their case.
  const first = /^(the|it|this|no) /.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return { reason: first.endsWith('.') ? first : `${first}.` };
}
