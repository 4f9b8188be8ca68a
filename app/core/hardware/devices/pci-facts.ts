/** What a device on the PCI bus has to say for itself in a report. */
import type { HardwareDevice } from '#contract';
import type { PciDevice } from '../probes/pci.ts';

export function pciBase(pci: PciDevice): Pick<HardwareDevice, 'kind' | 'name' | 'vendor' | 'id' | 'driver' | 'memoryBytes' | 'facts'> {
  return {
    kind: pci.kind,
    name: pci.name ? (pci.name.startsWith(pci.vendor) ? pci.name : `${pci.vendor} ${pci.name}`) : `${pci.vendor} ${pci.kind.toUpperCase()} ${pci.deviceId}`,
    vendor: pci.vendor,
    id: pci.address,
    ...(pci.driver && { driver: pci.driver }),
    ...(pci.memoryBytes !== undefined && { memoryBytes: pci.memoryBytes }),
    facts: pciFacts(pci),
  };
}

export function pciFacts(pci: PciDevice): HardwareDevice['facts'] {
  const { source } = pci;
  return [
    ...(pci.deviceId ? [{ name: 'PCI id', value: `${pci.vendorId}:${pci.deviceId}`, source }] : []),
    { name: 'kernel driver', value: pci.driver ?? 'none', source },
    ...(pci.nodes.length > 0 ? [{ name: 'device nodes', value: pci.nodes.join(', '), source: `${source}/drm` }] : []),
    ...(pci.virtualFunction ? [{ name: 'kind', value: 'virtual function of another device', source }] : []),
  ];
}
