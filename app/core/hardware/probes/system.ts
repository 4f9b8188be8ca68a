/** Operating system, and what lies between it and the metal: virtual machine, container, WSL. */
import { type Machine, readLine } from '../machine.ts';

export type Distro = 'debian' | 'ubuntu' | 'fedora' | 'arch' | 'suse' | 'alpine';

export interface SystemFacts {
  os: string;
  kernel: string;
  arch: string;
  hostname: string;
  node: string;
  onnxruntime: string;
  wsl: boolean;
  container: boolean;
  /** Family of the Linux distribution: which packages and which tool mend things. */
  distro?: Distro;
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
    return {
      ...base,
      os,
      wsl: false,
      container: false,
      ...(answer?.virtual && { virtualization: `virtual machine${answer.virtualHost ? ` (${answer.virtualHost})` : ''}` }),
    };
  }
  const release = (await machine.readText('/etc/os-release')) ?? '';
  const os = /^PRETTY_NAME=["']?([^"'\n]+)["']?/m.exec(release)?.[1] ?? 'Linux';
  const wsl = /microsoft/i.test(facts.release) || machine.env('WSL_DISTRO_NAME') !== undefined;
  const inside = await container(machine);
  const layers = [wsl ? (/wsl2/i.test(facts.release) ? 'WSL 2' : 'WSL') : await hypervisor(machine, facts.hypervisor), inside].filter(
    (layer) => layer !== undefined,
  );
  const distro = family(release);
  return {
    ...base,
    os,
    wsl,
    container: inside !== undefined,
    ...(distro && { distro }),
    ...(layers.length > 0 && { virtualization: layers.join(', ') }),
  };
}

/** os-release names the distribution and those it is made from, nearest first. */
function family(release: string): Distro | undefined {
  const field = (name: string) => new RegExp(`^${name}=["']?([^"'\\n]*)`, 'm').exec(release)?.[1] ?? '';
  for (const id of `${field('ID')} ${field('ID_LIKE')}`.toLowerCase().split(/\s+/)) {
    if (id === 'ubuntu' || id === 'debian' || id === 'arch' || id === 'alpine') return id;
    if (id === 'raspbian') return 'debian';
    if (id === 'fedora' || id === 'rhel' || id === 'centos') return 'fedora';
    if (id.startsWith('suse') || id.startsWith('opensuse')) return 'suse';
  }
  return undefined;
}

/** What hypervisors call themselves to the CPU's own instruction. */
const BY_CPUID: Record<string, string> = {
  KVMKVMKVM: 'KVM',
  TCGTCGTCGTCG: 'QEMU',
  'Microsoft Hv': 'Hyper-V',
  VMwareVMware: 'VMware',
  VBoxVBoxVBox: 'VirtualBox',
  XenVMMXenVMM: 'Xen',
  'bhyve bhyve ': 'bhyve',
  ' lrpepyh  vr': 'Parallels',
};

async function hypervisor(machine: Machine, cpuid: string | undefined): Promise<string | undefined> {
  const dmi = `${(await readLine(machine, '/sys/class/dmi/id/sys_vendor')) ?? ''} ${(await readLine(machine, '/sys/class/dmi/id/product_name')) ?? ''}`;
  const named = HYPERVISORS.find(([pattern]) => pattern.test(dmi))?.[1];
  if (named !== undefined) return `virtual machine (${named})`;
  if (cpuid) return BY_CPUID[cpuid] ? `virtual machine (${BY_CPUID[cpuid]})` : 'virtual machine';
  const type = await readLine(machine, '/sys/hypervisor/type');
  if (type) return `virtual machine (${type})`;
  const cpuinfo = (await machine.readText('/proc/cpuinfo')) ?? '';
  return /^flags\s*:.*\bhypervisor\b/m.test(cpuinfo) ? 'virtual machine' : undefined;
}

async function container(machine: Machine): Promise<string | undefined> {
  if ((await machine.access('/.dockerenv')) !== 'absent') return 'container (Docker)';
  if ((await machine.access('/run/.containerenv')) !== 'absent') return 'container (Podman)';
  const groups = (await machine.readText('/proc/1/cgroup')) ?? '';
  if (/kubepods/.test(groups) || machine.env('KUBERNETES_SERVICE_HOST') !== undefined) return 'container (Kubernetes)';
  const named = machine.env('container');
  if (named) return `container (${named.slice(0, 40)})`;
  if (/\/docker|\/lxc|containerd/.test(groups)) return 'container';
  return undefined;
}
