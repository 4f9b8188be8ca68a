/** An NVIDIA GPU as a device of the report: what is known of it, and where its driver stops. */
import type { HardwareDevice } from '#contract';
import { libraryTitle } from '../cuda-libraries.ts';
import { type Place, shippedProviders } from '../place.ts';
import type { NvidiaFacts } from '../probes/nvidia.ts';
import { type NvidiaGpu, UNNAMED } from '../probes/nvidia-gpu.ts';
import type { PciDevice } from '../probes/pci.ts';
import type { FoundFacts } from '../probes/table.ts';
import { nvidiaDriverStop } from './nvidia-stops.ts';
import { pciFacts } from './pci-facts.ts';

export function nvidiaDevice(nvidia: NvidiaFacts, place: Place, facts: FoundFacts, pci?: PciDevice, known?: NvidiaGpu): HardwareDevice {
  const gpu = known ?? nvidia.gpus.find((candidate) => candidate.address === pci?.address);
  const driver = gpu?.driverVersion ?? nvidia.kernelDriver;
  const providers = shippedProviders(place.platform, place.arch).filter((name) => name !== 'cpu' && name !== 'coreml');
  const memoryBytes = gpu?.memoryBytes ?? pci?.memoryBytes;
  const id = pci?.address ?? gpu?.address;
  const base = {
    kind: 'gpu' as const,
    name: (gpu?.name === UNNAMED ? undefined : gpu?.name) ?? (pci?.name ? `NVIDIA ${pci.name}` : `NVIDIA GPU ${pci?.deviceId ?? ''}`.trim()),
    vendor: 'NVIDIA',
    ...(id && { id }),
    providers,
    ...(memoryBytes !== undefined && { memoryBytes }),
    ...(gpu?.freeBytes !== undefined && { memoryFreeBytes: gpu.freeBytes }),
    ...(driver && { driver }),
    facts: [...(pci ? pciFacts(pci) : []), ...gpuFacts(nvidia, gpu), ...toolkitFacts(facts)],
  };
  const stop = nvidiaDriverStop({ nvidia, facts, place, pci, gpu });
  return stop ? { ...base, state: 'present', ...stop } : { ...base, state: 'driver ok' };
}

function gpuFacts(nvidia: NvidiaFacts, gpu: NvidiaGpu | undefined): HardwareDevice['facts'] {
  const source = gpu?.source ?? 'nvidia-smi';
  const instances = gpu?.mig?.instances;
  return [
    ...(gpu?.computeCapability ? [{ name: 'compute capability', value: gpu.computeCapability, source }] : []),
    ...(nvidia.cudaVersion ? [{ name: 'CUDA version of the driver', value: nvidia.cudaVersion, source }] : []),
    ...(gpu?.cudaIndex === undefined ? [] : [{ name: 'number for CUDA', value: String(gpu.cudaIndex), source: 'CUDA driver' }]),
    ...(gpu?.integrated ? [{ name: 'memory', value: 'shared with the system', source: 'CUDA driver' }] : []),
    ...(gpu?.mig ? [{ name: 'MIG', value: instances === undefined ? 'on' : instances.length > 0 ? instances.join(', ') : 'on, no instance', source }] : []),
    ...(nvidia.libraryVersion ? [{ name: "version of the driver's libraries", value: nvidia.libraryVersion, source: nvidia.libcuda ?? 'libcuda.so.1' }] : []),
  ];
}

/** One line a library: what it is, which version, and whether it loads. */
function toolkitFacts(facts: FoundFacts): HardwareDevice['facts'] {
  const known = facts.toolkit ?? [];
  if (facts.toolkit !== undefined && known.length === 0) return [{ name: 'CUDA libraries', value: 'none installed', source: 'the loader' }];
  return known.map((library) => {
    const state = library.loads === undefined ? 'there' : library.loads ? 'loads' : `does not load: ${library.error ?? 'no reason given'}`;
    const reach = library.reachable ? '' : ', out of reach of the loader';
    return { name: libraryTitle(library.name), value: `${library.version ? `${library.version}, ` : ''}${state}${reach}`, source: library.path };
  });
}
