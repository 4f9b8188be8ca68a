import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { type HardwareReport, formatBytes, formatMs } from '#contract';
import { userPath } from '#core/platform';
import { action, type Context } from '../command.ts';
import { table } from '../output.ts';

export function addHardware(program: Command): void {
  program
    .command('hardware')
    .description('What this machine can run, and why not when it cannot')
    .option('--fresh', 'run every probe again')
    .option('--record <file>', 'write a recording of this machine, for a report or a test')
    .action(
      action(async ({ client, output, signal }: Context, options: { fresh?: boolean; record?: string }) => {
        if (options.record !== undefined) {
          const { recordMachine } = await import('#core/hardware');
          const recording = await recordMachine();
          await writeFile(userPath(options.record), JSON.stringify(recording, null, 1));
          output.note(`Recorded this machine to ${options.record}.`);
        }
        const report = await client.hardware.report({ fresh: options.fresh ?? false }, { signal });
        output.result(report, describeHardware(report));
      }),
    );
}

export function describeHardware(report: HardwareReport): string[] {
  const features = Object.entries(report.cpu.features).flatMap(([name, there]) => (there ? [name] : []));
  const lines = [
    report.summary,
    '',
    `${report.cpu.model}, ${report.cpu.usableCores} of ${report.cpu.cores} cores usable, ${formatBytes(report.memory.totalBytes)} memory (${formatBytes(report.memory.availableBytes)} free)`,
    `Vector extensions: ${features.join(', ') || 'none that matter'}`,
    `int8: ${report.cpu.int8.path}. ${report.cpu.int8.advice}`,
    '',
    ...table(
      ['Device', 'Kind', 'State', 'Stopped by'],
      report.devices.map((d) => [d.name, d.kind, d.state, d.stoppedBy ?? '']),
    ),
    '',
    ...table(
      ['Provider', 'State', 'Reason'],
      report.providers.map((p) => [p.name, p.state, p.proof ? `ran a model in ${formatMs(p.proof.latencyMs)}` : (p.reason ?? '')]),
    ),
  ];
  const remedies = report.providers.filter((p) => p.remedy && p.state !== 'absent');
  if (remedies.length > 0) lines.push('', ...remedies.map((p) => `${p.name}: ${p.remedy?.text ?? ''}${p.remedy?.command ? `\n  ${p.remedy.command}` : ''}`));
  for (const probe of report.probes) if (!probe.ok) lines.push(`Probe ${probe.name} failed: ${probe.error ?? 'no reason given'}`);
  return lines;
}
