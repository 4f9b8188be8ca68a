/** The probes by name. Each asks one part of the machine; none depends on another. */
import type { Machine } from '../machine.ts';
import { type AccelDevice, probeAccel } from './accel.ts';
import { type BoardDevice, probeBoards } from './boards.ts';
import { type CpuFacts, probeCpu } from './cpu.ts';
import { type DrmDevice, probeDrm } from './drm.ts';
import { type GraphicsFacts, probeGraphics } from './graphics.ts';
import { type MemoryFacts, probeMemory } from './memory.ts';
import { type NvidiaFacts, probeNvidia } from './nvidia.ts';
import { type NpuKernel, npuKernel } from './npu-kernel.ts';
import { probeToolkit, type ToolkitLibrary } from './nvidia-toolkit.ts';
import { type PciDevice, probePci } from './pci.ts';
import { type ProviderLibraryFacts, probeProviderLibraries } from './provider-libraries.ts';
import { probeSystem, type SystemFacts } from './system.ts';
import { probeUsb } from './usb.ts';
import { probeVulkan, type VulkanFacts } from './vulkan.ts';

export interface Facts {
  system: SystemFacts;
  cpu: CpuFacts;
  memory: MemoryFacts;
  pci: PciDevice[];
  accel: AccelDevice[];
  /** Neural processors on the bus, as far as the kernel goes with them. */
  npuKernel: NpuKernel[];
  boards: BoardDevice[];
  usb: BoardDevice[];
  drm: DrmDevice[];
  graphics: GraphicsFacts;
  nvidia: NvidiaFacts;
  vulkan: VulkanFacts;
  libraries: ProviderLibraryFacts;
  toolkit: ToolkitLibrary[];
}

export type ProbeName = keyof Facts;
/** What was found; a probe that failed left its part out. */
export type FoundFacts = { [K in ProbeName]?: Facts[K] };
export type ProbeTable = { [K in ProbeName]: (machine: Machine) => Promise<Facts[K]> };

/** Cheap and certain ones first: what a crash in a later one leaves behind is then already told. */
export const PROBES: ProbeTable = {
  system: probeSystem,
  cpu: probeCpu,
  memory: probeMemory,
  pci: probePci,
  accel: probeAccel,
  npuKernel: probeNpuKernel,
  boards: probeBoards,
  usb: probeUsb,
  drm: probeDrm,
  libraries: probeProviderLibraries,
  graphics: probeGraphics,
  nvidia: probeNvidia,
  vulkan: probeVulkan,
  toolkit: probeToolkit,
};

/** These load drivers' libraries, which may take seconds, hang or crash: a process beside the others is theirs. */
export const DRIVER_PROBES: ReadonlySet<string> = new Set<ProbeName>(['graphics', 'nvidia', 'vulkan', 'toolkit']);

export const PROBE_NAMES = Object.keys(PROBES) as ProbeName[];

async function probeNpuKernel(machine: Machine): Promise<NpuKernel[]> {
  if ((await machine.facts()).platform !== 'linux') return [];
  const found: NpuKernel[] = [];
  for (const device of (await probePci(machine)).filter((entry) => entry.kind === 'npu' && entry.driver === undefined)) {
    const kernel = await npuKernel(machine, device.vendorId, device.deviceId, device.revision);
    if (kernel) found.push(kernel);
  }
  return found;
}
