/** Neural processors behind Linux's accel class (/sys/class/accel), and the user-space driver each of them needs. */
import { type AccessTo, type Machine, readLine } from '../machine.ts';
import { openLibraries } from '../libraries.ts';

export interface AccelDevice {
  /** `accel0` */
  node: string;
  driver?: string;
  /** PCI address, where it sits on the bus. */
  address?: string;
  access: AccessTo;
  firmware?: string;
  /** The user-space library that has to be there, and whether it is. */
  library?: { name: string; title: string; found: boolean };
}

/** Kernel driver -> its user-space part. Names: intel/linux-npu-driver, amd/xdna-driver, Habana and Qualcomm packages. */
const USER_SPACE: Record<string, { name: string; title: string }> = {
  intel_vpu: { name: 'libze_intel_npu.so.1', title: 'Intel NPU user-space driver' },
  amdxdna: { name: 'libxrt_coreutil.so.2', title: 'AMD XRT' },
  habanalabs: { name: 'libhl-thunk.so', title: 'Habana thunk library' },
};

export async function probeAccel(machine: Machine): Promise<AccelDevice[]> {
  const nodes = (await machine.list('/sys/class/accel')).filter((name) => /^accel\d+$/.test(name));
  if (nodes.length === 0) return [];
  const libraries = await openLibraries(machine);
  const found: AccelDevice[] = [];
  for (const node of nodes) {
    const dir = `/sys/class/accel/${node}/device`;
    const uevent = (await machine.readText(`${dir}/uevent`)) ?? '';
    const driver = /^DRIVER=(.+)$/m.exec(uevent)?.[1] ?? (await machine.link(`${dir}/driver`))?.split('/').pop();
    const address = /^PCI_SLOT_NAME=(.+)$/m.exec(uevent)?.[1];
    const user = driver === undefined ? undefined : USER_SPACE[driver];
    const firmware = await readLine(machine, `${dir}/fw_version`);
    found.push({
      node,
      access: await machine.access(`/dev/accel/${node}`),
      ...(driver && { driver }),
      ...(address && { address }),
      ...(firmware && { firmware }),
      ...(user && { library: { ...user, found: (await libraries.find(user.name)) !== undefined } }),
    });
  }
  return found;
}
