import type { Command } from 'commander';
import { coresText, EdgewrightError, formatBytes, formatMs, type HardwareReport } from '#contract';
import { checkReplaceable, readFileBounded, userPath, writeFileAtomic } from '#core/platform';
import { action, offlineAction, type Context } from '../command.ts';
import { table } from '../output.ts';

interface Options {
  fresh?: boolean;
  verify?: boolean;
  record?: string;
  from?: string;
}

export function addHardware(program: Command): void {
  const asked = action(async ({ client, output, signal }: Context, options: Options) => {
    const report = await client.hardware.report({ fresh: options.fresh ?? false }, { signal });
    output.result(report, describeHardware(report));
  });
  const here = offlineAction(async ({ output, signal }: Pick<Context, 'output' | 'signal'>, options: Options) => {
    if (options.record !== undefined && options.from !== undefined)
      throw new EdgewrightError({
        code: 'usage.conflict',
        message: '--record looks at this machine, --from at a recorded one.',
        hint: 'Give one of them.',
        owner: 'usage',
      });
    const { detectHardware, MAX_RECORDING_BYTES, readRecording, recordMachine } = await import('#core/hardware');
    if (options.record !== undefined) {
      const file = userPath(options.record);
      await checkReplaceable(file);
      const recording = await recordMachine({ signal });
      await writeFileAtomic(file, `${JSON.stringify(recording, null, 1)}\n`, { mode: 0o644 });
      output.note(`Recorded this machine to ${file}: read it before you pass it on. Edgewright shows it with: edgewright hardware --from ${options.record}`);
      const report = await detectHardware({ recording });
      return output.result({ recording: file, ...report }, describeHardware(report));
    }
    const recording = options.from === undefined ? undefined : readRecording(await readFileBounded(userPath(options.from), MAX_RECORDING_BYTES));
    const report = await detectHardware({ recording, signal, verify: options.verify });
    output.result(report, describeHardware(report));
  });
  program
    .command('hardware')
    .description('What this machine can run, and why not when it cannot')
    .option('--fresh', 'run every probe again')
    .option('--no-verify', 'only look: run no model on what is found')
    .option('--record <file>', 'write a recording of this machine, for a report or a test')
    .option('--from <file>', 'show the machine of a recording instead of this one; nothing is run')
    .action(async (options: Options, command: Command) => {
      const run = options.record !== undefined || options.from !== undefined || options.verify === false ? here : asked;
      await run(options, command);
    });
}

export function describeHardware(report: HardwareReport): string[] {
  const features = Object.entries(report.cpu.features).flatMap(([name, there]) => (there ? [name] : []));
  const lines = [
    report.summary,
    '',
    `${report.cpu.model}; ${coresText(report.cpu)}`,
    `Memory: ${formatBytes(report.memory.totalBytes)}, ${formatBytes(report.memory.availableBytes)} free${report.memory.limitBytes === undefined ? '' : `; this process may use ${formatBytes(report.memory.limitBytes)}`}`,
    ...(report.machine.virtualization ? [`Runs in: ${report.machine.virtualization}`] : []),
    `Vector extensions: ${features.join(', ') || 'none that matter'}`,
    `int8: ${report.cpu.int8.path}. ${report.cpu.int8.advice}`,
    '',
    ...table(
      ['Device', 'Kind', 'Memory', 'State', 'Stopped by'],
      report.devices.map((d) => [d.name, d.kind, d.memoryBytes === undefined ? '' : formatBytes(d.memoryBytes), d.state, d.stoppedBy ?? '']),
    ),
    '',
    ...table(
      ['Provider', 'State', 'Reason'],
      report.providers.map((p) => [p.name, p.state, p.proof ? `ran a model in ${formatMs(p.proof.latencyMs)}` : (p.reason ?? '')]),
    ),
  ];
  // A provider often stops where its device does: the same remedy is said once, with all it mends.
  const remedies = new Map<string, string[]>();
  const add = (name: string, remedy: { text: string; command?: string | undefined } | undefined) => {
    if (remedy === undefined) return;
    const text = `${remedy.text}${remedy.command ? `\n  ${remedy.command}` : ''}`;
    remedies.set(text, [...(remedies.get(text) ?? []), name]);
  };
  for (const device of report.devices) add(device.name, device.remedy);
  for (const provider of report.providers) if (provider.state !== 'absent') add(provider.name, provider.remedy);
  if (remedies.size > 0) lines.push('', 'To mend it', ...[...remedies].map(([text, names]) => `${names.join(', ')}: ${text}`));
  for (const probe of report.probes) if (!probe.ok) lines.push(`Probe ${probe.name} failed: ${probe.error ?? 'no reason given'}`);
  return lines;
}
