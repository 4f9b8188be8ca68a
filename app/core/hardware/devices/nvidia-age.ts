/** Cards that a CUDA version no longer serves. */
import type { HardwareDevice } from '#contract';
import type { FoundFacts } from '../probes/table.ts';

/** CUDA major -> the oldest compute capability its libraries still have code for (NVIDIA's release notes: CUDA 13 dropped Maxwell, Pascal and Volta). */
const OLDEST: Record<number, number> = { 11: 3.5, 12: 5, 13: 7.5 };

/** @returns why this card can't run a provider built for that CUDA; undefined when it can, or nobody knows */
export function tooOldFor(cudaMajor: number, device: HardwareDevice, facts: FoundFacts): string | undefined {
  const gpu = facts.nvidia?.gpus.find((candidate) => candidate.address === device.id);
  const oldest = OLDEST[cudaMajor];
  const capability = Number(gpu?.computeCapability);
  if (oldest === undefined || !(capability > 0) || capability >= oldest) return undefined;
  return `CUDA ${cudaMajor}, which this provider is built for, serves cards of compute capability ${oldest.toFixed(1)} and newer; ${device.name} has ${gpu?.computeCapability ?? ''}`;
}
