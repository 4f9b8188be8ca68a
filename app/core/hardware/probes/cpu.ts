/** The processor: its name, its cores as far as this process may use them, and its vector extensions. */
import type { Machine } from '../machine.ts';
import { cgroupCpuQuota } from './cgroup.ts';

export interface CpuFacts {
  model: string;
  cores: number;
  usableCores: number;
  /** Flags in Linux's spelling. */
  flags: string[];
  /** Where the flags are from: the CPU itself, or what the system says of it. */
  flagsFrom: string;
}

export async function probeCpu(machine: Machine): Promise<CpuFacts> {
  const facts = await machine.facts();
  const cpuinfo = facts.platform === 'linux' ? ((await machine.readText('/proc/cpuinfo')) ?? '') : '';
  const { flags, from } = facts.cpuFlags ? { flags: facts.cpuFlags, from: 'CPU instructions' } : await flagsFromSystem(machine, facts.platform, cpuinfo);
  const quota = facts.platform === 'linux' ? await cgroupCpuQuota(machine) : undefined;
  const usable = Math.min(facts.usableCores, (await affinity(machine)) ?? facts.usableCores, quota ?? Number.POSITIVE_INFINITY);
  return {
    model: (await modelName(machine, cpuinfo, facts.cpuModel)) || `${facts.arch} processor`,
    cores: facts.cores,
    usableCores: usable,
    flags,
    flagsFrom: from,
  };
}

async function flagsFromSystem(machine: Machine, platform: string, cpuinfo: string): Promise<{ flags: string[]; from: string }> {
  if (platform === 'linux') return { flags: parseCpuFlags(cpuinfo), from: '/proc/cpuinfo' };
  if (platform === 'darwin') {
    const result = await machine.run('/usr/sbin/sysctl', ['-a']);
    return { flags: flagsFromSysctl(result?.stdout ?? ''), from: 'sysctl' };
  }
  const text = await machine.ask('cpuFlags');
  return { flags: typeof text === 'string' ? text.split(/\s+/).filter(Boolean) : [], from: 'systeminformation' };
}

/** `flags` of the first processor on x86, `Features` on arm64. */
export function parseCpuFlags(cpuinfo: string): string[] {
  return (/^(?:flags|Features)\s*:\s*(.*)$/m.exec(cpuinfo)?.[1] ?? '').split(/\s+/).filter(Boolean);
}

/** macOS names of what Linux calls asimddp and so on. */
const SYSCTL_FLAGS: Record<string, string> = {
  'arm.FEAT_DotProd': 'asimddp',
  'arm.FEAT_I8MM': 'i8mm',
  'arm.FEAT_BF16': 'bf16',
  'arm.FEAT_SME': 'sme',
  AdvSIMD: 'asimd',
  neon: 'asimd',
  avx2_0: 'avx2',
};

function flagsFromSysctl(text: string): string[] {
  const flags = Object.entries(SYSCTL_FLAGS).flatMap(([name, flag]) => (text.includes(`hw.optional.${name}: 1`) ? [flag] : []));
  return [...new Set(flags)];
}

/** Cores in `Cpus_allowed_list` (`0-3,8`), which taskset and cpusets narrow. */
async function affinity(machine: Machine): Promise<number | undefined> {
  const status = await machine.readText('/proc/self/status');
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status ?? '')?.[1];
  if (list === undefined) return undefined;
  const count = list.split(',').reduce((sum, part) => {
    const [first, last] = part.split('-').map(Number);
    return sum + ((last ?? first ?? 0) - (first ?? 0) + 1);
  }, 0);
  return Number.isInteger(count) && count > 0 ? count : undefined;
}

async function modelName(machine: Machine, cpuinfo: string, known: string): Promise<string> {
  if (known && known !== 'unknown') return known;
  const named = /^(?:model name|Model|Hardware)\s*:\s*(.+)$/m.exec(cpuinfo)?.[1]?.trim();
  if (named) return named;
  return ((await machine.readText('/proc/device-tree/model')) ?? '').replaceAll('\0', '').trim();
}
