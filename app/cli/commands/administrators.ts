/** A second administrator on another laptop: identity there, grant here, join there, revoke here. */
import type { Command } from 'commander';
import { type Administrator, DEFAULT_GRANT_DAYS, EdgewrightError, type Joined, type Membership, type ReadAdministratorFile } from '#contract';
import { checkReplaceable, userPath, writeFileAtomic } from '#core/platform';
import { action, type Context } from '../command.ts';
import { confirm } from '../confirm.ts';
import { table } from '../output.ts';

export function addAdministrators(workspace: Command): void {
  workspace
    .command('identity')
    .option('--out <file>', 'where to write it', 'edgewright-identity.json')
    .option('--name <name>', 'what this laptop calls itself; else the name of the computer')
    .description('Write the public keys of this workspace, for another workspace to grant')
    .action(action(identity));

  workspace
    .command('grant')
    .argument('<file>', 'the identity of the other laptop')
    .option('--name <name>', 'what to call the administrator; else as the laptop calls itself')
    .option('--days <n>', 'how long it counts', String(DEFAULT_GRANT_DAYS))
    .option('--out <file>', 'where to write the grant; else edgewright-grant-FINGERPRINT.json')
    .option('--yes', 'the fingerprints were compared already')
    .description('Let another laptop manage the devices of this workspace with its own keys, for a time')
    .action(action(grant));

  workspace
    .command('join')
    .argument('<file>', 'the grant of the other workspace')
    .option('--name <name>', 'what to call the workspace here; else as it calls itself')
    .option('--yes', 'the fingerprints were compared already')
    .description('Manage the devices of the workspace that wrote this grant')
    .action(action(join));

  workspace
    .command('leave')
    .argument('<workspace>', 'name, id or fingerprint')
    .description('Forget a workspace that was joined, with its devices')
    .action(action(leave));

  workspace
    .command('revoke')
    .argument('<administrator>', 'name, fingerprint, or the beginning of one')
    .option('--reason <text>', 'why, for the record')
    .description('Take the devices of this workspace away from an administrator, for good')
    .action(action(revoke));

  workspace
    .command('administrators')
    .description('Who else may manage the devices of this workspace, and whose devices this one may manage')
    .action(action(administrators));
}

async function identity({ client, output }: Context, options: { out: string; name?: string }): Promise<void> {
  const path = userPath(options.out);
  await checkReplaceable(path);
  const { text, ...said } = await client.administrators.identity(options.name === undefined ? {} : { name: options.name });
  await writeFileAtomic(path, text, { mode: 0o644 });
  output.result({ ...said, output: path }, [
    `Wrote the identity of this workspace, as ${said.name}, to ${path}. No private key is in it.`,
    `Fingerprint: ${said.fingerprint}`,
    'Hand the file over, and compare the fingerprint with the one that edgewright workspace grant shows there.',
  ]);
}

interface GrantOptions {
  name?: string;
  days: string;
  out?: string;
  yes?: boolean;
}

async function grant({ client, output, signal }: Context, file: string, options: GrantOptions): Promise<void> {
  const path = userPath(file);
  const read = await client.administrators.read({ path });
  if (read.kind !== 'identity') throw wrongKind(read, 'identity');
  const name = options.name ?? read.name;
  const out = userPath(options.out ?? `edgewright-grant-${read.fingerprint.slice(0, 8)}.json`);
  await checkReplaceable(out);
  const again = read.known === undefined ? '' : `It is known here as ${read.known.name} (${read.known.state}).\n`;
  if (!options.yes) await confirm(`${name} shows this fingerprint with edgewright workspace keys?\n  ${read.fingerprint}\n${again}The same?`, signal);
  const { text, administrator, fingerprint } = await client.administrators.grant({ path, fingerprint: read.fingerprint, name, days: Number(options.days) });
  await writeFileAtomic(out, text, { mode: 0o600 });
  output.result({ administrator, output: out, fingerprint }, [
    `${administrator.name} may manage the devices of this workspace until ${day(administrator.until)}, once it has joined.`,
    `Its fingerprint: ${administrator.fingerprint}`,
    `Hand over ${out}; there: edgewright workspace join FILE. It shows the fingerprint of this workspace:`,
    fingerprint,
  ]);
}

async function join({ client, output, signal }: Context, file: string, options: { name?: string; yes?: boolean }): Promise<void> {
  const path = userPath(file);
  const read = await client.administrators.read({ path });
  if (read.kind !== 'grant') throw wrongKind(read, 'grant');
  const what = `${read.devices.length} ${read.devices.length === 1 ? 'device' : 'devices'} of the workspace ${read.name}, until ${day(read.until)}, as ${read.administrator}.`;
  if (!options.yes) await confirm(`${what}\n${read.name} shows this fingerprint with edgewright workspace keys?\n  ${read.fingerprint}\nThe same?`, signal);
  const joined = await client.administrators.join({ path, fingerprint: read.fingerprint, ...(options.name !== undefined && { name: options.name }) });
  output.result({ ...joined }, describeJoined(joined));
}

function describeJoined({ membership, added, renamed, left }: Joined): string[] {
  return [
    `Joined the workspace ${membership.name} until ${day(membership.until)}: ${membership.devices.join(', ') || 'no devices'}.`,
    `Fingerprint: ${membership.fingerprint}`,
    ...(added.length > 0 ? [`New here: ${added.join(', ')}.`] : []),
    ...renamed.map(({ from, to }) => `${from} is called ${to} here, because another device has its name.`),
    ...left.map(({ name, why }) => `${name} was left out: ${why}.`),
  ];
}

async function leave({ client, output }: Context, who: string): Promise<void> {
  const left = await client.administrators.leave({ who });
  output.result({ ...left }, [`Left the workspace ${left.name}: ${left.devices.length} devices are not listed here any more. They go on as they are.`]);
}

async function revoke({ client, output, signal }: Context, who: string, options: { reason?: string }): Promise<void> {
  const revoked = await client.administrators.revoke({ who, ...(options.reason !== undefined && { reason: options.reason }) }, { signal });
  const told = revoked.devices.filter((d) => d.told).map((d) => d.name);
  const left = revoked.devices.filter((d) => !d.told).map((d) => d.name);
  output.result({ ...revoked }, [
    `${revoked.name} is revoked, for good (fingerprint ${revoked.fingerprint}).`,
    ...(told.length > 0 ? [`These devices know: ${told.join(', ')}.`] : []),
    ...(left.length > 0 ? [`These were not reached, and still obey until they are: ${left.join(', ')}. They are told when they are next reached.`] : []),
    ...revoked.devices
      .filter((d) => d.serves.length > 0)
      .map((d) => `${d.name} goes on serving ${d.serves.join(', ')}, which ${revoked.name} deployed, until you deploy something else or roll it back.`),
  ]);
}

async function administrators({ client, output }: Context): Promise<void> {
  const [all, joined] = [await client.administrators.list(), await client.administrators.memberships()];
  output.result({ administrators: all, memberships: joined }, [
    ...(all.length === 0
      ? ['Nobody else may manage the devices of this workspace.']
      : table(['Administrator', 'State', 'Until', 'Fingerprint', 'Devices'], all.map(row))),
    ...(joined.length === 0 ? [] : ['', ...table(['Joined workspace', 'State', 'Until', 'Fingerprint', 'Devices'], joined.map(memberRow))]),
  ]);
}

function row(one: Administrator): string[] {
  const told = one.devices.filter((d) => d.told).length;
  const came = one.devices.filter((d) => d.seenAt !== undefined).length;
  const devices = one.state === 'revoked' ? `${told} of ${one.devices.length} know` : `came to ${came} of ${one.devices.length}`;
  return [one.name, one.state, day(one.until), one.fingerprint.slice(0, 16), devices];
}

function memberRow(one: Membership): string[] {
  return [one.name, one.state, day(one.until), one.fingerprint.slice(0, 16), one.devices.join(', ')];
}

function day(at: number | undefined): string {
  return at === undefined ? '' : new Date(at).toISOString().slice(0, 16).replace('T', ' ');
}

function wrongKind(read: ReadAdministratorFile, wanted: 'identity' | 'grant'): EdgewrightError {
  return new EdgewrightError({
    code: 'trust.administrator-file',
    message: 'This is not the file that was expected.',
    expected:
      wanted === 'identity' ? 'an identity: edgewright workspace identity, on the other laptop' : 'a grant: edgewright workspace grant, on the other laptop',
    found: read.kind === 'identity' ? `the identity of ${read.name}` : `a grant of ${read.name}`,
    owner: 'input',
  });
}
