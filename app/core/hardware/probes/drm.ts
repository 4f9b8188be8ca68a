/** Graphics processors that are part of the chip and not on the PCI bus (Mali, Adreno, VideoCore, Tegra …), by their display nodes. */
import type { Machine } from '../machine.ts';
import { type NodeAccess, nodeAccess } from './pci.ts';

export interface DrmDevice {
  name: string;
  vendor: string;
  driver: string;
  /** Where it sits in the device tree, or its display node. */
  id: string;
  render?: NodeAccess;
  source: string;
}

/** Kernel driver -> whose processor it is. Drivers that only put pixels on a screen are not in it. */
const DRIVERS: Record<string, [vendor: string, name: string]> = {
  v3d: ['Broadcom', 'VideoCore GPU'],
  vc4: ['Broadcom', 'VideoCore GPU'],
  panfrost: ['Arm', 'Mali GPU'],
  panthor: ['Arm', 'Mali GPU'],
  lima: ['Arm', 'Mali GPU'],
  msm: ['Qualcomm', 'Adreno GPU'],
  etnaviv: ['Vivante', 'Vivante GPU'],
  asahi: ['Apple', 'Apple GPU'],
  powervr: ['Imagination', 'PowerVR GPU'],
};

export async function probeDrm(machine: Machine): Promise<DrmDevice[]> {
  const found: DrmDevice[] = [];
  for (const node of (await machine.list('/sys/class/drm')).filter((name) => /^(?:renderD|card)\d+$/.test(name))) {
    const dir = `/sys/class/drm/${node}/device`;
    const uevent = (await machine.readText(`${dir}/uevent`)) ?? '';
    if (/^PCI_ID=/m.test(uevent)) continue;
    const driver = /^DRIVER=(\S+)$/m.exec(uevent)?.[1] ?? (await machine.link(`${dir}/driver`))?.split('/').pop();
    const known = driver === undefined ? undefined : (DRIVERS[driver] ?? DRIVERS[driver.replace(/[-_].*$/, '')]);
    if (driver === undefined || known === undefined) continue;
    const place = /^OF_FULLNAME=(\S+)$/m.exec(uevent)?.[1];
    const chip = /^OF_COMPATIBLE_0=(\S+)$/m.exec(uevent)?.[1];
    // One GPU has a card node and a render node, and VideoCore two drivers.
    const twin = found.find((device) => device.vendor === known[0]);
    const render = node.startsWith('renderD') ? await nodeAccess(machine, `/dev/dri/${node}`) : undefined;
    if (twin) {
      if (render) twin.render ??= render;
      continue;
    }
    found.push({ vendor: known[0], name: chip ? `${known[1]} (${chip})` : known[1], driver, id: place ?? node, source: dir, ...(render && { render }) });
  }
  return found;
}
