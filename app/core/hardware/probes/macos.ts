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
  const result = await machine.run('/usr/sbin/system_profiler', ['-json', '-detailLevel', 'mini', 'SPDisplaysDataType']);
  const [root] = parseJsonList(result?.code === 0 ? result.stdout : '');
  const list = root?.['SPDisplaysDataType'];
  return (Array.isArray(list) ? list : []).flatMap((entry: unknown): ListedDevice[] => {
    const fields = (entry ?? {}) as Record<string, unknown>;
    const text = (field: string) => (typeof fields[field] === 'string' ? fields[field] : undefined);
    const name = text('sppci_model') ?? text('_name');
    if (name === undefined) return [];
    const cores = text('sppci_cores');
    const metal = text('spdisplays_mtlgpufamilysupport') ?? text('spdisplays_metalfamily') ?? text('spdisplays_metal');
    const vendor = text('spdisplays_vendor')?.replace(/^sppci_vendor_/, '');
    const memory = gigabytes(text('spdisplays_vram') ?? text('_spdisplays_vram'));
    return [
      {
        kind: 'gpu',
        name,
        source: 'system_profiler',
        ...(vendor && { vendor }),
        ...(memory && { memoryBytes: memory }),
        facts: [
          ...(cores ? [{ name: 'GPU cores', value: cores }] : []),
          ...(metal ? [{ name: 'Metal', value: metal.replace(/^spdisplays_/, '') }] : []),
          ...(memory === undefined ? [{ name: 'memory', value: 'shared with the system' }] : []),
        ],
      },
    ];
  });
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
