/** How much memory there is, is free, and may be used. */
import type { Machine } from '../machine.ts';
import { cgroupMemory } from './cgroup.ts';

export interface MemoryFacts {
  totalBytes: number;
  availableBytes: number;
  /** A limit below the machine's own memory; absent when there is none. */
  limitBytes?: number;
}

export async function probeMemory(machine: Machine): Promise<MemoryFacts> {
  const facts = await machine.facts();
  if (facts.platform !== 'linux') return { totalBytes: facts.totalMemoryBytes, availableBytes: facts.freeMemoryBytes };
  const meminfo = (await machine.readText('/proc/meminfo')) ?? '';
  const read = (field: string) => {
    const kib = new RegExp(`^${field}:\\s+(\\d{1,12}) kB$`, 'm').exec(meminfo)?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  };
  const totalBytes = read('MemTotal') ?? facts.totalMemoryBytes;
  const freeBytes = read('MemAvailable') ?? facts.freeMemoryBytes;
  const group = await cgroupMemory(machine);
  if (group === undefined || group.limitBytes >= totalBytes) return { totalBytes, availableBytes: freeBytes };
  return { totalBytes, availableBytes: Math.max(0, Math.min(freeBytes, group.limitBytes - group.usedBytes)), limitBytes: group.limitBytes };
}
