/**
 * Graphics and neural processors on the PCI bus. The bus is scanned itself, not only /sys/class/drm: a data-centre GPU may
 * have no display node at all. Class codes: PCI Code and ID Assignment (0x03 display controller, 0x12 processing accelerator).
 */
import { MAX_DEVICES } from '../limits.ts';
import { type AccessTo, type Machine, type NodeOwner, readCount, readLine } from '../machine.ts';
import { ALWAYS_NPU, NPU_DEVICES, pciPartName, VENDORS } from './pci-names.ts';

export interface PciDevice {
  /** `0000:01:00.0` */
  address: string;
  kind: 'gpu' | 'npu';
  /** Four hex digits each. */
  vendorId: string;
  deviceId: string;
  /** Two hex digits, where known. */
  revision?: string;
  vendor: string;
  name?: string;
  /** Kernel driver bound to it. */
  driver?: string;
  /** Its display or render nodes: `card0`, `renderD128`. */
  nodes: string[];
  /** The render node, and whether this user may open it. */
  render?: NodeAccess;
  memoryBytes?: number;
  /** The bus answers nothing but ones for it: it has lost power or its connection. */
  lost?: boolean;
  /** Another physical function's virtual one (SR-IOV). */
  virtualFunction?: boolean;
  /** What it was read from. */
  source: string;
}

const DEVICES = '/sys/bus/pci/devices';

export async function probePci(machine: Machine): Promise<PciDevice[]> {
  const found: PciDevice[] = [];
  for (const address of await machine.list(DEVICES)) {
    if (found.length >= MAX_DEVICES) break;
    const device = await fromTree(machine, address);
    if (device) found.push(device);
  }
  if (found.length === 0) found.push(...(await lspciDevices(machine)).slice(0, MAX_DEVICES));
  const spoken = found.length > 0 ? await lspciNames(machine) : [];
  for (const device of found) {
    const said = spoken.find((entry) => entry.address === device.address);
    const name = pciPartName(device.vendorId, device.deviceId) ?? device.name ?? said?.name ?? (await machine.pciName(device.vendorId, device.deviceId));
    if (name) device.name = name;
    // lspci shows a revision of ff where the device answers nothing.
    if (said?.lost) device.lost = true;
  }
  return found;
}

async function fromTree(machine: Machine, address: string): Promise<PciDevice | undefined> {
  const dir = `${DEVICES}/${address}`;
  const uevent = (await machine.readText(`${dir}/uevent`)) ?? '';
  const [, ueventVendor, ueventDevice] = /^PCI_ID=([0-9A-F]{4}):([0-9A-F]{4})$/m.exec(uevent) ?? [];
  const classCode = hex((await readLine(machine, `${dir}/class`)) ?? /^PCI_CLASS=([0-9A-F]+)$/m.exec(uevent)?.[1]?.padStart(6, '0') ?? '');
  const vendorId = hex((await readLine(machine, `${dir}/vendor`)) ?? ueventVendor ?? '');
  const deviceId = hex((await readLine(machine, `${dir}/device`)) ?? ueventDevice ?? '');
  const kind = kindOf(classCode, vendorId, deviceId);
  if (kind === undefined) return undefined;
  const driver = (await machine.link(`${dir}/driver`))?.split('/').pop() ?? /^DRIVER=(\S+)$/m.exec(uevent)?.[1];
  const nodes = await machine.list(`${dir}/drm`);
  const revision = hex((await readLine(machine, `${dir}/revision`)) ?? '');
  const memory = await videoMemory(machine, dir, nodes);
  const render = nodes.find((name) => name.startsWith('renderD'));
  const lost = await fellOff(machine, dir);
  return {
    address,
    kind,
    vendorId,
    deviceId,
    vendor: VENDORS[vendorId] ?? `vendor ${vendorId}`,
    ...(revision && { revision }),
    ...(driver && { driver }),
    nodes,
    ...(render && { render: await nodeAccess(machine, `/dev/dri/${render}`) }),
    ...(memory && { memoryBytes: memory }),
    ...(lost && { lost }),
    ...((await machine.link(`${dir}/physfn`)) !== undefined && { virtualFunction: true }),
    source: dir,
  };
}

function kindOf(classCode: string, vendorId: string, deviceId: string): PciDevice['kind'] | undefined {
  if (classCode.startsWith('03')) return 'gpu';
  if (classCode.startsWith('12') || NPU_DEVICES.has(`${vendorId}:${deviceId}`)) return 'npu';
  // A bridge on an accelerator's card is no accelerator.
  return ALWAYS_NPU.has(vendorId) && !classCode.startsWith('06') ? 'npu' : undefined;
}

export interface NodeAccess {
  path: string;
  access: AccessTo;
  /** Where this user may not open it. */
  owner?: NodeOwner;
}

export async function nodeAccess(machine: Machine, path: string): Promise<NodeAccess> {
  const access = await machine.access(path);
  const owner = access === 'denied' ? await machine.owner(path) : undefined;
  return { path, access, ...(owner && { owner }) };
}

/** amdgpu says it beside the device, i915 beside its display node. */
async function videoMemory(machine: Machine, dir: string, nodes: readonly string[]): Promise<number | undefined> {
  const card = nodes.find((name) => /^card\d+$/.test(name));
  return (
    (await readCount(machine, `${dir}/mem_info_vram_total`)) ??
    (card === undefined ? undefined : await readCount(machine, `${dir}/drm/${card}/lmem_total_bytes`))
  );
}

/** The identity is read from the bus itself, not from what the kernel remembers; never from a sleeping device, which reading would wake. */
async function fellOff(machine: Machine, dir: string): Promise<boolean> {
  const power = await readLine(machine, `${dir}/power/runtime_status`);
  if (power === 'suspended' || power === 'suspending') return false;
  return (await machine.readHex(`${dir}/config`, 4)) === 'ffffffff';
}

/** Two forms of lspci are read. This one, `-mm -D`, has its fields in quotes: address "class" "vendor" "device". */
async function lspciNames(machine: Machine): Promise<Pick<PciDevice, 'address' | 'name' | 'lost'>[]> {
  const result = await machine.run('lspci', ['-mm', '-D']);
  return result?.code === 0 ? result.stdout.split('\n').flatMap(quotedLine) : [];
}

/**
 * And where the kernel's tree is not to be seen, the devices themselves, by numbers:
 * `01:00.0 VGA compatible controller [0300]: NVIDIA Corporation AD104 [GeForce RTX 4070] [10de:2786] (rev a1)`.
 */
async function lspciDevices(machine: Machine): Promise<PciDevice[]> {
  for (const args of ['-Dnnk', '-nnk', '-Dnn', '-nn', '-nnv', '-vnn']) {
    const result = await machine.run('lspci', [args]);
    if (result?.code === 0) return numberedLines(result.stdout);
  }
  for (const { result } of await machine.said('lspci')) {
    const found = numberedLines(result.stdout);
    if (found.length > 0) return found;
  }
  return plainLines((await machine.run('lspci', []))?.stdout ?? '');
}

/** Makers by the names lspci gives them; which part it is only its name says here. */
const MAKERS: readonly [RegExp, string][] = [
  [/^NVIDIA Corporation /, '10de'],
  [/^Intel Corporation /, '8086'],
  [/^Advanced Micro Devices, Inc\. /, '1002'],
  [/^Hailo Technologies /, '1e60'],
  [/^Global Unichip Corp\. /, '1ac1'],
  [/^Habana Labs /, '1da3'],
  [/^ASPEED Technology/, '1a03'],
  [/^VMware /, '15ad'],
  [/^Red Hat, Inc\. /, '1af4'],
];

/** Without numbers: `01:00.0 VGA compatible controller: NVIDIA Corporation AD104 [GeForce RTX 4070] (rev a1)`. */
function plainLines(text: string): PciDevice[] {
  return text.split('\n').flatMap((line): PciDevice[] => {
    const [, address, classText = '', rest = ''] = /^((?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]) ([^:]+): (.*)$/.exec(line) ?? [];
    const vendorId = MAKERS.find(([pattern]) => pattern.test(rest))?.[1];
    const npu = classText === 'Processing accelerators' || (vendorId !== undefined && ALWAYS_NPU.has(vendorId));
    if (address === undefined || vendorId === undefined || !(npu || /^(?:VGA compatible|3D|Display) controller$/.test(classText))) return [];
    const name = withoutMaker(rest.replace(/ \(rev [0-9a-f]{2}\).*$/, ''));
    return [
      {
        address: fullAddress(address),
        kind: npu ? 'npu' : 'gpu',
        vendorId,
        deviceId: '',
        vendor: VENDORS[vendorId] ?? '',
        name,
        nodes: [],
        source: 'lspci',
        ...(/\(rev ff\)/.test(rest) && { lost: true }),
      },
    ];
  });
}

/** Only its name and loss are used: of the ids this form says nothing. */
function quotedLine(line: string): Pick<PciDevice, 'address' | 'name' | 'lost'>[] {
  const address = /^(?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]/.exec(line)?.[0];
  const fields = [...line.matchAll(/"([^"]*)"/g)].map((match) => match[1] ?? '');
  if (address === undefined || !fields[2]) return [];
  return [{ address: fullAddress(address), name: fields[2], ...(/ -rff\b/.test(line) && { lost: true }) }];
}

function numberedLines(text: string): PciDevice[] {
  const found: PciDevice[] = [];
  let last: PciDevice | undefined;
  for (const line of text.split('\n')) {
    const driver = /^\s+Kernel driver in use: (\S+)$/.exec(line)?.[1];
    if (driver && last) last.driver = driver;
    if (/^\s/.test(line)) continue;
    // Another device begins: what follows is not about the last one.
    last = undefined;
    const [, address, classCode, rest = ''] = /^((?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]) [^[\n]+ \[([0-9a-f]{4})\]: (.*)$/.exec(line) ?? [];
    const ids = [...rest.matchAll(/\[([0-9a-f]{4}):([0-9a-f]{4})\]/g)].pop();
    const [, vendorId, deviceId] = ids ?? [];
    if (address === undefined || vendorId === undefined || deviceId === undefined) continue;
    const kind = kindOf(`${classCode}00`, vendorId, deviceId);
    if (kind === undefined) continue;
    const name = withoutMaker(rest.slice(0, ids?.index).trim());
    last = {
      address: fullAddress(address),
      kind,
      vendorId,
      deviceId,
      vendor: VENDORS[vendorId] ?? `vendor ${vendorId}`,
      nodes: [],
      source: 'lspci',
      ...(name && { name }),
      ...(/\(rev ff\)/.test(line) && { lost: true }),
    };
    found.push(last);
  }
  return found;
}

/** `NVIDIA Corporation AD104 [GeForce RTX 4070]` -> `AD104 [GeForce RTX 4070]`: the maker is said already. */
function withoutMaker(text: string): string {
  return text.replace(
    /^(?:NVIDIA Corporation|Intel Corporation|Advanced Micro Devices, Inc\. \[AMD(?:\/ATI)?\]|Qualcomm Technologies, Inc|Hailo Technologies Ltd\.|Global Unichip Corp\.) /,
    '',
  );
}

function fullAddress(address: string): string {
  return /^[0-9a-f]{4,8}:[0-9a-f]{2}:/.test(address) ? address : `0000:${address}`;
}

/** `0x030000` -> `030000`, lower case. */
function hex(text: string): string {
  return text.replace(/^0x/i, '').toLowerCase();
}
