/** The processor: its name, its cores as far as this process may use them, and its vector extensions. */
import { countCpus } from '../cpu-list.ts';
import type { Machine } from '../machine.ts';
import { armCores } from './arm-cores.ts';
import { cgroupCpuQuota, cgroupCpuset } from './cgroup.ts';
import { type CpuTopology, linuxTopology, macTopology } from './cpu-topology.ts';
import { readSysctl } from './sysctl.ts';

export interface CpuFacts extends CpuTopology {
  model: string;
  cores: number;
  usableCores: number;
  /** What keeps this process from using all cores, in words; empty when nothing does. */
  limits: string[];
  /** Flags in Linux's spelling. */
  flags: string[];
  /** Where the flags are from: the CPU itself, or what the system says of it. */
  flagsFrom: string;
}

export async function probeCpu(machine: Machine): Promise<CpuFacts> {
  const facts = await machine.facts();
  const linux = facts.platform === 'linux';
  const cpuinfo = linux ? ((await machine.readText('/proc/cpuinfo')) ?? (await lscpu(machine))) : '';
  const sysctl = facts.platform === 'darwin' ? await readSysctl(machine) : new Map<string, string>();
  const { flags, from } = facts.cpuFlags
    ? { flags: facts.cpuFlags, from: 'CPU instructions' }
    : await flagsFromSystem(machine, facts.platform, cpuinfo, sysctl);
  // Node sees at most what the kernel lets it: a machine with more processors than that is told by the kernel alone.
  const online = linux ? countCpus(await machine.readText('/sys/devices/system/cpu/online')) : undefined;
  const cores = Math.max(facts.cores, online ?? 0);
  const { usable, limits } = linux ? await usableOnLinux(machine, facts.usableCores, cores) : { usable: facts.usableCores, limits: [] };
  return {
    model: (await modelName(machine, cpuinfo, facts.cpuModel)) || `${facts.arch} processor`,
    cores,
    usableCores: Math.min(usable, cores),
    limits,
    flags,
    flagsFrom: from,
    ...(linux && (await linuxTopology(machine, cpuinfo))),
    ...(facts.platform === 'darwin' && macTopology(sysctl)),
    ...(facts.platform === 'win32' && windowsTopology(await machine.ask('cpu'))),
  };
}

/** Where only lscpu tells: its labels in the words of /proc/cpuinfo. */
async function lscpu(machine: Machine): Promise<string> {
  const text = (await machine.run('lscpu', []))?.stdout ?? '';
  return text.replace(/^Model name:/gm, 'model name:').replace(/^Flags:/gm, text.includes('asimd') ? 'Features:' : 'flags:');
}

async function usableOnLinux(machine: Machine, known: number, cores: number): Promise<{ usable: number; limits: string[] }> {
  const bounds: [number | undefined, string][] = [
    [await affinity(machine), 'affinity (taskset or a cpuset)'],
    [await cgroupCpuset(machine), 'the cpuset of its control group'],
    [await cgroupCpuQuota(machine), 'the CPU quota of its control group'],
  ];
  const limits = bounds.flatMap(([bound, what]) => (bound !== undefined && bound < cores ? [`${what}: ${Number(bound.toFixed(2))}`] : []));
  // Node rounds quotas down; where the kernel's own numbers are there, they are the finer ones.
  return {
    usable: Math.min(...bounds.map(([bound]) => bound ?? Number.POSITIVE_INFINITY), bounds.some(([bound]) => bound !== undefined) ? cores : known),
    limits,
  };
}

async function flagsFromSystem(
  machine: Machine,
  platform: string,
  cpuinfo: string,
  sysctl: ReadonlyMap<string, string>,
): Promise<{ flags: string[]; from: string }> {
  if (platform === 'linux') return { flags: parseCpuFlags(cpuinfo), from: '/proc/cpuinfo' };
  if (platform === 'darwin') return { flags: flagsFromSysctl(sysctl), from: 'sysctl' };
  const text = await machine.ask('cpuFlags');
  return { flags: typeof text === 'string' ? text.split(/\s+/).filter(Boolean) : [], from: 'systeminformation' };
}

/** `flags` of the first processor on x86, `Features` on arm64. */
export function parseCpuFlags(cpuinfo: string): string[] {
  return (/^(?:flags|Features)[ \t]*:[ \t]*(.*)$/m.exec(cpuinfo)?.[1] ?? '').split(/\s+/).filter(Boolean);
}

/** macOS names of what Linux calls asimddp and so on. */
const SYSCTL_FLAGS: Record<string, string> = {
  'arm.FEAT_DotProd': 'asimddp',
  'arm.FEAT_I8MM': 'i8mm',
  'arm.FEAT_BF16': 'bf16',
  'arm.FEAT_FP16': 'asimdhp',
  'arm.FEAT_SME': 'sme',
  'arm.FEAT_SME2': 'sme2',
  AdvSIMD: 'asimd',
  neon: 'asimd',
  avx2_0: 'avx2',
};

function flagsFromSysctl(sysctl: ReadonlyMap<string, string>): string[] {
  const flags = Object.entries(SYSCTL_FLAGS).flatMap(([name, flag]) => (sysctl.get(`hw.optional.${name}`) === '1' ? [flag] : []));
  // Macs with Intel processors list theirs in one line.
  const intel = (sysctl.get('machdep.cpu.features') ?? '') + ' ' + (sysctl.get('machdep.cpu.leaf7_features') ?? '');
  for (const name of intel.split(/\s+/)) if (['AVX2', 'FMA', 'F16C', 'AVX512F', 'AVX512BW', 'AVX512VL'].includes(name)) flags.push(name.toLowerCase());
  if (intel.includes('AVX512VNNI')) flags.push('avx512_vnni');
  return [...new Set(flags)];
}

/** Cores in `Cpus_allowed_list` (`0-3,8`), which taskset and cpusets narrow. */
async function affinity(machine: Machine): Promise<number | undefined> {
  const status = await machine.readText('/proc/self/status');
  return countCpus(/^Cpus_allowed_list:\s*(\S+)$/m.exec(status ?? '')?.[1]);
}

async function modelName(machine: Machine, cpuinfo: string, known: string): Promise<string> {
  if (known && known !== 'unknown') return known;
  const named = /^(?:model name|cpu model|Model)[ \t]*:[ \t]*(.+)$/m.exec(cpuinfo)?.[1]?.trim();
  const board = ((await machine.readText('/proc/device-tree/model')) ?? '').replaceAll('\0', '').trim();
  const cores = armCores(cpuinfo).map((kind) => `${kind.count} × ${kind.name}`);
  // An Arm board is known by its board's name; its cores are named where they have one.
  if (cores.length > 0) return board || named ? `${board || named} (${cores.join(' + ')})` : cores.join(' + ');
  return named ?? board;
}

/** systeminformation's counts. */
function windowsTopology(answer: unknown): CpuTopology {
  const cpu = (answer ?? {}) as { physicalCores?: unknown; processors?: unknown; performanceCores?: unknown; efficiencyCores?: unknown };
  const count = (value: unknown) => (typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined);
  const physicalCores = count(cpu.physicalCores);
  const sockets = count(cpu.processors);
  const performance = count(cpu.performanceCores);
  const efficiency = count(cpu.efficiencyCores);
  return {
    ...(physicalCores && { physicalCores }),
    ...(sockets && { sockets }),
    ...(performance &&
      efficiency && {
        kinds: [
          { name: 'performance', count: performance },
          { name: 'efficiency', count: efficiency },
        ],
      }),
  };
}
