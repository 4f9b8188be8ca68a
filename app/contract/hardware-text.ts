/** A hardware report as Markdown: what a person copies into a mail or an issue. Whose machine it is stays out of it. */
import type { HardwareReport, ProviderState } from './hardware.ts';
import { formatBytes, formatMs } from './numbers.ts';

export function hardwareReportText(report: HardwareReport): string {
  const { cpu, machine, memory } = report;
  const features = Object.entries(cpu.features).flatMap(([name, there]) => (there ? [name] : []));
  const limit = memory.limitBytes === undefined ? '' : `; this process may use ${formatBytes(memory.limitBytes)}`;
  return [
    '# Hardware report',
    '',
    report.summary,
    '',
    `- Detected: ${new Date(report.detectedAt).toISOString()}${report.took ? `, looking took ${formatMs(report.took.probesMs)}` : ''}`,
    `- System: ${machine.os}, ${machine.kernel}, ${machine.arch}${machine.virtualization ? `, ${machine.virtualization}` : ''}`,
    `- ONNX Runtime ${machine.onnxruntime}, Node ${machine.node}`,
    `- Processor: ${cpu.model}; ${coresText(cpu)}`,
    `- Vector extensions: ${features.join(', ') || 'none that matter'}`,
    `- int8: ${cpu.int8.path}. ${cpu.int8.advice}`,
    `- Memory: ${formatBytes(memory.availableBytes)} available of ${formatBytes(memory.totalBytes)}${limit}`,
    '',
    '## Devices',
    ...report.devices.flatMap((device) => [
      '',
      `### ${device.name}`,
      `- ${[device.kind, device.vendor, device.id, device.memoryBytes && formatBytes(device.memoryBytes), device.driver && `driver ${device.driver}`].filter(Boolean).join(', ')}`,
      `- State: ${device.state}${device.stoppedBy ? `; ${device.notTried ? '' : 'stopped by: '}${device.stoppedBy}` : ''}`,
      ...remedyLines(device.remedy),
      ...device.facts.map((fact) => `- ${fact.name}: ${fact.value} (${fact.source})`),
    ]),
    '',
    '## Execution providers',
    '',
    ...report.providers.flatMap((row) => [
      `- ${row.title} (${row.name}): ${row.state}. ${providerText(row)}`.trim(),
      ...remedyLines(row.remedy).map((line) => `  ${line}`),
    ]),
    '',
    '## Probes',
    '',
    ...report.probes.map((probe) => `- ${probe.name}: ${probe.ok ? 'answered' : `failed: ${probe.error ?? 'no reason given'}`} (${formatMs(probe.ms)})`),
    '',
  ].join('\n');
}

/** `2 of 4 cores usable (the CPU quota of its control group: 2); 2 as built` */
export function coresText(cpu: HardwareReport['cpu']): string {
  const built = cpu.physicalCores !== undefined && cpu.physicalCores !== cpu.cores ? `; ${cpu.physicalCores} as built` : '';
  const sockets = cpu.sockets !== undefined && cpu.sockets > 1 ? ` in ${cpu.sockets} sockets` : '';
  const kinds = cpu.kinds ? `; ${cpu.kinds.map((kind) => `${kind.count} × ${kind.name}`).join(' and ')}` : '';
  const limits = cpu.limits && cpu.limits.length > 0 ? ` (limited by ${cpu.limits.join(', ')})` : '';
  return `${Number(cpu.usableCores.toFixed(2))} of ${cpu.cores} cores usable${limits}${built}${sockets}${kinds}`;
}

function providerText(row: ProviderState): string {
  if (row.proof === undefined) return row.reason ?? '';
  const nodes = Object.entries(row.proof.nodes).map(([name, count]) => `${count} on ${name}`);
  return `Ran a model in ${formatMs(row.proof.latencyMs)} (nodes: ${nodes.join(', ')}). ${row.reason ?? ''}`.trim();
}

function remedyLines(remedy: ProviderState['remedy']): string[] {
  if (remedy === undefined) return [];
  return [`- To mend it: ${remedy.text}`, ...(remedy.command ? [`  \`${remedy.command}\``] : [])];
}
