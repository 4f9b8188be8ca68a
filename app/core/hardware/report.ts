/** Facts and proofs -> the report, in the contract's shape. */
import { formatBytes, type HardwareDevice, type HardwareReport } from '#contract';
import { cleanReport } from './clean-report.ts';
import { bestFeature, cpuFeatures, int8Advice } from './cpu-features.ts';
import { mergeDevices } from './devices.ts';
import type { MachineFacts } from './machine.ts';
import type { Place } from './place.ts';
import type { Probed } from './probe-runner.ts';
import type { CpuFacts } from './probes/cpu.ts';
import type { Proof } from './prove.ts';
import { reachProviders } from './providers.ts';
import { stopOf, summarize, withProof, withProviders } from './verdict.ts';

/** Called for each provider whose libraries are all there; undefined = not tried. */
export type Prove = (provider: string) => Promise<Proof | undefined>;

/** @param known facts of the running program, for whatever a failed probe leaves open */
export async function buildReport(probed: Probed, known: MachineFacts, prove: Prove): Promise<HardwareReport> {
  const { facts } = probed;
  const place: Place = { platform: known.platform, arch: known.arch };
  const found = mergeDevices(facts, place);
  const rows = reachProviders({ facts, devices: found, place });
  const providers = await Promise.all(rows.map(async (row) => withProof(row, row.state === 'runtime ok' ? await prove(row.name) : undefined, known.platform)));

  const flags = facts.cpu?.flags ?? known.cpuFlags ?? [];
  const model = facts.cpu?.model ?? (known.cpuModel || `${known.arch} processor`);
  const usableCores = facts.cpu?.usableCores ?? known.usableCores;
  const feature = bestFeature(known.arch, flags);
  const cpuRow = providers.find((row) => row.name === 'cpu');
  const cpu: HardwareDevice = {
    kind: 'cpu',
    name: model,
    state: cpuRow?.state ?? 'present',
    ...(cpuRow && cpuRow.state !== 'verified' && stopOf(cpuRow)),
    providers: ['cpu'],
    facts: [
      {
        name: 'cores',
        value: `${usableCores} of ${facts.cpu?.cores ?? known.cores} usable`,
        source: known.platform === 'linux' ? '/proc/self/status, cgroup' : 'Node.js',
      },
      ...cpuFacts(facts.cpu),
      ...(feature ? [{ name: 'best vector extension', value: feature, source: facts.cpu?.flagsFrom ?? 'CPU instructions' }] : []),
    ],
  };
  const devices = [cpu, ...withProviders(found, providers, cudaFirst(facts))];
  const memory = facts.memory ?? { totalBytes: known.totalMemoryBytes, availableBytes: known.freeMemoryBytes };
  const { cpu: processor } = facts;
  return cleanReport({
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
    cpu: {
      model,
      cores: processor?.cores ?? known.cores,
      usableCores,
      ...(processor?.limits && processor.limits.length > 0 && { limits: processor.limits }),
      ...(processor?.sockets && { sockets: processor.sockets }),
      ...(processor?.physicalCores && { physicalCores: processor.physicalCores }),
      ...(processor?.kinds && { kinds: processor.kinds }),
      ...(processor?.caches && { caches: processor.caches }),
      features: cpuFeatures(known.arch, flags),
      int8: int8Advice(known.arch, flags),
    },
    memory,
    devices,
    providers,
    probes: probed.probes,
  });
}

function cpuFacts(cpu: CpuFacts | undefined): HardwareDevice['facts'] {
  if (cpu === undefined) return [];
  const { sockets, physicalCores, kinds, caches, limits } = cpu;
  return [
    ...(physicalCores
      ? [{ name: 'cores as built', value: `${physicalCores}${sockets && sockets > 1 ? ` in ${sockets} sockets` : ''}`, source: 'the system' }]
      : []),
    ...(kinds ? [{ name: 'kinds of cores', value: kinds.map((kind) => `${kind.count} × ${kind.name}`).join(', '), source: 'the system' }] : []),
    ...(caches ? [{ name: 'caches', value: caches.map((cache) => `${cache.name} ${formatBytes(cache.bytes)}`).join(', '), source: 'the system' }] : []),
    ...limits.map((limit) => ({ name: 'limited by', value: limit, source: '/proc/self, control groups' })),
  ];
}

/** The device CUDA gives the number 0, which ONNX Runtime takes; undefined where CUDA was not asked. */
function cudaFirst({ nvidia }: Probed['facts']): string | undefined {
  return nvidia?.gpus.find((gpu) => gpu.cudaIndex === 0)?.address;
}
