/** nvidia-smi, for where the native addon is not there to ask the driver itself, and for recordings that hold what people paste. */
import type { Machine } from '../machine.ts';
import { endedHow } from '../words.ts';
import { busAddress, type NvidiaGpu, UNNAMED } from './nvidia-gpu.ts';

export interface SmiAnswer {
  gpus: NvidiaGpu[];
  error?: string;
  driverVersion?: string;
  cudaVersion?: string;
}

/** nvidia-smi lies there on WSL, on Windows and in containers whose PATH does not know it. */
const PROGRAMS = ['nvidia-smi', '/usr/lib/wsl/lib/nvidia-smi', '/usr/local/nvidia/bin/nvidia-smi', 'C:\\Windows\\System32\\nvidia-smi.exe'];
const FORMAT = '--format=csv,noheader,nounits';
/** Newest drivers first: an old one refuses a whole question for one field it does not know. */
const QUERIES: readonly (readonly string[])[] = [
  ['pci.bus_id', 'name', 'memory.total', 'compute_cap', 'driver_version', 'memory.free', 'mig.mode.current'],
  ['pci.bus_id', 'name', 'memory.total', 'compute_cap', 'driver_version'],
  ['pci.bus_id', 'name', 'memory.total', 'driver_version'],
];

export async function askSmi(machine: Machine): Promise<SmiAnswer | undefined> {
  for (const program of PROGRAMS) {
    const answer = await askOne(machine, program);
    if (answer) return answer;
  }
  return saidSomehow(machine);
}

/** A recording may hold other fields, in another order, with a head or with units. */
async function saidSomehow(machine: Machine): Promise<SmiAnswer | undefined> {
  for (const { args, result } of await machine.said('nvidia-smi')) {
    const fields = args.flatMap((arg) => /^--query-gpu=(\S+)$/.exec(arg)?.[1]?.split(',') ?? []);
    if (fields.length === 0) continue;
    if (result.code !== 0) return failed(firstLine(result.stdout) ?? firstLine(result.stderr) ?? `it ended with ${endedHow(result)}`);
    const names = fields.map((field) => ({ gpu_name: 'name', gpu_bus_id: 'pci.bus_id' })[field] ?? field);
    const rows = result.stdout.split('\n').slice(args.some((arg) => arg.includes('noheader')) ? 0 : 1);
    const gpus = rows.flatMap((line, index) => parseRow(names, line, `cuda ${index}`));
    if (gpus.length > 0) return { ...parseOverview((await machine.run('nvidia-smi', []))?.stdout ?? ''), gpus };
  }
  return undefined;
}

async function askOne(machine: Machine, program: string): Promise<SmiAnswer | undefined> {
  let refused: string | undefined;
  for (const fields of QUERIES) {
    const result = await machine.run(program, [`--query-gpu=${fields.join(',')}`, FORMAT]);
    if (result === undefined) continue;
    if (result.code === 0) {
      const overview = parseOverview((await machine.run(program, []))?.stdout ?? '');
      return { ...overview, gpus: result.stdout.split('\n').flatMap((line) => parseRow(fields, line)) };
    }
    refused = firstLine(result.stdout) ?? firstLine(result.stderr) ?? `it ended with ${endedHow(result)}`;
    if (!/not a valid field/i.test(refused)) return failed(refused);
  }
  for (const args of [['-q'], []]) {
    const result = await machine.run(program, args);
    if (result === undefined) continue;
    if (result.code !== 0) return failed(firstLine(result.stdout) ?? firstLine(result.stderr) ?? `it ended with ${endedHow(result)}`);
    const answer = args.length > 0 ? parseLong(result.stdout) : parseOverview(result.stdout);
    if (answer.gpus.length > 0) return answer;
  }
  return refused === undefined ? undefined : { gpus: [], error: refused };
}

/** One lost card makes nvidia-smi refuse to speak of any; which one it is it says: that is its fault alone. */
function failed(error: string): SmiAnswer {
  const [, bus, problem] =
    /Unable to determine the device handle for (?:gpu|device) ?([0-9A-Fa-f]{3,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.\d): (.+)$/i.exec(error) ?? [];
  if (bus === undefined || problem === undefined) return { gpus: [], error };
  return { gpus: [{ address: busAddress(bus), name: UNNAMED, problem, source: 'nvidia-smi' }] };
}

/** One line of CSV; memory in MiB, `[N/A]` where unknown. @param instead of the bus id, where it was not asked for */
function parseRow(fields: readonly string[], line: string, instead?: string): NvidiaGpu[] {
  const values = line.split(',').map((part) => part.trim());
  const get = (field: string) => {
    const value = values[fields.indexOf(field)];
    return value === undefined || value.startsWith('[') ? undefined : value;
  };
  const bus = get('pci.bus_id') ?? instead;
  const name = get('name');
  if (!bus || !name) return [];
  const computeCapability = get('compute_cap');
  const driverVersion = get('driver_version');
  const mig = get('mig.mode.current');
  return [
    {
      address: busAddress(bus),
      name,
      ...memory(get('memory.total'), 'memoryBytes'),
      ...memory(get('memory.free'), 'freeBytes'),
      ...(computeCapability && /^\d/.test(computeCapability) && { computeCapability }),
      ...(driverVersion && /^\d/.test(driverVersion) && { driverVersion }),
      ...(mig === 'Enabled' && { mig: {} }),
      source: 'nvidia-smi',
    },
  ];
}

function memory<K extends 'memoryBytes' | 'freeBytes'>(mebibytes: string | undefined, field: K): Partial<Record<K, number>> {
  const amount = Number(mebibytes?.replace(/ MiB$/, ''));
  // Whole, and small enough that bytes stay exact.
  return Number.isSafeInteger(amount) && amount > 0 && amount < 2 ** 32 ? ({ [field]: amount * 1024 * 1024 } as Partial<Record<K, number>>) : {};
}

/** The table a person sees: versions in its head; a row with index, name and bus id for each GPU, and its memory in the row below. */
function parseOverview(text: string): SmiAnswer {
  const driverVersion = /Driver Version:\s*(\d[\d.]*)/.exec(text)?.[1];
  const cudaVersion = /CUDA Version:\s*(\d[\d.]*)/.exec(text)?.[1];
  const gpus: NvidiaGpu[] = [];
  for (const line of text.split('\n')) {
    const row = /^\|\s+\d+\s+(\S.{0,60}?)\s{2,}\S+\s+\|\s+([0-9A-Fa-f]{8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.\d)\s/.exec(line);
    const total = /\d+MiB\s*\/\s*(\d+)MiB/.exec(line)?.[1];
    const last = gpus.at(-1);
    // A long name is cut off with dots.
    if (row?.[1] && row[2]) gpus.push({ address: busAddress(row[2]), name: row[1], ...(driverVersion && { driverVersion }), source: 'nvidia-smi' });
    else if (total && last && last.memoryBytes === undefined) Object.assign(last, memory(total, 'memoryBytes'));
  }
  return { gpus, ...(driverVersion && { driverVersion }), ...(cudaVersion && { cudaVersion }) };
}

/** `nvidia-smi -q`: one block a GPU, headed by its bus id. */
function parseLong(text: string): SmiAnswer {
  const driverVersion = /^Driver Version\s*:\s*(\d[\d.]*)/m.exec(text)?.[1];
  const cudaVersion = /^CUDA Version\s*:\s*(\d[\d.]*)/m.exec(text)?.[1];
  const gpus = text
    .split(/^GPU (?=[0-9A-Fa-f]{8}:)/m)
    .slice(1)
    .map((block): NvidiaGpu => {
      const total = /FB Memory Usage\s*\n\s*Total\s*:\s*(\d+) MiB/.exec(block)?.[1];
      const mig = /MIG Mode\s*\n\s*Current\s*:\s*(\w+)/.exec(block)?.[1];
      return {
        address: busAddress(/^\S+/.exec(block)?.[0] ?? ''),
        name: /^\s*Product Name\s*:\s*(.+)$/m.exec(block)?.[1]?.trim() ?? UNNAMED,
        ...(driverVersion && { driverVersion }),
        ...memory(total, 'memoryBytes'),
        ...(mig === 'Enabled' && { mig: {} }),
        source: 'nvidia-smi -q',
      };
    });
  return { gpus, ...(driverVersion && { driverVersion }), ...(cudaVersion && { cudaVersion }) };
}

function firstLine(text: string): string | undefined {
  return text
    .split('\n')
    .find((line) => line.trim() !== '')
    ?.trim();
}
