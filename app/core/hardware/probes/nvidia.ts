/**
 * NVIDIA: kernel driver, device nodes, driver libraries, and what the driver says of each GPU: by its own libraries where the
 * addon is there, else by nvidia-smi.
 */
import { openLibraries } from '../libraries.ts';
import type { AccessTo, Machine } from '../machine.ts';
import { type CudaAnswer, cudaAnswer, cudaVersionText, type DriverFailure, type NvmlAnswer, nvmlAnswer } from '../native-answers.ts';
import { busAddress, type NvidiaGpu, UNNAMED } from './nvidia-gpu.ts';
import { askSmi } from './nvidia-smi.ts';

export interface NvidiaFacts {
  /** Version of the kernel driver that is loaded; absent when none is. */
  kernelDriver?: string;
  /** Version of the driver's libraries, as the file behind libcuda.so.1 has it in its name. */
  libraryVersion?: string;
  /** A kernel module for this kernel lies on the disk, loaded or not. */
  moduleOnDisk?: boolean;
  /** Highest CUDA version the driver serves. */
  cudaVersion?: string;
  libcuda?: string;
  gpus: NvidiaGpu[];
  /** Whether this user may open /dev/nvidiactl, /dev/nvidia0 and /dev/nvidia-uvm. */
  nodes: { control: AccessTo; device: AccessTo; memory: AccessTo };
  /** Whether CUDA was asked itself, and how it failed. */
  cudaAsked?: boolean;
  cudaError?: DriverFailure;
  /** Why the driver gave no list of GPUs, in its own words. */
  smiError?: string;
  /** CUDA_VISIBLE_DEVICES, where it is set. */
  visible?: string;
}

export async function probeNvidia(machine: Machine): Promise<NvidiaFacts> {
  const { platform } = await machine.facts();
  const nodes = { control: 'absent', device: 'absent', memory: 'absent' } as const;
  if (platform === 'darwin') return { gpus: [], nodes };
  const kernel = platform === 'linux' ? await kernelSide(machine) : { nodes };
  const cuda = cudaAnswer(await machine.driver('cuda'));
  const nvml = nvmlAnswer(await machine.driver('nvml'));
  // Only where nobody could be asked directly: nvidia-smi would say the same, and takes its time.
  const smi = cuda === undefined && nvml === undefined ? await askSmi(machine) : undefined;
  const gpus = smi?.gpus ?? mergeAnswers(cuda, nvml);
  for (const gpu of platform === 'linux' ? await namesFromKernel(machine) : []) {
    const known = gpus.find((one) => one.address === gpu.address);
    if (known === undefined) gpus.push(gpu);
    else if (known.name === UNNAMED) known.name = gpu.name;
  }
  const version = nvml?.cudaVersion ?? cuda?.driverVersion;
  const cudaVersion = smi?.cudaVersion ?? (version && version > 0 ? cudaVersionText(version) : undefined);
  const failure = nvml?.error && `${nvml.error.name || nvml.error.step} (NVML error ${nvml.error.code})`;
  const smiError = smi?.error ?? failure;
  const visible = machine.env('CUDA_VISIBLE_DEVICES');
  return {
    ...kernel,
    gpus,
    ...(cuda && cuda.loadError === undefined && { cudaAsked: true }),
    ...(cuda?.error && { cudaError: cuda.error }),
    ...(smiError && { smiError }),
    ...(visible !== undefined && { visible }),
    ...(cudaVersion && { cudaVersion }),
  };
}

async function kernelSide(machine: Machine): Promise<Omit<NvidiaFacts, 'gpus'>> {
  const version = (await machine.readText('/proc/driver/nvidia/version')) ?? '';
  const kernelDriver = /Kernel Module(?: for \S+)?\s+(\d[\d.]*)/.exec(version)?.[1];
  const libraries = await openLibraries(machine);
  const libcuda = (await libraries.find('libcuda.so.1'))?.path;
  const target = libcuda === undefined ? undefined : await machine.link(libcuda);
  const libraryVersion = /libcuda\.so\.(\d+\.\d[\d.]*)$/.exec(target ?? '')?.[1];
  const { release } = await machine.facts();
  const moduleOnDisk = kernelDriver === undefined && (await anyModule(machine, release));
  return {
    ...(kernelDriver && { kernelDriver }),
    ...(libcuda && { libcuda }),
    ...(libraryVersion && { libraryVersion }),
    ...(moduleOnDisk && { moduleOnDisk }),
    nodes: {
      control: await machine.access('/dev/nvidiactl'),
      device: await firstNode(machine),
      memory: await machine.access('/dev/nvidia-uvm'),
    },
  };
}

/** A container may be given the second card only. */
async function firstNode(machine: Machine): Promise<AccessTo> {
  const name = (await machine.list('/dev')).find((entry) => /^nvidia\d+$/.test(entry)) ?? 'nvidia0';
  return machine.access(`/dev/${name}`);
}

async function anyModule(machine: Machine, release: string): Promise<boolean> {
  for (const dir of ['updates/dkms', 'kernel/drivers/video', 'extra', 'extramodules', 'kernel/nvidia']) {
    const names = await machine.list(`/lib/modules/${release}/${dir}`);
    if (names.some((name) => /^nvidia\.ko(?:\.\w+)?$/.test(name))) return true;
  }
  return false;
}

/** The kernel driver's own list: it stands where the libraries are missing or differ in version. */
async function namesFromKernel(machine: Machine): Promise<NvidiaGpu[]> {
  const found: NvidiaGpu[] = [];
  for (const address of await machine.list('/proc/driver/nvidia/gpus')) {
    const about = (await machine.readText(`/proc/driver/nvidia/gpus/${address}/information`)) ?? '';
    const name = /^Model:\s*(\S.*)$/m.exec(about)?.[1]?.trim();
    if (name && name !== 'Unknown') found.push({ address: busAddress(address), name, source: '/proc/driver/nvidia/gpus' });
  }
  return found;
}

/** CUDA knows its own numbering and what runs; NVML knows free memory, modes and cards that CUDA leaves out. Joined by bus id. */
function mergeAnswers(cuda: CudaAnswer | undefined, nvml: NvmlAnswer | undefined): NvidiaGpu[] {
  const gpus: NvidiaGpu[] = (nvml?.devices ?? []).flatMap((device) => {
    const problem = device.error && `${device.error.name || device.error.step} (NVML error ${device.error.code})`;
    if (device.busId === undefined) return problem === undefined ? [] : [{ address: `nvml ${device.index}`, name: UNNAMED, problem, source: 'NVML' }];
    return [
      {
        address: busAddress(device.busId),
        name: device.name ?? UNNAMED,
        ...(device.memoryBytes && { memoryBytes: device.memoryBytes }),
        ...(device.freeBytes !== undefined && { freeBytes: device.freeBytes }),
        ...(device.computeCapability && { computeCapability: device.computeCapability }),
        ...(nvml?.driverVersion && { driverVersion: nvml.driverVersion }),
        ...(device.mig && { mig: { instances: (device.migInstances ?? []).map((instance) => instance.name ?? 'instance') } }),
        ...(device.computeMode === 2 && { prohibited: true }),
        ...(problem && { problem }),
        source: 'NVML',
      },
    ];
  });
  for (const device of cuda?.devices ?? []) {
    const address = busAddress(device.busId ?? `cuda ${device.index}`);
    let gpu = gpus.find((known) => known.address === address);
    if (gpu === undefined) {
      gpu = { address, name: device.name ?? UNNAMED, source: 'CUDA driver' };
      gpus.push(gpu);
    }
    gpu.cudaIndex = device.index;
    if (gpu.memoryBytes === undefined && device.memoryBytes) gpu.memoryBytes = device.memoryBytes;
    if (gpu.computeCapability === undefined && device.computeCapability) gpu.computeCapability = device.computeCapability;
    if (device.integrated) gpu.integrated = true;
    if (device.error) gpu.problem ??= `${device.error.name || device.error.step} (CUDA error ${device.error.code})`;
  }
  return gpus;
}
