/** NVIDIA: kernel driver, driver libraries, and what nvidia-smi says of each GPU. */
import { openLibraries } from '../libraries.ts';
import type { Machine } from '../machine.ts';
import { endedHow } from '../words.ts';

export interface NvidiaGpu {
  /** PCI address in sysfs form. */
  address: string;
  name: string;
  memoryBytes?: number;
  computeCapability?: string;
  driverVersion?: string;
}

export interface NvidiaFacts {
  /** Version of the kernel driver that is loaded; absent when none is. */
  kernelDriver?: string;
  /** Highest CUDA version the driver serves, as nvidia-smi says. */
  cudaVersion?: string;
  libcuda?: string;
  libnvml?: string;
  gpus: NvidiaGpu[];
  /** Why nvidia-smi gave nothing, in its own words. */
  smiError?: string;
}

const QUERY = ['--query-gpu=pci.bus_id,name,memory.total,compute_cap,driver_version', '--format=csv,noheader,nounits'];
/** nvidia-smi lies there on WSL and in containers whose PATH does not know it. */
const SMI = ['nvidia-smi', '/usr/lib/wsl/lib/nvidia-smi', '/usr/local/nvidia/bin/nvidia-smi'];

export async function probeNvidia(machine: Machine): Promise<NvidiaFacts> {
  const { platform } = await machine.facts();
  if (platform === 'darwin') return { gpus: [] };
  const version = (await machine.readText('/proc/driver/nvidia/version')) ?? '';
  const kernelDriver = /Kernel Module(?: for \S+)?\s+([\d.]+)/.exec(version)?.[1];
  const libraries = platform === 'linux' ? await openLibraries(machine) : undefined;
  const libcuda = (await libraries?.find('libcuda.so.1'))?.path;
  const libnvml = (await libraries?.find('libnvidia-ml.so.1'))?.path;
  const smi = await runSmi(machine);
  return {
    gpus: smi.gpus,
    ...(kernelDriver && { kernelDriver }),
    ...(libcuda && { libcuda }),
    ...(libnvml && { libnvml }),
    ...(smi.error && { smiError: smi.error }),
    ...(smi.cudaVersion && { cudaVersion: smi.cudaVersion }),
  };
}

async function runSmi(machine: Machine): Promise<{ gpus: NvidiaGpu[]; error?: string; cudaVersion?: string }> {
  for (const command of SMI) {
    const result = await machine.run(command, QUERY);
    if (result === undefined) continue;
    if (result.code !== 0) return { gpus: [], error: firstLine(result.stdout) ?? firstLine(result.stderr) ?? `it ended with ${endedHow(result)}` };
    const overview = await machine.run(command, []);
    const cudaVersion = /CUDA Version:\s*([\d.]+)/.exec(overview?.stdout ?? '')?.[1];
    return { gpus: result.stdout.split('\n').flatMap(parseGpu), ...(cudaVersion && { cudaVersion }) };
  }
  return { gpus: [] };
}

/** `00000000:01:00.0, NVIDIA GeForce RTX 4070, 12282, 8.9, 570.86.10`: memory in MiB, `[N/A]` where unknown. */
function parseGpu(line: string): NvidiaGpu[] {
  const [bus, name, mebibytes, capability, driverVersion] = line.split(',').map((part) => part.trim());
  if (!bus || !name) return [];
  const memory = Number(mebibytes);
  return [
    {
      // nvidia-smi writes the domain with eight digits, sysfs with four.
      address: bus.toLowerCase().replace(/^0000([0-9a-f]{4}:)/, '$1'),
      name,
      ...(memory > 0 && { memoryBytes: memory * 1024 * 1024 }),
      ...(capability && /^\d/.test(capability) && { computeCapability: capability }),
      ...(driverVersion && /^\d/.test(driverVersion) && { driverVersion }),
    },
  ];
}

function firstLine(text: string): string | undefined {
  return text
    .split('\n')
    .find((line) => line.trim() !== '')
    ?.trim();
}
