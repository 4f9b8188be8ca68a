/**
 * Vulkan on Linux, which ONNX Runtime's WebGPU provider runs on: the loader, the drivers (ICDs) it would find, and the devices
 * they really enumerate where the addon is there to ask.
 */
import { openLibraries } from '../libraries.ts';
import { MAX_DEVICES } from '../limits.ts';
import type { Machine } from '../machine.ts';
import { vulkanAnswer } from '../native-answers.ts';
import { VENDORS } from './pci-names.ts';

export interface VulkanDriver {
  /** The manifest that names it. */
  manifest: string;
  library: string;
  /** Renders on the CPU: correct, and slower than the CPU provider. */
  software: boolean;
  /** Whose devices it drives; absent when unknown. */
  vendor?: string;
}

export interface VulkanDevice {
  name: string;
  vendor: string;
  /** PCI `vendor:device` in hex. */
  id: string;
  kind: 'integrated' | 'discrete' | 'virtual' | 'software' | 'other';
  apiVersion: string;
  /** `radv Mesa 25.0.7` */
  driver?: string;
  /** PCI address, where the driver tells it. */
  address?: string;
  memoryBytes?: number;
}

export interface VulkanFacts {
  loader?: string;
  drivers: VulkanDriver[];
  /** What was really enumerated; absent where nobody could ask. */
  devices?: VulkanDevice[];
  /** Why enumerating failed. */
  error?: string;
}

const SUFFIX = 'vulkan/icd.d';
const DATA_DIRS = ['/usr/local/share', '/usr/share'];
const OTHER_DIRS = ['/etc', '/usr/local/nvidia/share', '/usr/lib/x86_64-linux-gnu/GL', '/usr/share/glvnd', '/run/opengl-driver/share'];
/** Mesa's lavapipe and Google's SwiftShader. */
const SOFTWARE = /lvp|lavapipe|swiftshader/i;
/** Words in the names of drivers' libraries -> whose devices they drive. */
const BY_LIBRARY: readonly [RegExp, string][] = [
  [/radeon|amdvlk|amd_icd/i, 'AMD'],
  [/intel/i, 'Intel'],
  [/nvidia|nouveau/i, 'NVIDIA'],
  [/virtio/i, 'Virtio'],
  [/dzn/i, 'Microsoft'],
  [/freedreno|adreno/i, 'Qualcomm'],
  [/panfrost|mali/i, 'Arm'],
  [/broadcom/i, 'Broadcom'],
  [/asahi/i, 'Apple'],
  [/powervr/i, 'Imagination'],
];
const KINDS = ['other', 'integrated', 'discrete', 'virtual', 'software'] as const;

export async function probeVulkan(machine: Machine): Promise<VulkanFacts> {
  if ((await machine.facts()).platform !== 'linux') return { drivers: [] };
  const loader = (await (await openLibraries(machine)).find('libvulkan.so.1'))?.path;
  const drivers: VulkanDriver[] = [];
  for (const manifest of await manifests(machine)) {
    const library = /"library_path"\s*:\s*"([^"]{1,1024})"/.exec((await machine.readText(manifest)) ?? '')?.[1];
    if (!library) continue;
    const software = SOFTWARE.test(library) || SOFTWARE.test(manifest);
    const vendor = software ? undefined : BY_LIBRARY.find(([pattern]) => pattern.test(library) || pattern.test(manifest))?.[1];
    drivers.push({ manifest, library, software, ...(vendor && { vendor }) });
  }
  const facts: VulkanFacts = { drivers, ...(loader && { loader }) };
  if (loader === undefined || drivers.length === 0) return facts;
  const answer = vulkanAnswer(await machine.driver('vulkan')) ?? (await vulkaninfo(machine));
  if (answer === undefined) return facts;
  const error = answer.loadError ?? (answer.error && `${answer.error.step} failed with ${answer.error.code}`);
  return { ...facts, devices: (answer.devices ?? []).map(described), ...(error && { error }) };
}

const TYPES = ['OTHER', 'INTEGRATED_GPU', 'DISCRETE_GPU', 'VIRTUAL_GPU', 'CPU'];

/** Where the addon is not there to ask: the same from the tool that comes with Vulkan's loader. */
async function vulkaninfo(machine: Machine): Promise<ReturnType<typeof vulkanAnswer>> {
  const result = await machine.run('vulkaninfo', ['--summary']);
  if (result?.code !== 0) return undefined;
  const devices = result.stdout
    .split(/^GPU\d+:\s*$/m)
    .slice(1)
    .map((block) => {
      const field = (name: string) => new RegExp(`^\\s*${name}\\s*=\\s*(.+)$`, 'm').exec(block)?.[1]?.trim() ?? '';
      const type = TYPES.indexOf(field('deviceType').replace(/^PHYSICAL_DEVICE_TYPE_/, ''));
      const name = field('deviceName').slice(0, 256);
      const driver = field('driverName').slice(0, 256);
      const driverInfo = field('driverInfo').slice(0, 256);
      return {
        name,
        vendorId: Number.parseInt(field('vendorID'), 16) || 0,
        deviceId: Number.parseInt(field('deviceID'), 16) || 0,
        type: type === -1 ? 0 : type,
        apiVersion: /^\d+\.\d+/.exec(field('apiVersion'))?.[0] ?? '',
        ...(driver && { driver }),
        ...(driverInfo && { driverInfo }),
      };
    });
  return { devices: devices.slice(0, MAX_DEVICES) };
}

/** Where the loader looks, in its order: variables that name files win over folders. */
async function manifests(machine: Machine): Promise<string[]> {
  const named = (machine.env('VK_DRIVER_FILES') ?? machine.env('VK_ICD_FILENAMES') ?? '').split(':').filter((path) => path.endsWith('.json'));
  if (named.length > 0) return named;
  const data = (machine.env('XDG_DATA_DIRS') ?? '').split(':').filter((dir) => dir.startsWith('/'));
  const dirs = [...new Set([...data, ...DATA_DIRS, ...OTHER_DIRS])].map((dir) => `${dir.replace(/\/$/, '')}/${SUFFIX}`);
  const found = await Promise.all(dirs.map(async (dir) => (await machine.list(dir)).filter((name) => name.endsWith('.json')).map((name) => `${dir}/${name}`)));
  return found.flat();
}

function described(device: NonNullable<NonNullable<ReturnType<typeof vulkanAnswer>>['devices']>[number]): VulkanDevice {
  const hex = (number: number) => (number >>> 0).toString(16).padStart(4, '0');
  const driver = [device.driver, device.driverInfo].filter(Boolean).join(' ');
  return {
    name: device.name,
    vendor: VENDORS[hex(device.vendorId)] ?? '',
    id: `${hex(device.vendorId)}:${hex(device.deviceId)}`,
    kind: KINDS[device.type] ?? 'other',
    apiVersion: device.apiVersion,
    ...(driver && { driver }),
    ...(device.busId && { address: device.busId.toLowerCase() }),
    ...(device.memoryBytes && { memoryBytes: device.memoryBytes }),
  };
}
