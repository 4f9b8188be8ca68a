/** Accelerators that sit in a chip or on a board and not on a bus one can scan: Jetson, Rockchip, Hailo, Coral, Qualcomm, NXP … */
import { openLibraries } from '../libraries.ts';
import { type AccessTo, type Machine, type NodeOwner, readLine } from '../machine.ts';
import { BOARD_RULES, type BoardRule } from './board-rules.ts';
import { type NodeAccess, nodeAccess } from './pci.ts';

export interface BoardDevice {
  kind: 'gpu' | 'npu';
  name: string;
  vendor: string;
  /** What it was recognised by. */
  source: string;
  /** Its device node, where there is one, and whether this user may open it. */
  node?: string;
  access?: AccessTo;
  /** Who owns the node, where this user may not open it. */
  owner?: NodeOwner;
  /** Driver or software release, where the machine says. */
  driver?: string;
  /** A stable name for it, where it has no node. */
  id?: string;
  /** The vendor's user-space library, and where it is; absent where none is known. */
  library?: { name: string; title: string; path?: string; version?: string };
  facts?: { name: string; value: string }[];
}

export async function probeBoards(machine: Machine): Promise<BoardDevice[]> {
  const compatible = await compatibleNames(machine);
  const model = await readLine(machine, '/proc/device-tree/model');
  const found: BoardDevice[] = [];
  for (const rule of BOARD_RULES) {
    const chip = rule.compatible && compatible.find((text) => rule.compatible?.test(text));
    const node = await firstThere(machine, rule.nodes);
    // Where a rule knows the chip, a device node alone proves nothing: /dev/galcore can be anybody's.
    if (rule.compatible ? chip === undefined || (rule.needsNode && node === undefined) : node === undefined) continue;
    found.push(await described(machine, rule, chip, model, node));
  }
  return found;
}

async function described(
  machine: Machine,
  rule: BoardRule,
  chip: string | undefined,
  model: string | undefined,
  node: NodeAccess | undefined,
): Promise<BoardDevice> {
  const driver = await softwareOf(machine, rule);
  const library = await libraryOf(machine, rule);
  const part = chip === undefined ? undefined : rule.parts?.find(([pattern]) => pattern.test(chip))?.[1];
  const name = part ?? rule.name;
  return {
    kind: rule.kind,
    vendor: rule.vendor,
    name: chip === undefined ? name : `${name} (${model ?? chip})`,
    source: chip === undefined ? (node?.path ?? '') : `/proc/device-tree/compatible: ${chip}`,
    ...(node && { node: node.path, access: node.access, ...(node.owner && { owner: node.owner }) }),
    ...(driver && { driver }),
    ...(library && { library }),
  };
}

/** Names of the board and its chip, most specific first. The kernel shows the tree in both places. */
async function compatibleNames(machine: Machine): Promise<string[]> {
  const text = (await machine.readText('/proc/device-tree/compatible')) ?? (await machine.readText('/sys/firmware/devicetree/base/compatible')) ?? '';
  // NULs between them; whoever writes a recording by hand may well have used line breaks.
  return text
    .split(/[\0\n]/)
    .map((name) => name.trim())
    .filter(Boolean);
}

async function softwareOf(machine: Machine, rule: BoardRule): Promise<string | undefined> {
  if (rule.vendor === 'NVIDIA') {
    const release = await machine.readText('/etc/nv_tegra_release');
    const [, major, revision] = /^# R(\d+) \(release\), REVISION: ([\d.]+)/m.exec(release ?? '') ?? [];
    if (major === undefined || revision === undefined) return undefined;
    const jetpack = JETPACK.find(([l4t]) => l4t === Number(major))?.[1];
    return `L4T R${major} (release), REVISION: ${revision}${jetpack ? `, JetPack ${jetpack}` : ''}`;
  }
  for (const path of rule.versions ?? []) {
    const text = await readLine(machine, path);
    // `RKNPU driver: v0.9.8`: what is told elsewhere is the number.
    if (text) return text.replace(/^.*driver: v?/, '').slice(0, 80);
  }
  return undefined;
}

/** Linux for Tegra -> JetPack (NVIDIA's archive of releases). */
const JETPACK: readonly [number, string][] = [
  [32, '4'],
  [34, '5'],
  [35, '5'],
  [36, '6'],
  [38, '7'],
];

async function libraryOf(machine: Machine, rule: BoardRule): Promise<BoardDevice['library']> {
  if (rule.library === undefined) return undefined;
  const libraries = await openLibraries(machine);
  const { title, names } = rule.library;
  for (const name of names) {
    const found = await libraries.find(name);
    if (found === undefined) continue;
    const version = /\.so\.(\d+\.[\d.]*\d)$/.exec(`${(await machine.link(found.path)) ?? ''}`)?.[1] ?? /\.so\.(\d+\.[\d.]*\d)$/.exec(found.path)?.[1];
    return { name, title, path: found.path, ...(version && { version }) };
  }
  return { name: names[0] ?? '', title };
}

async function firstThere(machine: Machine, paths: readonly string[]): Promise<NodeAccess | undefined> {
  for (const path of paths) {
    const node = await nodeAccess(machine, path);
    if (node.access !== 'absent') return node;
  }
  return undefined;
}
