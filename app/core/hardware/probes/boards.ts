/** Accelerators that sit on a board or a stick and not on a bus one can scan: Jetson, Rockchip, Hailo, Coral, Qualcomm. */
import { type AccessTo, type Machine, readLine } from '../machine.ts';

export interface BoardDevice {
  kind: 'gpu' | 'npu';
  name: string;
  vendor: string;
  /** What it was recognised by. */
  source: string;
  /** Its device node, where there is one, and whether this user may open it. */
  node?: string;
  access?: AccessTo;
  /** Driver or software release, where the machine says. */
  driver?: string;
}

interface Rule {
  kind: 'gpu' | 'npu';
  vendor: string;
  name: string;
  /** Matches one of the strings of /proc/device-tree/compatible. */
  compatible?: RegExp;
  /** The first of these that is there counts. */
  nodes: string[];
}

const RULES: readonly Rule[] = [
  {
    kind: 'gpu',
    vendor: 'NVIDIA',
    name: 'Jetson integrated GPU',
    compatible: /^nvidia,tegra/,
    nodes: ['/dev/nvhost-gpu', '/dev/nvgpu/igpu0/power', '/dev/nvmap'],
  },
  { kind: 'npu', vendor: 'Rockchip', name: 'Rockchip NPU', compatible: /^rockchip,rk(1808|356|357|358|399pro)/, nodes: ['/dev/rknpu', '/dev/dri/renderD129'] },
  { kind: 'npu', vendor: 'Hailo', name: 'Hailo accelerator', nodes: ['/dev/hailo0'] },
  { kind: 'npu', vendor: 'Google Coral', name: 'Coral Edge TPU', nodes: ['/dev/apex_0'] },
  { kind: 'npu', vendor: 'Qualcomm', name: 'Qualcomm Hexagon DSP', nodes: ['/dev/fastrpc-cdsp', '/dev/adsprpc-smd'] },
];

export async function probeBoards(machine: Machine): Promise<BoardDevice[]> {
  const compatible = ((await machine.readText('/proc/device-tree/compatible')) ?? '').split('\0').filter(Boolean);
  const model = await readLine(machine, '/proc/device-tree/model');
  const found: BoardDevice[] = [];
  for (const rule of RULES) {
    const chip = rule.compatible && compatible.find((text) => rule.compatible?.test(text));
    const node = await firstThere(machine, rule.nodes);
    // Where a rule knows the chip, a device node alone proves nothing: /dev/dri/renderD129 can be anybody's.
    if (rule.compatible ? chip === undefined : node === undefined) continue;
    const driver =
      rule.vendor === 'NVIDIA' ? /^# (R\d+ \(release\), REVISION: [\d.]+)/.exec((await machine.readText('/etc/nv_tegra_release')) ?? '')?.[1] : undefined;
    found.push({
      kind: rule.kind,
      vendor: rule.vendor,
      name: chip ? `${rule.name} (${model ?? chip})` : rule.name,
      source: chip ? `/proc/device-tree/compatible: ${chip}` : (node?.path ?? ''),
      ...(node && { node: node.path, access: node.access }),
      ...(driver && { driver: `L4T ${driver}` }),
    });
  }
  return found;
}

async function firstThere(machine: Machine, paths: readonly string[]): Promise<{ path: string; access: AccessTo } | undefined> {
  for (const path of paths) {
    const access = await machine.access(path);
    if (access !== 'absent') return { path, access };
  }
  return undefined;
}
