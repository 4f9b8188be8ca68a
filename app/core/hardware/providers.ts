/**
 * How far each execution provider gets on this machine before anything is run: absent -> present (hardware) -> driver ok ->
 * runtime ok (all its libraries are there). Pure: facts in, rows out. Only a proof makes the last step.
 */
import type { HardwareDevice, ProviderState } from '#contract';
import { cudaMajor, libraryStop } from './cuda-libraries.ts';
import { tooOldFor } from './devices/nvidia-age.ts';
import { installDriver } from './devices/nvidia-stops.ts';
import { install } from './devices/words.ts';
import { type Place, placeName, shippedProviders } from './place.ts';
import type { FoundFacts, ProbeName } from './probes/table.ts';

type Row = Omit<ProviderState, 'name' | 'title' | 'proof'>;

/** Said of WebGPU where Vulkan has no driver but one that renders on the CPU; kept when verified. */
export const SOFTWARE_ONLY = 'Only a software renderer is installed: right answers, but slower than the CPU provider.';

/** What ONNX Runtime's provider packs are built for where no library is there to tell, and the driver from which on that is served (NVIDIA's table of CUDA and drivers). */
const CUDA_MAJOR = 13;
const CUDA_DRIVER = 580;

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
  { name: 'vitisai', title: 'AMD Vitis AI', reach: (context) => unreachable(context, 'Vitis AI', 'an AMD NPU', (d) => d.vendor === 'AMD' && d.kind === 'npu') },
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
  // Before any library is asked for: with this driver or card none of them would help.
  const wanted = cudaMajor(libraries[name]) ?? CUDA_MAJOR;
  const served = facts.nvidia?.cudaVersion;
  const old = tooOldFor(wanted, best, facts);
  if (old) return { state: 'driver ok', ...sentence(old) };
  const driver = served ?? tooOldDriver(best.driver, wanted);
  if (driver !== undefined && (served === undefined || Number.parseInt(served, 10) < wanted)) {
    return {
      state: 'driver ok',
      reason: `The driver ${served === undefined ? `is ${driver}` : `serves CUDA ${served}`}, and this provider is built for CUDA ${wanted}.`,
      remedy: installDriver(
        `Update the NVIDIA driver to one that serves CUDA ${wanted}${wanted === CUDA_MAJOR ? ` (${CUDA_DRIVER} or newer)` : ''}${facts.system?.wsl ? ', on Windows' : ''}.`,
        facts,
      ),
    };
  }
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
  return { state: 'runtime ok' };
}

/** A driver so old that it can't serve that CUDA, where it does not say itself what it serves; undefined when it can or is unknown. */
function tooOldDriver(version: string | undefined, wanted: number): string | undefined {
  return wanted === CUDA_MAJOR && version !== undefined && Number.parseInt(version, 10) < CUDA_DRIVER ? version : undefined;
}

function reachDirectml({ facts, devices, place }: Context): Row {
  if (place.platform !== 'win32') return { state: 'absent', reason: 'DirectML exists on Windows only.' };
  const stopped = noneUsable(devices, 'dml');
  if (stopped) return stopped === 'none' ? { state: 'absent', reason: notSeen(facts, ['graphics'], 'No graphics processor found.') } : stopped;
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
  const own = devices.filter((device) => device.kind === 'gpu' && device.providers.includes('webgpu'));
  const gpu = own.find((device) => device.state === 'driver ok') ?? own[0];
  if (!shippedProviders(place.platform, place.arch).includes('webgpu'))
    return { state: 'absent', reason: `ONNX Runtime for Node has no WebGPU provider for ${placeName(place)}.` };
  if (place.platform !== 'linux') {
    const stopped = noneUsable(devices, 'webgpu');
    return stopped === 'none'
      ? { state: 'absent', reason: notSeen(facts, ['graphics'], 'No graphics processor found.') }
      : (stopped ?? { state: 'runtime ok' });
  }
  const vulkan = facts.vulkan;
  const before = gpu ? (gpu.state === 'driver ok' ? 'driver ok' : 'present') : 'absent';
  if (vulkan === undefined) return { state: before, reason: notSeen(facts, ['vulkan'], '') };
  const remedy = vulkanRemedy(gpu, facts);
  if (vulkan.loader === undefined) {
    return {
      state: before,
      reason: gpu ? 'The Vulkan loader (libvulkan.so.1) is missing.' : 'No graphics processor and no Vulkan loader (libvulkan.so.1) found.',
      ...(gpu && { remedy }),
    };
  }
  if (vulkan.drivers.length === 0) return { state: before, reason: 'No Vulkan driver is installed.', ...(gpu && { remedy }) };
  if (vulkan.devices === undefined)
    return vulkan.drivers.every((driver) => driver.software) ? { state: 'runtime ok', reason: SOFTWARE_ONLY } : { state: 'runtime ok' };
  if (vulkan.devices.some((device) => device.kind !== 'software')) return { state: 'runtime ok' };
  if (vulkan.devices.length > 0) return { state: 'runtime ok', reason: SOFTWARE_ONLY };
  if (gpu?.state === 'present') return { state: 'present', ...sentence(gpu.stoppedBy), ...(gpu.remedy && { remedy: gpu.remedy }) };
  return { state: before, reason: `Vulkan finds no device${vulkan.error ? `: ${vulkan.error}` : ''}.`, ...(gpu && { remedy }) };
}

/** NVIDIA's driver brings its own Vulkan part; only the loader is a package of its own. */
function vulkanRemedy(gpu: HardwareDevice | undefined, { system }: FoundFacts): NonNullable<Row['remedy']> {
  return gpu?.vendor === 'NVIDIA'
    ? install('Install the Vulkan loader, then detect again.', system?.distro, {
        debian: 'libvulkan1',
        fedora: 'vulkan-loader',
        arch: 'vulkan-icd-loader',
        suse: 'libvulkan1',
      })
    : install("Install the Vulkan loader and Mesa's drivers (Mesa 25 or newer), then detect again.", system?.distro, {
        debian: 'libvulkan1 mesa-vulkan-drivers',
        fedora: 'vulkan-loader mesa-vulkan-drivers',
        arch: 'vulkan-icd-loader vulkan-radeon vulkan-intel',
      });
}

/** Windows and macOS: `none` where there is no graphics processor for it, the row where all of them stop, undefined where one works. */
function noneUsable(devices: readonly HardwareDevice[], provider: string): Row | 'none' | undefined {
  const own = devices.filter((device) => device.kind === 'gpu' && device.providers.includes(provider));
  if (own.some((device) => device.state !== 'present')) return undefined;
  const [first] = own;
  return first ? { state: 'present', ...sentence(first.stoppedBy), ...(first.remedy && { remedy: first.remedy }) } : 'none';
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
  const first = /^(the|it|its|this|no|only|you) /.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return { reason: first.endsWith('.') ? first : `${first}.` };
}
