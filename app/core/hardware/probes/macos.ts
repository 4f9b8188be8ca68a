/** macOS: graphics by the system's own profile, and the Neural Engine by the registry of drivers. */
import type { Machine } from '../machine.ts';
import { askedControllers, type ListedDevice, parseJsonList } from './listed.ts';
import { readSysctl } from './sysctl.ts';

export async function macDevices(machine: Machine): Promise<ListedDevice[]> {
  const { arch } = await machine.facts();
  const profiled = await profile(machine);
  const devices = profiled.length > 0 ? profiled : await askedControllers(machine);
  const sysctl = await readSysctl(machine);
  // Translated programs see an Intel processor; the chip below is Apple's all the same.
  const apple = arch === 'arm64' || sysctl.get('hw.optional.arm64') === '1';
  if (apple) devices.push(...(await neuralEngine(machine, sysctl)));
  return devices;
}

async function profile(machine: Machine): Promise<ListedDevice[]> {
  const asked = await machine.run('/usr/sbin/system_profiler', ['-json', '-detailLevel', 'mini', 'SPDisplaysDataType']);
  const outputs = asked ? [asked] : (await machine.said('system_profiler')).map((one) => one.result);
  for (const { code, stdout } of outputs) {
    if (code !== 0) continue;
    const found = stdout.trimStart().startsWith('{') ? fromJson(stdout) : fromText(stdout);
    if (found.length > 0) return found;
  }
  return [];
}

function fromJson(text: string): ListedDevice[] {
  const list = parseJsonList(text)[0]?.['SPDisplaysDataType'];
  return (Array.isArray(list) ? list : []).flatMap((entry: unknown) => {
    const fields = (entry ?? {}) as Record<string, unknown>;
    const field = (name: string) => (typeof fields[name] === 'string' ? fields[name] : undefined);
    return described({
      name: field('sppci_model') ?? field('_name'),
      cores: field('sppci_cores'),
      metal: (field('spdisplays_mtlgpufamilysupport') ?? field('spdisplays_metalfamily') ?? field('spdisplays_metal'))?.replace(/^spdisplays_/, ''),
      vendor: field('spdisplays_vendor')?.replace(/^sppci_vendor_/, ''),
      memory: field('spdisplays_vram') ?? field('_spdisplays_vram'),
    });
  });
}

/** What people paste: a block per processor, `Chipset Model: Apple M2` first. */
function fromText(text: string): ListedDevice[] {
  return text
    .split(/^ *Chipset Model: /m)
    .slice(1)
    .flatMap((block) => {
      const field = (label: RegExp) => new RegExp(`^ *${label.source}: (.+)$`, 'm').exec(block)?.[1]?.trim();
      return described({
        name: block.split('\n')[0]?.trim(),
        cores: field(/Total Number of Cores/),
        metal: field(/Metal(?: Support| Family)?/),
        vendor: field(/Vendor/)?.replace(/ \(0x[0-9a-f]+\)$/, ''),
        memory: field(/VRAM \([^)]*\)/),
      });
    });
}

function described(of: {
  name: string | undefined;
  cores: string | undefined;
  metal: string | undefined;
  vendor: string | undefined;
  memory: string | undefined;
}): ListedDevice[] {
  if (!of.name) return [];
  const memoryBytes = gigabytes(of.memory);
  return [
    {
      kind: 'gpu',
      name: of.name,
      source: 'system_profiler',
      ...(of.vendor && { vendor: of.vendor }),
      ...(memoryBytes && { memoryBytes }),
      facts: [
        ...(of.cores ? [{ name: 'GPU cores', value: of.cores }] : []),
        ...(of.metal ? [{ name: 'Metal', value: of.metal }] : []),
        ...(memoryBytes === undefined ? [{ name: 'memory', value: 'shared with the system' }] : []),
      ],
    },
  ];
}

/** `8 GB`, `1536 MB`; Apple's own have none of their own. */
function gigabytes(text: string | undefined): number | undefined {
  const [, amount, unit] = /^(\d{1,6}) ?(GB|MB)$/.exec(text ?? '') ?? [];
  return amount === undefined ? undefined : Number(amount) * (unit === 'GB' ? 1024 ** 3 : 1024 ** 2);
}

/** Its driver's class has been H11ANEIn from the M1 to the M4; a virtual Mac has none. */
async function neuralEngine(machine: Machine, sysctl: ReadonlyMap<string, string>): Promise<ListedDevice[]> {
  const result = await machine.run('/usr/sbin/ioreg', ['-r', '-d', '1', '-c', 'H11ANEIn']);
  const text = result?.stdout ?? '';
  if (/class H\d+ANE/.test(text)) {
    const cores = /"ANEDevicePropertyNumANECores"\s*=\s*(\d{1,3})/.exec(text)?.[1];
    const kind = /"ANEDevicePropertyTypeANEArchitectureTypeStr"\s*=\s*"([^"]{1,40})"/.exec(text)?.[1];
    const facts = [...(cores ? [{ name: 'cores', value: cores }] : []), ...(kind ? [{ name: 'architecture', value: kind }] : [])];
    return [{ kind: 'npu', name: 'Apple Neural Engine', vendor: 'Apple', source: 'IORegistry', facts }];
  }
  if (sysctl.get('kern.hv_vmm_present') === '1') return [];
  return [{ kind: 'npu', name: 'Apple Neural Engine', vendor: 'Apple', source: 'every Apple chip has one' }];
}
