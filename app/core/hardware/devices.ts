/** Merges what the probes found into one entry per device, with the state it reaches before anything is run on it. */
import type { HardwareDevice } from '#contract';
import type { AccelDevice } from './probes/accel.ts';
import type { BoardDevice } from './probes/boards.ts';
import type { ListedDevice } from './probes/graphics.ts';
import type { NvidiaFacts, NvidiaGpu } from './probes/nvidia.ts';
import type { PciDevice } from './probes/pci.ts';
import type { FoundFacts } from './probes/table.ts';

/** Providers onnxruntime-node has for each platform and architecture, best first. Source: the files of onnxruntime-node 1.30.0 and its README. */
const SHIPPED: Record<string, readonly string[]> = {
  'linux-x64': ['cuda', 'tensorrt', 'webgpu', 'cpu'],
  'linux-arm64': ['cpu'],
  'win32-x64': ['dml', 'webgpu', 'cpu'],
  'win32-arm64': ['dml', 'webgpu', 'cpu'],
  'darwin-arm64': ['coreml', 'webgpu', 'cpu'],
};

export function shippedProviders(platform: string, arch: string): readonly string[] {
  return SHIPPED[`${platform}-${arch}`] ?? [];
}

/** No model will ever run on these: they draw a console. */
const DISPLAY_ONLY = new Set(['ASPEED', 'Matrox', 'QEMU', 'VMware', 'Virtio']);

const NO_PATH = (name: string, provider: string) => `${name} is there, but ONNX Runtime for Node has no ${provider} provider: no runtime path from here`;

/** Core ML gives no account of which part of a model ran on the Neural Engine, so nothing can be verified about it. */
export const COREML_DECIDES = 'Core ML decides by itself whether it uses the Neural Engine, and does not say';

/** `Linux on arm64` */
export function placeName({ platform, arch }: Place): string {
  return `${{ linux: 'Linux', win32: 'Windows', darwin: 'macOS' }[platform] ?? platform} on ${arch}`;
}

export interface Place {
  platform: string;
  arch: string;
}

export function mergeDevices(facts: FoundFacts, place: Place): HardwareDevice[] {
  const nvidia = facts.nvidia ?? { gpus: [] };
  const pci = facts.pci ?? [];
  const devices: HardwareDevice[] = [];
  for (const device of pci) {
    // WSL shows every GPU of the Windows side once more as a Microsoft one.
    if (device.vendorId === '1414' && nvidia.gpus.length > 0) continue;
    if (device.vendorId === '10de' && device.kind === 'gpu') devices.push(nvidiaDevice(nvidia, place, facts, device));
    else if (device.kind === 'gpu') devices.push(otherGpu(device, facts, place));
    else devices.push(npuOnBus(device, facts));
  }
  // nvidia-smi also lists GPUs whose bus is hidden from us (WSL, some containers).
  for (const gpu of nvidia.gpus) {
    if (!pci.some((device) => device.address === gpu.address)) devices.push(nvidiaDevice(nvidia, place, facts, undefined, gpu));
  }
  for (const accel of facts.accel ?? []) {
    if (!pci.some((device) => device.address === accel.address)) devices.push(npuFromAccel(accel));
  }
  for (const board of facts.boards ?? []) {
    if (!pci.some((device) => device.vendor === board.vendor && device.kind === board.kind)) devices.push(boardDevice(board));
  }
  for (const listed of facts.graphics?.devices ?? []) devices.push(listedDevice(listed, place));
  return devices;
}

function nvidiaDevice(nvidia: NvidiaFacts, place: Place, facts: FoundFacts, pci?: PciDevice, known?: NvidiaGpu): HardwareDevice {
  const gpu = known ?? nvidia.gpus.find((candidate) => candidate.address === pci?.address);
  const driver = gpu?.driverVersion ?? nvidia.kernelDriver;
  const providers = shippedProviders(place.platform, place.arch).filter((name) => name === 'tensorrt' || name === 'cuda' || name === 'webgpu');
  const memoryBytes = gpu?.memoryBytes ?? pci?.memoryBytes;
  const base = {
    kind: 'gpu' as const,
    name: gpu?.name ?? (pci?.name ? `NVIDIA ${pci.name}` : `NVIDIA GPU ${pci?.deviceId ?? ''}`.trim()),
    vendor: 'NVIDIA',
    ...((pci?.address ?? gpu?.address) && { id: pci?.address ?? gpu?.address }),
    providers,
    ...(memoryBytes !== undefined && { memoryBytes }),
    ...(driver && { driver }),
    facts: [
      ...(pci ? pciFacts(pci) : []),
      ...(gpu?.computeCapability ? [{ name: 'compute capability', value: gpu.computeCapability, source: 'nvidia-smi' }] : []),
      ...(nvidia.cudaVersion ? [{ name: 'CUDA version of the driver', value: nvidia.cudaVersion, source: 'nvidia-smi' }] : []),
    ],
  };
  const stop = nvidiaDriverStop(nvidia, facts, pci, place);
  return stop ? { ...base, state: 'present', ...stop } : { ...base, state: 'driver ok' };
}

/** What keeps an NVIDIA driver from being usable; undefined when nothing does. */
function nvidiaDriverStop(
  nvidia: NvidiaFacts,
  facts: FoundFacts,
  pci: PciDevice | undefined,
  place: Place,
): Pick<HardwareDevice, 'stoppedBy' | 'remedy'> | undefined {
  if (place.platform !== 'linux') return undefined;
  const wsl = facts.system?.wsl ?? false;
  if (pci?.driver === 'nouveau') {
    return {
      stoppedBy: 'the open nouveau driver is loaded, which has no CUDA',
      remedy: { text: "Install NVIDIA's own driver and start the computer anew.", command: 'sudo ubuntu-drivers install' },
    };
  }
  if (pci?.driver === 'vfio-pci')
    return {
      stoppedBy: 'it is reserved for a virtual machine (vfio-pci)',
      remedy: { text: 'Give it back to this system in the settings of the virtual machine.' },
    };
  if (!wsl && nvidia.kernelDriver === undefined && nvidia.gpus.length === 0) {
    return {
      stoppedBy: 'the NVIDIA driver is not loaded',
      remedy: { text: "Install NVIDIA's driver (or load it), then detect again.", command: 'sudo ubuntu-drivers install' },
    };
  }
  if (nvidia.libcuda === undefined) {
    return wsl
      ? {
          stoppedBy: 'libcuda.so.1 is missing in WSL',
          remedy: { text: 'Install or update the NVIDIA driver on Windows (it brings the WSL part), then restart WSL.', command: 'wsl.exe --shutdown' },
        }
      : {
          stoppedBy: 'libcuda.so.1 is missing',
          remedy: { text: "Install the driver's CUDA library (in a container: start it with the NVIDIA runtime).", command: 'sudo apt-get install libcuda1' },
        };
  }
  if (nvidia.gpus.length === 0 && nvidia.smiError)
    return {
      stoppedBy: `the driver does not answer: ${nvidia.smiError}`,
      remedy: { text: 'Driver and its libraries often differ in version after an update: start the computer anew.', command: 'nvidia-smi' },
    };
  return undefined;
}

function otherGpu(pci: PciDevice, facts: FoundFacts, place: Place): HardwareDevice {
  const base = { ...pciBase(pci), providers: shippedProviders(place.platform, place.arch).filter((name) => name === 'webgpu') };
  if (DISPLAY_ONLY.has(pci.vendor)) return { ...base, providers: [], state: 'present', stoppedBy: 'it only drives a display' };
  if (pci.driver === undefined)
    return {
      ...base,
      state: 'present',
      stoppedBy: 'no kernel driver is bound to it',
      remedy: { text: 'Install the firmware and driver packages for this GPU, then start the computer anew.' },
    };
  if (base.providers.length === 0) return { ...base, state: 'driver ok', stoppedBy: NO_PATH('The GPU', 'GPU') };
  if (facts.vulkan && !facts.vulkan.drivers.some((driver) => !driver.software)) {
    return {
      ...base,
      state: 'present',
      stoppedBy: 'no Vulkan driver for it is installed',
      remedy: { text: "Install Mesa's Vulkan drivers, then detect again.", command: 'sudo apt-get install mesa-vulkan-drivers libvulkan1' },
    };
  }
  return { ...base, state: 'driver ok' };
}

function npuOnBus(pci: PciDevice, facts: FoundFacts): HardwareDevice {
  const accel = (facts.accel ?? []).find((candidate) => candidate.address === pci.address);
  return { ...pciBase(pci), providers: [], ...npuState(`${pci.vendor} NPU`, accel, pci.driver, pci.vendor), facts: [...pciFacts(pci), ...accelFacts(accel)] };
}

function npuFromAccel(accel: AccelDevice): HardwareDevice {
  return {
    kind: 'npu',
    name: `Accelerator ${accel.node}`,
    id: accel.address ?? accel.node,
    providers: [],
    ...npuState('The accelerator', accel, accel.driver, ''),
    ...(accel.driver && { driver: accel.driver }),
    facts: accelFacts(accel),
  };
}

/** Which of ONNX Runtime's providers would reach it, were it in the Node package. */
const NPU_PROVIDER: Record<string, string> = { Intel: 'OpenVINO', AMD: 'VitisAI', Qualcomm: 'QNN' };

function npuState(
  name: string,
  accel: AccelDevice | undefined,
  driver: string | undefined,
  vendor: string,
): Pick<HardwareDevice, 'state' | 'stoppedBy' | 'remedy'> {
  if (driver === undefined)
    return { state: 'present', stoppedBy: 'no kernel driver is bound to it', remedy: { text: 'Install its driver, or a newer kernel that has it.' } };
  if (accel?.access === 'denied') {
    return {
      state: 'present',
      stoppedBy: `this user may not open /dev/accel/${accel.node}`,
      remedy: { text: 'Add yourself to the group that owns it, then log in again.', command: 'sudo usermod -aG render "$USER"' },
    };
  }
  if (accel?.library && !accel.library.found) {
    return {
      state: 'present',
      stoppedBy: `${accel.library.title} (${accel.library.name}) is missing`,
      remedy: { text: `Install the ${accel.library.title} of its vendor.` },
    };
  }
  return { state: 'driver ok', stoppedBy: NO_PATH(name, NPU_PROVIDER[vendor] ?? 'matching') };
}

function boardDevice(board: BoardDevice): HardwareDevice {
  const jetson = board.vendor === 'NVIDIA';
  const stop =
    board.access === 'denied'
      ? {
          state: 'present' as const,
          stoppedBy: `this user may not open ${board.node ?? 'it'}`,
          remedy: { text: 'Add yourself to the group that owns it, then log in again.', command: 'sudo usermod -aG video,render "$USER"' },
        }
      : {
          state: board.node ? ('driver ok' as const) : ('present' as const),
          stoppedBy: jetson ? 'ONNX Runtime for Node has no CUDA provider for Linux on arm64: no runtime path from here' : NO_PATH(board.name, board.vendor),
        };
  return {
    kind: board.kind,
    name: board.name,
    vendor: board.vendor,
    providers: [],
    ...stop,
    ...(board.driver && { driver: board.driver }),
    ...(board.node && { id: board.node }),
    facts: [{ name: 'recognised by', value: board.source, source: board.source.split(':')[0] ?? '' }],
  };
}

function listedDevice(listed: ListedDevice, place: Place): HardwareDevice {
  const shipped = shippedProviders(place.platform, place.arch);
  const providers = listed.kind === 'gpu' ? shipped.filter((name) => name !== 'cpu') : shipped.filter((name) => name === 'coreml');
  const base = {
    kind: listed.kind,
    name: listed.name,
    providers,
    ...(listed.vendor && { vendor: listed.vendor }),
    ...(listed.driver && { driver: listed.driver }),
    ...(listed.memoryBytes !== undefined && { memoryBytes: listed.memoryBytes }),
    facts: [{ name: 'listed by', value: listed.name, source: listed.source }],
  };
  if (listed.kind === 'npu' && providers.includes('coreml')) return { ...base, state: 'driver ok', stoppedBy: COREML_DECIDES };
  // A device the system lists by name has a driver: without one Windows shows another class, and macOS brings its own.
  return providers.length > 0 ? { ...base, state: 'driver ok' } : { ...base, state: 'driver ok', stoppedBy: NO_PATH(listed.name, 'matching') };
}

function pciBase(pci: PciDevice): Pick<HardwareDevice, 'kind' | 'name' | 'vendor' | 'id' | 'driver' | 'memoryBytes' | 'facts'> {
  return {
    kind: pci.kind,
    name: pci.name ? `${pci.vendor} ${pci.name}` : `${pci.vendor} ${pci.kind.toUpperCase()} ${pci.deviceId}`,
    vendor: pci.vendor,
    id: pci.address,
    ...(pci.driver && { driver: pci.driver }),
    ...(pci.memoryBytes !== undefined && { memoryBytes: pci.memoryBytes }),
    facts: pciFacts(pci),
  };
}

function pciFacts(pci: PciDevice): HardwareDevice['facts'] {
  const source = `/sys/bus/pci/devices/${pci.address}`;
  return [
    { name: 'PCI id', value: `${pci.vendorId}:${pci.deviceId}`, source },
    { name: 'kernel driver', value: pci.driver ?? 'none', source },
    ...(pci.nodes.length > 0 ? [{ name: 'device nodes', value: pci.nodes.join(', '), source: `${source}/drm` }] : []),
  ];
}

function accelFacts(accel: AccelDevice | undefined): HardwareDevice['facts'] {
  if (accel === undefined) return [];
  return [
    { name: 'device node', value: `/dev/accel/${accel.node} (${accel.access})`, source: '/sys/class/accel' },
    ...(accel.firmware ? [{ name: 'firmware', value: accel.firmware, source: `/sys/class/accel/${accel.node}/device/fw_version` }] : []),
  ];
}
