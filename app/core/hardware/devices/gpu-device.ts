/** Graphics processors that only WebGPU (over Vulkan) could use: AMD, Intel, virtual ones, and those inside Arm chips. */
import type { HardwareDevice } from '#contract';
import { type Place, placeName, shippedProviders } from '../place.ts';
import type { DrmDevice } from '../probes/drm.ts';
import type { PciDevice } from '../probes/pci.ts';
import type { FoundFacts } from '../probes/table.ts';
import type { VulkanDevice } from '../probes/vulkan.ts';
import { pciBase } from './pci-facts.ts';
import { deniedNode, DISPLAY_ONLY, install, NO_PATH, type Stop } from './words.ts';

/** No model will ever run on these: they draw a console. */
const CONSOLES = new Set(['ASPEED', 'Matrox', 'QEMU', 'VMware', 'Virtio', 'Cirrus Logic', 'VirtualBox', 'Xen']);
const HYPERV_DISPLAY = '5353';

export function otherGpu(pci: PciDevice, facts: FoundFacts, place: Place): HardwareDevice {
  const vulkan = facts.vulkan?.devices?.find((device) => device.kind !== 'software' && isIt(device, pci));
  const providers = shippedProviders(place.platform, place.arch).filter((name) => name === 'webgpu');
  const base = { ...pciBase(pci), providers };
  const device = vulkan ? { ...base, ...vulkanParts(vulkan, base) } : base;
  const display = (CONSOLES.has(pci.vendor) || (pci.vendor === 'Microsoft' && pci.deviceId === HYPERV_DISPLAY)) && vulkan === undefined;
  if (display) return { ...device, providers: [], state: 'present', stoppedBy: DISPLAY_ONLY, noPath: true };
  const stop = kernelStop(pci, facts);
  if (stop) return { ...device, state: 'present', ...stop };
  if (providers.length === 0) return { ...device, state: 'driver ok', stoppedBy: NO_PATH('The GPU', 'GPU'), noPath: true };
  const missing = vulkan ? undefined : vulkanStop(pci, facts);
  return missing ? { ...device, state: 'present', ...missing } : { ...device, state: 'driver ok' };
}

function isIt(device: VulkanDevice, pci: PciDevice): boolean {
  return device.address === undefined ? device.id === `${pci.vendorId}:${pci.deviceId}` : device.address === pci.address;
}

function vulkanParts(vulkan: VulkanDevice, base: Pick<HardwareDevice, 'facts' | 'memoryBytes'>): Partial<HardwareDevice> {
  const source = 'vkEnumeratePhysicalDevices';
  return {
    ...(base.memoryBytes === undefined && vulkan.memoryBytes && vulkan.kind === 'discrete' && { memoryBytes: vulkan.memoryBytes }),
    facts: [
      ...base.facts,
      { name: 'name for Vulkan', value: vulkan.name, source },
      { name: 'Vulkan', value: `${vulkan.apiVersion}${vulkan.driver ? `, ${vulkan.driver}` : ''}`, source },
    ],
  };
}

/** What stands between the card and any program: the bus, the kernel's driver, the device node. */
export function kernelStop(pci: PciDevice, { system }: FoundFacts): Stop | undefined {
  if (pci.lost)
    return {
      stoppedBy: 'it fell off the bus: the card does not answer any more',
      remedy: { text: 'Switch the computer off and on again; look after its power supply and its seat if that helps only for a while.' },
    };
  if (pci.driver === 'vfio-pci' || pci.driver === 'pci-stub')
    return {
      stoppedBy: `it is reserved for a virtual machine (${pci.driver})`,
      remedy: { text: 'Give it back to this system in the settings of the virtual machine.' },
    };
  if (pci.driver === undefined) {
    const firmware = {
      debian: pci.vendor === 'AMD' ? 'firmware-amd-graphics' : 'firmware-misc-nonfree',
      ubuntu: 'linux-firmware',
      fedora: 'linux-firmware',
      arch: 'linux-firmware',
    };
    return {
      stoppedBy: 'no kernel driver is bound to it',
      remedy: install(
        'Install the firmware for this GPU and start the computer anew; a GPU younger than the kernel needs a newer kernel.',
        system?.distro,
        firmware,
      ),
    };
  }
  if (pci.render?.access === 'denied') return deniedNode(pci.render.path, pci.render.owner, 'render');
  return undefined;
}

const MESA = { debian: 'mesa-vulkan-drivers libvulkan1', fedora: 'mesa-vulkan-drivers vulkan-loader', suse: 'libvulkan1' };
const MESA_ARCH: Record<string, string> = { AMD: 'vulkan-radeon vulkan-icd-loader', Intel: 'vulkan-intel vulkan-icd-loader' };

function vulkanStop(pci: PciDevice, { vulkan, system }: FoundFacts): Stop | undefined {
  if (vulkan === undefined) return undefined;
  const arch = MESA_ARCH[pci.vendor];
  const packages = { ...MESA, ...(arch && { arch }) };
  const fitting = vulkan.drivers.filter((driver) => !driver.software && (driver.vendor === undefined || driver.vendor === pci.vendor));
  if (fitting.length === 0)
    return {
      stoppedBy: 'no Vulkan driver for it is installed',
      remedy: install("Install Mesa's Vulkan drivers, then detect again.", system?.distro, packages),
    };
  if (vulkan.devices === undefined || vulkan.loader === undefined) return undefined;
  // Asked, and not among the answers: a Mesa older than the GPU, a missing node, a broken driver.
  const why = vulkan.error ? `: ${vulkan.error}` : '';
  return {
    stoppedBy: `its Vulkan driver is installed, but gives no device${why}`,
    remedy: install('Update Mesa (a GPU younger than it is not known to it); in a container, hand /dev/dri in.', system?.distro, packages),
  };
}

/** A graphics processor inside the chip. */
export function chipGpu(drm: DrmDevice, facts: FoundFacts, place: Place): HardwareDevice {
  const providers = shippedProviders(place.platform, place.arch).filter((name) => name === 'webgpu');
  const vulkan = facts.vulkan?.devices?.find((device) => device.kind === 'integrated');
  const base = {
    kind: 'gpu' as const,
    name: `${drm.vendor} ${drm.name}`,
    vendor: drm.vendor,
    id: drm.id,
    driver: drm.driver,
    providers,
    facts: [{ name: 'kernel driver', value: drm.driver, source: drm.source }],
  };
  const device = vulkan ? { ...base, ...vulkanParts(vulkan, base) } : base;
  if (drm.render?.access === 'denied') return { ...device, state: 'present', ...deniedNode(drm.render.path, drm.render.owner, 'render') };
  if (providers.length === 0)
    return {
      ...device,
      state: 'driver ok',
      stoppedBy: `ONNX Runtime for Node has no provider for GPUs on ${placeName(place)}: no runtime path from here`,
      noPath: true,
    };
  return { ...device, state: 'driver ok' };
}
