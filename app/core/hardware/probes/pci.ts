/**
 * Graphics and neural processors on the PCI bus. The bus is scanned itself, not only /sys/class/drm: a data-centre GPU may
 * have no display node at all. Class codes: PCI Code and ID Assignment (0x03 display controller, 0x12 processing accelerator).
 */
import { type Machine, readLine } from '../machine.ts';

export interface PciDevice {
  /** `0000:01:00.0` */
  address: string;
  kind: 'gpu' | 'npu';
  /** Four hex digits each. */
  vendorId: string;
  deviceId: string;
  vendor: string;
  name?: string;
  /** Kernel driver bound to it. */
  driver?: string;
  /** Its display or render nodes: `card0`, `renderD128`. */
  nodes: string[];
  memoryBytes?: number;
}

const DEVICES = '/sys/bus/pci/devices';

/** PCI-SIG vendor ids of those who make what we look for. */
export const VENDORS: Record<string, string> = {
  '10de': 'NVIDIA',
  '1002': 'AMD',
  '1022': 'AMD',
  '8086': 'Intel',
  '17cb': 'Qualcomm',
  '1e60': 'Hailo',
  '1ac1': 'Google Coral',
  '1da3': 'Intel Habana',
  '1af4': 'Virtio',
  '15ad': 'VMware',
  '1234': 'QEMU',
  '1414': 'Microsoft',
  '1a03': 'ASPEED',
  '102b': 'Matrox',
  '1d17': 'Zhaoxin',
};

/** Vendors whose accelerators announce another class than 0x12. */
const ALWAYS_NPU = new Set(['1e60', '1ac1', '1da3']);

export async function probePci(machine: Machine): Promise<PciDevice[]> {
  const found: PciDevice[] = [];
  for (const address of await machine.list(DEVICES)) {
    const dir = `${DEVICES}/${address}`;
    const classCode = hex((await readLine(machine, `${dir}/class`)) ?? '');
    const vendorId = hex((await readLine(machine, `${dir}/vendor`)) ?? '');
    const kind = classCode.startsWith('03') ? 'gpu' : classCode.startsWith('12') || ALWAYS_NPU.has(vendorId) ? 'npu' : undefined;
    if (kind === undefined) continue;
    const driver = (await machine.link(`${dir}/driver`))?.split('/').pop();
    const memory = Number((await readLine(machine, `${dir}/mem_info_vram_total`)) ?? 0);
    found.push({
      address,
      kind,
      vendorId,
      deviceId: hex((await readLine(machine, `${dir}/device`)) ?? ''),
      vendor: VENDORS[vendorId] ?? `vendor ${vendorId}`,
      ...(driver && { driver }),
      nodes: await machine.list(`${dir}/drm`),
      ...(memory > 0 && { memoryBytes: memory }),
    });
  }
  if (found.length > 0) await addNames(machine, found);
  return found;
}

/** `lspci -mm -D`: one device a line, quoted fields: address "class" "vendor" "device" … */
async function addNames(machine: Machine, devices: PciDevice[]): Promise<void> {
  const result = await machine.run('lspci', ['-mm', '-D']);
  if (result?.code !== 0) return;
  for (const line of result.stdout.split('\n')) {
    const device = devices.find((d) => line.startsWith(`${d.address} `));
    const fields = [...line.matchAll(/"([^"]*)"/g)].map((match) => match[1] ?? '');
    if (device && fields[2]) device.name = fields[2];
  }
}

/** `0x030000` -> `030000`, lower case. */
function hex(text: string): string {
  return text.replace(/^0x/i, '').toLowerCase();
}
