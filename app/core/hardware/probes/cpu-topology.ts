/** Sockets, cores, kinds of cores and caches, as Linux and macOS tell them. */
import { countCpus } from '../cpu-list.ts';
import { MAX_RECORDED_COUNT } from '../limits.ts';
import { type Machine, readCount, readLine } from '../machine.ts';
import { armCores, type CoreKind } from './arm-cores.ts';

export interface CpuTopology {
  sockets?: number;
  /** Cores as built: two threads of one count once. */
  physicalCores?: number;
  /** Where not all cores are alike: performance and efficiency cores. */
  kinds?: CoreKind[];
  caches?: CpuCache[];
}

export interface CpuCache {
  /** `L1 data`, `L2`, `L3` */
  name: string;
  /** Bytes of one. */
  bytes: number;
  /** How many processors share one. */
  sharedBy?: number;
}

const CPU = '/sys/devices/system/cpu';

export async function linuxTopology(machine: Machine, cpuinfo: string): Promise<CpuTopology> {
  const kinds = (await intelKinds(machine)) ?? armCores(cpuinfo);
  const counted = countIn(cpuinfo);
  const fromTree = counted.physicalCores === undefined ? await coresInTree(machine) : {};
  const caches = await linuxCaches(machine);
  return {
    ...fromTree,
    ...counted,
    ...(kinds.length > 1 && { kinds }),
    ...(caches.length > 0 && { caches }),
  };
}

/** x86's /proc/cpuinfo gives each processor its socket (`physical id`) and core (`core id`). */
function countIn(cpuinfo: string): { sockets?: number; physicalCores?: number } {
  const sockets = new Set<string>();
  const cores = new Set<string>();
  for (const block of cpuinfo.split(/\n\s*\n/)) {
    const socket = /^physical id[ \t]*:[ \t]*(\d+)/m.exec(block)?.[1];
    const core = /^core id[ \t]*:[ \t]*(\d+)/m.exec(block)?.[1];
    if (socket === undefined || core === undefined) continue;
    sockets.add(socket);
    cores.add(`${socket}/${core}`);
  }
  return cores.size > 0 ? { sockets: sockets.size, physicalCores: cores.size } : {};
}

async function coresInTree(machine: Machine): Promise<{ sockets?: number; physicalCores?: number }> {
  const sockets = new Set<number>();
  const cores = new Set<string>();
  for (const name of (await machine.list(CPU)).filter((entry) => /^cpu\d+$/.test(entry)).slice(0, MAX_RECORDED_COUNT)) {
    const siblings = await readLine(machine, `${CPU}/${name}/topology/thread_siblings_list`);
    if (siblings === undefined) continue;
    cores.add(siblings);
    const socket = await readCount(machine, `${CPU}/${name}/topology/physical_package_id`);
    if (socket !== undefined) sockets.add(socket);
  }
  return { ...(cores.size > 0 && { physicalCores: cores.size }), ...(sockets.size > 0 && { sockets: sockets.size }) };
}

/** Intel's hybrid processors have one performance unit each for cores and for atoms, with the processors it covers. */
async function intelKinds(machine: Machine): Promise<CoreKind[] | undefined> {
  const threads = async (unit: string) => countCpus(await readLine(machine, `/sys/devices/${unit}/cpus`));
  const performance = await threads('cpu_core');
  const efficiency = await threads('cpu_atom');
  const lowPower = await threads('cpu_lowpower');
  if (performance === undefined || efficiency === undefined) return undefined;
  return [
    { name: 'performance (threads)', count: performance },
    { name: 'efficiency', count: efficiency },
    ...(lowPower === undefined ? [] : [{ name: 'low power', count: lowPower }]),
  ];
}

async function linuxCaches(machine: Machine): Promise<CpuCache[]> {
  const caches: CpuCache[] = [];
  for (const index of await machine.list(`${CPU}/cpu0/cache`)) {
    if (!/^index\d$/.test(index)) continue;
    const dir = `${CPU}/cpu0/cache/${index}`;
    const level = await readCount(machine, `${dir}/level`);
    const size = cacheBytes((await readLine(machine, `${dir}/size`)) ?? '');
    if (level === undefined || size === undefined) continue;
    const type = (await readLine(machine, `${dir}/type`)) ?? '';
    const sharedBy = countCpus(await readLine(machine, `${dir}/shared_cpu_list`));
    caches.push({ name: `L${level}${type === 'Data' || type === 'Instruction' ? ` ${type.toLowerCase()}` : ''}`, bytes: size, ...(sharedBy && { sharedBy }) });
  }
  return caches;
}

/** `512K`, `32M` */
function cacheBytes(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,9})([KMG]?)$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  return Number(digits) * { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 }[unit as '' | 'K' | 'M' | 'G'];
}

/** From `sysctl hw`: perflevel0 holds the performance cores, perflevel1 the efficient ones. */
export function macTopology(sysctl: ReadonlyMap<string, string>): CpuTopology {
  const number = (name: string) => {
    const value = Number(sysctl.get(name));
    return Number.isSafeInteger(value) && value > 0 ? value : undefined;
  };
  const kinds = [0, 1].flatMap((level) => {
    const count = number(`hw.perflevel${level}.physicalcpu`);
    return count === undefined ? [] : [{ name: sysctl.get(`hw.perflevel${level}.name`)?.toLowerCase() ?? (level === 0 ? 'performance' : 'efficiency'), count }];
  });
  const sizes: [string, string][] = [
    ['L1 data', 'hw.perflevel0.l1dcachesize'],
    ['L2', 'hw.perflevel0.l2cachesize'],
    ['L1 data', 'hw.l1dcachesize'],
    ['L2', 'hw.l2cachesize'],
    ['L3', 'hw.l3cachesize'],
  ];
  const caches: CpuCache[] = [];
  for (const [name, field] of sizes) {
    const bytes = number(field);
    if (bytes !== undefined && !caches.some((cache) => cache.name === name)) caches.push({ name, bytes });
  }
  const physicalCores = number('hw.physicalcpu');
  const sockets = number('hw.packages');
  return {
    ...(sockets && { sockets }),
    ...(physicalCores && { physicalCores }),
    ...(kinds.length > 1 && { kinds }),
    ...(caches.length > 0 && { caches }),
  };
}
