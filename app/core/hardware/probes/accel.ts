/** Neural processors behind Linux's accel class (/sys/class/accel), and the user-space driver each of them needs. */
import { type AccessTo, type Machine, type NodeOwner, readLine } from '../machine.ts';
import { openLibraries } from '../libraries.ts';

export interface AccelDevice {
  /** `accel0` */
  node: string;
  driver?: string;
  /** PCI address, where it sits on the bus. */
  address?: string;
  /** What the device tree calls it, where it sits in the chip. */
  compatible?: string;
  access: AccessTo;
  owner?: NodeOwner;
  firmware?: string;
  /** The user-space library that has to be there, and whether it is. */
  library?: { name: string; title: string; found: boolean };
}

/** Kernel driver -> its user-space part. Names: intel/linux-npu-driver, amd/xdna-driver, Habana and Qualcomm packages. */
const USER_SPACE: Record<string, { names: readonly string[]; title: string }> = {
  intel_vpu: { names: ['libze_intel_npu.so.1', 'libze_intel_vpu.so.1'], title: 'Intel NPU user-space driver' },
  amdxdna: { names: ['libxrt_coreutil.so.2', 'libxrt_core.so.2'], title: 'AMD XRT' },
  habanalabs: { names: ['libhl-thunk.so', 'libSynapse.so'], title: 'Habana thunk library' },
  qaic: { names: ['libQAic.so', 'libQAic.so.1'], title: 'Qualcomm Cloud AI runtime' },
  rocket: { names: ['libteflon.so', 'librocket_dri.so'], title: "Mesa's Teflon delegate" },
  ethosu: { names: ['libteflon.so'], title: "Mesa's Teflon delegate" },
};

export async function probeAccel(machine: Machine): Promise<AccelDevice[]> {
  const nodes = (await machine.list('/sys/class/accel')).filter((name) => /^accel\d+$/.test(name));
  if (nodes.length === 0) return [];
  const libraries = await openLibraries(machine);
  const found: AccelDevice[] = [];
  for (const node of nodes) {
    const dir = `/sys/class/accel/${node}/device`;
    const uevent = (await machine.readText(`${dir}/uevent`)) ?? '';
    const driver = /^DRIVER=(\S+)$/m.exec(uevent)?.[1] ?? (await machine.link(`${dir}/driver`))?.split('/').pop();
    const address = /^PCI_SLOT_NAME=(\S+)$/m.exec(uevent)?.[1];
    const compatible = /^OF_COMPATIBLE_0=(\S+)$/m.exec(uevent)?.[1];
    const user = driver === undefined ? undefined : USER_SPACE[driver];
    const firmware = (await readLine(machine, `${dir}/fw_version`)) ?? (await readLine(machine, `${dir}/fw_ver`));
    const path = `/dev/accel/${node}`;
    const access = await machine.access(path);
    const owner = access === 'denied' ? await machine.owner(path) : undefined;
    found.push({
      node,
      access,
      ...(owner && { owner }),
      ...(driver && { driver }),
      ...(address && { address }),
      ...(compatible && { compatible }),
      ...(firmware && { firmware }),
      ...(user && { library: { name: user.names[0] ?? '', title: user.title, found: await anyFound(libraries, user.names) } }),
    });
  }
  return found;
}

async function anyFound(libraries: Awaited<ReturnType<typeof openLibraries>>, names: readonly string[]): Promise<boolean> {
  for (const name of names) if ((await libraries.find(name)) !== undefined) return true;
  return false;
}
