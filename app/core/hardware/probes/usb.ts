/** Accelerators on a stick. Read from the kernel's tree; serial numbers are there too and never looked at. */
import { type Machine, readCount, readLine } from '../machine.ts';
import { nodeAccess } from './pci.ts';
import type { BoardDevice } from './boards.ts';

const DEVICES = '/sys/bus/usb/devices';

interface Stick {
  vendor: string;
  name: string;
  note?: string;
}

/** Ids: the vendors' udev rules (libedgetpu, OpenVINO, DepthAI, Kneron). */
const STICKS: Record<string, Stick> = {
  '1a6e:089a': { vendor: 'Google Coral', name: 'Coral USB accelerator', note: 'not started yet: its software loads its firmware at first use' },
  '18d1:9302': { vendor: 'Google Coral', name: 'Coral USB accelerator' },
  '03e7:2150': { vendor: 'Intel', name: 'Movidius Neural Compute Stick' },
  '03e7:2485': { vendor: 'Intel', name: 'Movidius Myriad X (Neural Compute Stick 2 or OAK camera)' },
  '03e7:f63b': { vendor: 'Intel', name: 'Movidius Myriad X (Neural Compute Stick 2 or OAK camera)' },
  '3231:0100': { vendor: 'Kneron', name: 'Kneron KL520' },
  '3231:0720': { vendor: 'Kneron', name: 'Kneron KL720' },
  '3231:0630': { vendor: 'Kneron', name: 'Kneron KL630' },
};

export async function probeUsb(machine: Machine): Promise<BoardDevice[]> {
  const found: BoardDevice[] = [];
  for (const entry of await machine.list(DEVICES)) {
    // `1-1.4:1.0` is an interface of `1-1.4`.
    if (!/^\d+-[\d.]+$/.test(entry)) continue;
    const id =
      `${(await readLine(machine, `${DEVICES}/${entry}/idVendor`)) ?? ''}:${(await readLine(machine, `${DEVICES}/${entry}/idProduct`)) ?? ''}`.toLowerCase();
    const stick = STICKS[id];
    if (stick === undefined) continue;
    const bus = await readCount(machine, `${DEVICES}/${entry}/busnum`);
    const device = await readCount(machine, `${DEVICES}/${entry}/devnum`);
    const path = bus === undefined || device === undefined ? undefined : `/dev/bus/usb/${String(bus).padStart(3, '0')}/${String(device).padStart(3, '0')}`;
    const node = path === undefined ? undefined : await nodeAccess(machine, path);
    const speed = await readCount(machine, `${DEVICES}/${entry}/speed`);
    found.push({
      kind: 'npu',
      vendor: stick.vendor,
      name: stick.name,
      id: `usb ${entry}`,
      source: `${DEVICES}/${entry}`,
      facts: [
        { name: 'USB id', value: id },
        ...(speed === undefined ? [] : [{ name: 'USB speed', value: `${speed} Mbit/s${speed < 5000 ? ' (a USB 3 port would be faster)' : ''}` }]),
        ...(stick.note ? [{ name: 'state', value: stick.note }] : []),
      ],
      ...(node && node.access !== 'absent' && { node: node.path, access: node.access, ...(node.owner && { owner: node.owner }) }),
    });
  }
  return found.length > 0 ? found : listed(machine);
}

/** `Bus 002 Device 003: ID 1a6e:089a Global Unichip Corp.`, for where the kernel's tree is not to be seen. */
async function listed(machine: Machine): Promise<BoardDevice[]> {
  if ((await machine.list(DEVICES)).length > 0) return [];
  const found: BoardDevice[] = [];
  for (const line of ((await machine.run('lsusb', []))?.stdout ?? '').split('\n')) {
    const [, bus, device, id] = /^Bus (\d{3}) Device (\d{3}): ID ([0-9a-f]{4}:[0-9a-f]{4})/.exec(line) ?? [];
    const stick = id === undefined ? undefined : STICKS[id];
    if (id === undefined || stick === undefined) continue;
    const node = await nodeAccess(machine, `/dev/bus/usb/${bus}/${device}`);
    found.push({
      kind: 'npu',
      vendor: stick.vendor,
      name: stick.name,
      id: `usb ${bus}:${device}`,
      source: 'lsusb',
      facts: [{ name: 'USB id', value: id }, ...(stick.note ? [{ name: 'state', value: stick.note }] : [])],
      ...(node.access !== 'absent' && { node: node.path, access: node.access, ...(node.owner && { owner: node.owner }) }),
    });
  }
  return found;
}
