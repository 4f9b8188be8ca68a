/** The CPU at a glance, without starting a process: for choosing threads and int8 defaults. */
import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus } from 'node:os';
import { loadNative } from '#native';
import { cpuFeatures, int8Advice } from './cpu-features.ts';
import { parseCpuFlags } from './probes/cpu.ts';

export interface CpuInfo {
  model: string;
  cores: number;
  /** Cores this process may use as Node.js counts them (affinity and cgroup quota), at least 1. */
  usableCores: number;
  features: Record<string, boolean>;
  int8: { path: string; advice: string };
}

/** By the native addon where there is one, else from what the system says; never fails, an unknown CPU has no features. */
export function cpuInfo(): CpuInfo {
  const native = loadNative()?.cpuFeatures();
  const flags = native?.flags ?? flagsOfLinux();
  const list = cpus();
  return {
    model: native?.brand || list[0]?.model.trim() || `${arch()} processor`,
    cores: list.length,
    usableCores: availableParallelism(),
    features: cpuFeatures(arch(), flags),
    int8: int8Advice(arch(), flags),
  };
}

function flagsOfLinux(): string[] {
  try {
    return parseCpuFlags(readFileSync('/proc/cpuinfo', 'utf8'));
  } catch {
    return [];
  }
}
