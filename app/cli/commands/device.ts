import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { type Device, EdgewrightError } from '#contract';
import { userPath } from '#core/platform';
import { action, type Context } from '../command.ts';
import { table } from '../output.ts';

export function addDevice(program: Command): void {
  const device = program.command('device').description('Enrol, list, show and remove devices');

  device
    .command('add')
    .argument('<address>', 'host:port of the pairing door that the agent printed')
    .requiredOption('--name <name>', 'what to call it')
    .requiredOption('--code-file <file>', 'file with the one-time code, or - for standard input')
    .description('Pair with an agent by its one-time code')
    .action(
      action(async ({ client, output, signal }: Context, address: string, options: { name: string; codeFile: string }) => {
        const code = options.codeFile === '-' ? await text(process.stdin) : await readFile(userPath(options.codeFile), 'utf8');
        const added = await client.devices.add({ address, name: options.name, code: code.trim() }, { signal });
        output.result({ ...added }, [`Enrolled ${added.name} (${added.id}): management ${added.management}, inference ${added.inference}.`]);
      }),
    );

  device
    .command('list')
    .description('The devices of this workspace')
    .action(
      action(async ({ client, output }: Context) => {
        const devices = await client.devices.list();
        const others = devices.some((d) => d.workspace !== undefined);
        const rows = devices.map((d) => [d.name, d.state, running(d), d.inference, d.agentVersion ?? '', ...(others ? [d.workspace ?? ''] : [])]);
        output.result(
          { devices },
          rows.length === 0
            ? ['No devices yet. Run edgewright-agent --pair on one, then edgewright device add.']
            : table(['Device', 'State', 'Runs', 'Inference', 'Agent', ...(others ? ['Workspace'] : [])], rows),
        );
      }),
    );

  device
    .command('show')
    .argument('<name>')
    .description('What runs on a device, what ran before, and its history')
    .action(
      action(async ({ client, output }: Context, name: string) => {
        const d = await client.devices.show({ name });
        output.result({ ...d }, [
          `${d.name} (${d.id}): ${d.state}${d.problem === undefined ? '' : `, ${d.problem}`}`,
          ...(d.workspace === undefined ? [] : [`of the workspace ${d.workspace}`]),
          `management ${d.management}, inference ${d.inference}`,
          ...(d.hardware ? [d.hardware.summary] : []),
          '',
          ...table(
            ['Bundle', 'Variant', 'State', 'Since', 'Deployed by', 'Reason'],
            d.bundles.map((b) => [`${b.name}@${b.version}`, b.variant, b.state, new Date(b.since).toISOString(), b.deployedBy ?? '', b.reason ?? '']),
          ),
          '',
          ...d.events.slice(-15).map((e) => `${new Date(e.at).toISOString()}  ${e.message}`),
        ]);
      }),
    );

  device
    .command('remove')
    .argument('<name>')
    .description('Forget a device, and tell it to forget this workspace')
    .action(
      action(async ({ client, output }: Context, name: string) => {
        const removed = await client.devices.remove({ name });
        output.result(removed, [`Removed ${removed.name}.`, ...(removed.detail === undefined ? [] : [removed.detail])]);
      }),
    );

  program
    .command('rollback')
    .argument('<device>')
    .option('--model <name>', 'which model, where the device runs several')
    .description('Put back the bundle that served before')
    .action(
      action(async ({ client, output, signal }: Context, name: string, options: { model?: string }) => {
        const done = await client.devices.rollback({ device: name, ...(options.model !== undefined && { model: options.model }) }, { signal });
        output.result({ ...done }, [`${done.device} serves ${done.to} again instead of ${done.from} (${done.seconds.toFixed(1)} s).`]);
      }),
    );
}

function running(device: Device): string {
  const active = device.bundles.filter((b) => b.state === 'active' || b.state === 'on trial');
  return active.map((b) => `${b.name}@${b.version}#${b.variant}${b.state === 'on trial' ? ' (on trial)' : ''}`).join(', ') || 'nothing';
}

/** For commands that take a list of names. */
export function deviceNames(list: string): string[] {
  const names = list
    .split(',')
    .map((n) => n.trim())
    .filter(Boolean);
  if (names.length === 0) throw new EdgewrightError({ code: 'usage.no-device', message: 'Name at least one device.', owner: 'usage' });
  return names;
}
