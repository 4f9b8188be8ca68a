/** `provider`: execution providers that do not come with Edgewright. */
import type { Command } from 'commander';
import { type ErrorBody, formatBytes, type PackIndex, packNeeds, type PackVerdict, type ProviderPack } from '#contract';
import { proxiesOfEnvironment, userPath } from '#core/platform';
import { action, type Context, setExitCode } from '../command.ts';
import { table } from '../output.ts';
import { readPemFile } from '../pem-file.ts';
import { withProgress } from '../progress.ts';

interface IndexFlags {
  index?: string;
  caFile?: string;
}

export function addProvider(program: Command): void {
  const provider = program.command('provider').description('Execution providers that do not come with Edgewright, such as CUDA');
  provider
    .command('list')
    .description('What is installed, what can be had for this computer, and what the driver must be')
    .action(
      action(async ({ client, output }: Context) => {
        const packs = await client.providers.list();
        output.result({ packs }, packs.length === 0 ? ['There is no provider pack for this computer.'] : packs.flatMap(describePack));
      }),
    );
  withIndex(provider.command('install'))
    .argument('<name>', 'cuda')
    .option('--from <file>', 'take it from a file made by provider fetch, or a folder with the wheels; no network is asked')
    .description('Fetch, check and install a pack for exactly this ONNX Runtime; goes on where an earlier try stopped')
    .action(
      action(async (context: Context, name: string, flags: IndexFlags & { from?: string }) => {
        const { client, output, signal } = context;
        const about = (await client.providers.list()).find((pack) => pack.name === name && pack.state === 'available');
        if (about) for (const line of announce(about, flags.from)) output.note(line);
        const source = flags.from === undefined ? await indexOf(flags) : { from: userPath(flags.from) };
        const pack = await withProgress(context, (jobId) => client.providers.install({ name, ...source, jobId }, { signal }));
        output.result(pack, [
          `Installed ${pack.title} for ONNX Runtime ${pack.onnxruntime} (${formatBytes(pack.installedBytes)}).`,
          'See whether it works: edgewright hardware --fresh',
        ]);
      }),
    );
  withIndex(provider.command('fetch'))
    .argument('<name>', 'cuda')
    .argument('<file>', 'the file to write')
    .description('Fetch a pack into one file, to install it on a computer without a network')
    .action(
      action(async (context: Context, name: string, file: string, flags: IndexFlags) => {
        const { client, output, signal } = context;
        const index = await indexOf(flags);
        const fetched = await withProgress(context, (jobId) => client.providers.fetch({ name, file: userPath(file), ...index, jobId }, { signal }));
        output.result(fetched, [`Wrote ${fetched.file} (${formatBytes(fetched.bytes)}).`, `There: edgewright provider install ${name} --from FILE`]);
      }),
    );
  provider
    .command('verify')
    .argument('<name>', 'cuda')
    .description('Read every file of an installed pack again')
    .action(
      action(async (context: Context, name: string) => {
        const { client, output, signal } = context;
        const verdict = await withProgress(context, (jobId) => client.providers.verify({ name, jobId }, { signal }));
        const failure = damaged(verdict);
        if (failure) setExitCode(5);
        const lines = failure
          ? [failure.message, ...verdict.damage.map(({ file, problem }) => `  ${file} ${problem}.`), `  ${failure.hint}`]
          : [`All ${verdict.files} files (${formatBytes(verdict.bytes)}) are as they were installed.`];
        output.result({ ...verdict }, lines, failure);
      }),
    );
  provider
    .command('remove')
    .argument('<name>', 'cuda')
    .description('Remove an installed pack')
    .action(
      action(async ({ client, output }: Context, name: string) => {
        const removed = await client.providers.remove({ name });
        output.result(removed, [`Removed ${name} (${formatBytes(removed.freedBytes)} freed).`]);
      }),
    );
}

function damaged({ ok, name, damage }: PackVerdict): ErrorBody | undefined {
  if (ok) return undefined;
  return {
    code: 'provider.damaged',
    message: `The provider pack ${name} is not what was installed: ${damage.length} of its files.`,
    hint: `edgewright provider remove ${name}, then install it again.`,
    owner: 'trust',
  };
}

function withIndex(command: Command): Command {
  return command
    .option('--index <url>', 'a Python package index to fetch from; else PIP_INDEX_URL, else the public one')
    .option('--ca-file <file>', 'certificates of a private authority, PEM');
}

async function indexOf(flags: IndexFlags): Promise<PackIndex> {
  const index = flags.index ?? process.env.PIP_INDEX_URL;
  return {
    ...(index !== undefined && index !== '' && { index }),
    ...(flags.caFile !== undefined && { ca: await readPemFile(flags.caFile) }),
    proxies: proxiesOfEnvironment(),
  };
}

/** What a person should know before so much is fetched. */
function announce(pack: ProviderPack, from: string | undefined): string[] {
  const needs = packNeeds(pack);
  return [
    `${from === undefined ? `Fetching ${formatBytes(pack.downloadBytes)}` : `Installing from ${from}`}; ${formatBytes(pack.installedBytes)} on the disk once installed.`,
    ...(needs === undefined ? [] : [`Needs: ${needs}.`]),
    ...(pack.licence ? [`Licences: ${pack.licence.title} – ${pack.licence.url}`] : []),
  ];
}

function describePack(pack: ProviderPack): string[] {
  const needs = packNeeds(pack);
  const state = {
    installed: `installed (${formatBytes(pack.installedBytes)})`,
    available: `not installed (${formatBytes(pack.downloadBytes)} to fetch)`,
    outdated: `of no use: it is for ONNX Runtime ${pack.onnxruntime}`,
  }[pack.state];
  const rows: [string, string][] = [
    ['Pack', `${pack.name}: ${pack.title}`],
    ['State', state],
    ...(needs === undefined ? [] : [['Needs', needs] as [string, string]]),
    ...(pack.folder === undefined ? [] : [['Folder', pack.folder] as [string, string]]),
  ];
  return [...table(['', ''], rows).slice(1), ''];
}
