/** Facts and proofs -> the report, in the contract's shape. */
import type { HardwareDevice, HardwareReport } from '#contract';
import { bestFeature, cpuFeatures, int8Advice } from './cpu-features.ts';
import { mergeDevices, type Place } from './devices.ts';
import type { MachineFacts } from './machine.ts';
import type { Probed } from './probe-runner.ts';
import type { Proof } from './prove.ts';
import { reachProviders } from './providers.ts';
import { summarize, withProof, withProviders } from './verdict.ts';

/** Called for each provider whose libraries are all there; undefined = not tried. */
export type Prove = (provider: string) => Promise<Proof | undefined>;

/** @param known facts of the running program, for whatever a failed probe leaves open */
export async function buildReport(probed: Probed, known: MachineFacts, prove: Prove): Promise<HardwareReport> {
  const { facts } = probed;
  const place: Place = { platform: known.platform, arch: known.arch };
  const found = mergeDevices(facts, place);
  const rows = reachProviders({ facts, devices: found, place });
  const providers = await Promise.all(rows.map(async (row) => withProof(row, row.state === 'runtime ok' ? await prove(row.name) : undefined)));

  const flags = facts.cpu?.flags ?? known.cpuFlags ?? [];
  const model = facts.cpu?.model ?? (known.cpuModel || `${known.arch} processor`);
  const usableCores = facts.cpu?.usableCores ?? known.usableCores;
  const feature = bestFeature(known.arch, flags);
  const cpuRow = providers.find((row) => row.name === 'cpu');
  const cpu: HardwareDevice = {
    kind: 'cpu',
    name: model,
    state: cpuRow?.state ?? 'present',
    ...(cpuRow?.state !== 'verified' && cpuRow?.reason && { stoppedBy: cpuRow.reason.replace(/\.$/, '') }),
    ...(cpuRow?.remedy && { remedy: cpuRow.remedy }),
    providers: ['cpu'],
    facts: [
      {
        name: 'cores',
        value: `${usableCores} of ${facts.cpu?.cores ?? known.cores} usable`,
        source: known.platform === 'linux' ? '/proc/self/status, cgroup' : 'Node.js',
      },
      ...(feature ? [{ name: 'best vector extension', value: feature, source: facts.cpu?.flagsFrom ?? 'CPU instructions' }] : []),
    ],
  };
  const cudaLibraries = facts.libraries?.installed ?? [];
  const devices = [cpu, ...withProviders(found, providers).map((device) => withCudaFact(device, cudaLibraries))];
  const memory = facts.memory ?? { totalBytes: known.totalMemoryBytes, availableBytes: known.freeMemoryBytes };
  return {
    detectedAt: Date.now(),
    summary: summarize(devices, providers, feature),
    machine: {
      hostname: known.hostname,
      os: facts.system?.os ?? known.osName,
      arch: known.arch,
      kernel: known.release,
      ...(facts.system?.virtualization && { virtualization: facts.system.virtualization }),
      onnxruntime: known.onnxruntime,
      node: known.node,
    },
    cpu: { model, cores: facts.cpu?.cores ?? known.cores, usableCores, features: cpuFeatures(known.arch, flags), int8: int8Advice(known.arch, flags) },
    memory,
    devices,
    providers,
    probes: probed.probes,
  };
}

function withCudaFact(device: HardwareDevice, libraries: readonly string[]): HardwareDevice {
  if (device.vendor !== 'NVIDIA') return device;
  return { ...device, facts: [...device.facts, { name: 'CUDA libraries the loader knows', value: libraries.join(', ') || 'none', source: 'ldconfig -p' }] };
}
