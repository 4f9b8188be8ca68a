/** Operating system, and what lies between it and the metal: virtual machine, container, WSL. */
import { type Machine, readLine } from '../machine.ts';

export interface SystemFacts {
  os: string;
  kernel: string;
  arch: string;
  hostname: string;
  node: string;
  onnxruntime: string;
  wsl: boolean;
  /** In words: `virtual machine (KVM)`, `container (Docker)`, `WSL 2`; absent on plain metal or when unknown. */
  virtualization?: string;
}

/** Words in the DMI tables that name a hypervisor. */
const HYPERVISORS: readonly [RegExp, string][] = [
  [/kvm|qemu|red hat/i, 'KVM'],
  [/firecracker/i, 'Firecracker'],
  [/vmware/i, 'VMware'],
  [/virtualbox|innotek/i, 'VirtualBox'],
  [/microsoft corporation.*virtual/i, 'Hyper-V'],
  [/xen/i, 'Xen'],
  [/amazon ec2/i, 'Amazon EC2'],
  [/google compute/i, 'Google Compute Engine'],
  [/parallels/i, 'Parallels'],
];

export async function probeSystem(machine: Machine): Promise<SystemFacts> {
  const facts = await machine.facts();
  const base = { kernel: facts.release, arch: facts.arch, hostname: facts.hostname, node: facts.node, onnxruntime: facts.onnxruntime };
  if (facts.platform !== 'linux') {
    const answer = (await machine.ask('system')) as { virtual?: boolean; virtualHost?: string } | undefined;
    const info = (await machine.ask('osInfo')) as { distro?: string; release?: string } | undefined;
    const os = info?.distro ? `${info.distro} ${info.release ?? ''}`.trim() : facts.osName;
    return { ...base, os, wsl: false, ...(answer?.virtual && { virtualization: `virtual machine${answer.virtualHost ? ` (${answer.virtualHost})` : ''}` }) };
  }
  const release = (await machine.readText('/etc/os-release')) ?? '';
  const os = /^PRETTY_NAME="?([^"\n]+)"?/m.exec(release)?.[1] ?? 'Linux';
  const wsl = /microsoft/i.test(facts.release) || machine.env('WSL_DISTRO_NAME') !== undefined;
  const layers = [wsl ? (/wsl2/i.test(facts.release) ? 'WSL 2' : 'WSL') : await hypervisor(machine), await container(machine)].filter(
    (layer) => layer !== undefined,
  );
  return { ...base, os, wsl, ...(layers.length > 0 && { virtualization: layers.join(', ') }) };
}

async function hypervisor(machine: Machine): Promise<string | undefined> {
  const dmi = `${(await readLine(machine, '/sys/class/dmi/id/sys_vendor')) ?? ''} ${(await readLine(machine, '/sys/class/dmi/id/product_name')) ?? ''}`;
  const named = HYPERVISORS.find(([pattern]) => pattern.test(dmi))?.[1];
  if (named !== undefined) return `virtual machine (${named})`;
  const type = await readLine(machine, '/sys/hypervisor/type');
  if (type) return `virtual machine (${type})`;
  const cpuinfo = (await machine.readText('/proc/cpuinfo')) ?? '';
  return /^flags\s*:.*\bhypervisor\b/m.test(cpuinfo) ? 'virtual machine' : undefined;
}

async function container(machine: Machine): Promise<string | undefined> {
  if ((await machine.access('/.dockerenv')) !== 'absent') return 'container (Docker)';
  if ((await machine.access('/run/.containerenv')) !== 'absent') return 'container (Podman)';
  const groups = (await machine.readText('/proc/1/cgroup')) ?? '';
  if (/kubepods/.test(groups)) return 'container (Kubernetes)';
  if (/\/docker|\/lxc|containerd/.test(groups)) return 'container';
  return undefined;
}
