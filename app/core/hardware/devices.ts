/** Merges what the probes found into one entry per device, with the state it reaches before anything is run on it. */
import type { HardwareDevice } from '#contract';
import { chipGpu, otherGpu } from './devices/gpu-device.ts';
import { listedDevice } from './devices/listed-device.ts';
import { boardDevice, npuFromAccel, npuOnBus } from './devices/npu-device.ts';
import { nvidiaDevice } from './devices/nvidia-device.ts';
import { MAX_DEVICES } from './limits.ts';
import type { Place } from './place.ts';
import type { NvidiaFacts } from './probes/nvidia.ts';
import type { PciDevice } from './probes/pci.ts';
import type { FoundFacts } from './probes/table.ts';

/** PCI vendor of Microsoft: WSL shows every GPU of the Windows side once more as one of its own. */
const MICROSOFT = '1414';

export function mergeDevices(facts: FoundFacts, place: Place): HardwareDevice[] {
  const nvidia: NvidiaFacts = facts.nvidia ?? { gpus: [], nodes: { control: 'absent', device: 'absent', memory: 'absent' } };
  const pci = facts.pci ?? [];
  pairLoose(nvidia, pci);
  const devices: HardwareDevice[] = [];
  for (const device of pci) {
    if (device.vendorId === MICROSOFT && nvidia.gpus.length > 0) continue;
    if (device.vendorId === '10de' && device.kind === 'gpu') devices.push(nvidiaDevice(nvidia, place, facts, device));
    else if (device.kind === 'gpu') devices.push(otherGpu(device, facts, place));
    else devices.push(npuOnBus(device, facts));
  }
  const listed = (facts.graphics?.devices ?? []).map((device) => listedDevice(device, place));
  const unpaired = listed.filter((device) => device.kind === 'gpu');
  for (const gpu of nvidia.gpus) {
    if (pci.some((device) => device.address === gpu.address)) continue;
    // Windows lists the same card by itself; what only NVIDIA's driver knows of it is added there, of two alike once to each.
    const twin = unpaired.findIndex((device) => sameName(device.name, gpu.name));
    const [device] = twin === -1 ? [] : unpaired.splice(twin, 1);
    if (device) addFacts(device, nvidiaDevice(nvidia, place, facts, undefined, gpu));
    // GPUs whose bus is hidden from us: WSL, some containers.
    else devices.push(nvidiaDevice(nvidia, place, facts, undefined, gpu));
  }
  for (const accel of facts.accel ?? []) {
    const inChip = (facts.boards ?? []).some((board) => board.node === `/dev/accel/${accel.node}`);
    if (!inChip && !pci.some((device) => device.address === accel.address)) devices.push(npuFromAccel(accel));
  }
  for (const board of facts.boards ?? []) {
    if (!pci.some((device) => device.vendor === board.vendor && device.kind === board.kind)) devices.push(boardDevice(board));
  }
  for (const stick of facts.usb ?? []) devices.push(boardDevice(stick));
  for (const gpu of facts.drm ?? []) {
    if (!devices.some((device) => device.kind === 'gpu' && device.vendor === gpu.vendor)) devices.push(chipGpu(gpu, facts, place));
  }
  return [...devices, ...listed].slice(0, MAX_DEVICES);
}

/** Cards that NVIDIA's driver tells of without a bus address belong to those on the bus that it did not name, where their number fits. */
function pairLoose(nvidia: NvidiaFacts, pci: readonly PciDevice[]): void {
  const loose = nvidia.gpus.filter((gpu) => !/^[0-9a-f]{4,8}:[0-9a-f]{2}:/.test(gpu.address));
  const bare = pci.filter((device) => device.kind === 'gpu' && device.vendorId === '10de' && !nvidia.gpus.some((gpu) => gpu.address === device.address));
  if (loose.length !== bare.length) return;
  for (const [i, gpu] of loose.entries()) gpu.address = bare[i]?.address ?? gpu.address;
}

function sameName(one: string, other: string): boolean {
  const plain = (name: string) =>
    name
      .toLowerCase()
      .replace(/^nvidia /, '')
      .trim();
  return plain(one) === plain(other);
}

function addFacts(device: HardwareDevice, more: HardwareDevice): void {
  device.facts.push(...more.facts);
  if (device.memoryBytes === undefined && more.memoryBytes !== undefined) device.memoryBytes = more.memoryBytes;
  if (device.memoryFreeBytes === undefined && more.memoryFreeBytes !== undefined) device.memoryFreeBytes = more.memoryFreeBytes;
  device.vendor ??= 'NVIDIA';
}
