/** The probes by name. Each asks one part of the machine; none depends on another. */
import type { Machine } from '../machine.ts';
import { type AccelDevice, probeAccel } from './accel.ts';
import { type BoardDevice, probeBoards } from './boards.ts';
import { type CpuFacts, probeCpu } from './cpu.ts';
import { type GraphicsFacts, probeGraphics } from './graphics.ts';
import { type MemoryFacts, probeMemory } from './memory.ts';
import { type NvidiaFacts, probeNvidia } from './nvidia.ts';
import { type PciDevice, probePci } from './pci.ts';
import { type ProviderLibraryFacts, probeProviderLibraries } from './provider-libraries.ts';
import { probeSystem, type SystemFacts } from './system.ts';
import { probeVulkan, type VulkanFacts } from './vulkan.ts';

export interface Facts {
  system: SystemFacts;
  cpu: CpuFacts;
  memory: MemoryFacts;
  pci: PciDevice[];
  accel: AccelDevice[];
  boards: BoardDevice[];
  graphics: GraphicsFacts;
  nvidia: NvidiaFacts;
  vulkan: VulkanFacts;
  libraries: ProviderLibraryFacts;
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
  boards: probeBoards,
  vulkan: probeVulkan,
  libraries: probeProviderLibraries,
  graphics: probeGraphics,
  nvidia: probeNvidia,
};

export const PROBE_NAMES = Object.keys(PROBES) as ProbeName[];
