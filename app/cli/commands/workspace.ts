import { type Command, Option } from 'commander';
import { EdgewrightError, formatBytes, type Keys } from '#contract';
import { userPath, workspaceHome } from '#core/platform';
import type { Restored } from '#engine';
import { askNewSecret, askSecret } from '../ask-secret.ts';
import { action, type Context, wantsJson } from '../command.ts';
import { onInterrupt } from '../interrupt.ts';
import { createOutput } from '../output.ts';
import { progressLine, withProgress } from '../progress.ts';
import { addAdministrators } from './administrators.ts';

export function addWorkspace(program: Command): void {
  const workspace = program.command('workspace').description("The workspace's keys, its backup, and who else may manage its devices");

  workspace
    .command('keys')
    .description('How the private keys are kept; with an option, keep them another way')
    .addOption(new Option('--set-passphrase', 'in a file that a passphrase locks').conflicts(['removePassphrase', 'moveTo']))
    .addOption(new Option('--remove-passphrase', 'in a file that only this user can read').conflicts('moveTo'))
    .addOption(new Option('--move-to <store>', 'in the keychain of the operating system, or in a file').choices(['keychain', 'file']))
    .option('--passphrase-file <file>', 'file with the new passphrase, readable by you only, instead of asking for it')
    .action(action(keys));

  workspace
    .command('unlock')
    .option('--passphrase-file <file>', 'file with the passphrase, readable by you only, instead of asking for it')
    .description('Unlock the private keys for the running engine')
    .action(action(unlock));

  workspace
    .command('backup')
    .argument('<file>', 'where to')
    .option('--without-bundles', 'keys, who is trusted, devices, deployments, trials, settings and the audit log only')
    .option('--passphrase-file <file>', 'file with the passphrase, readable by you only, instead of asking for it')
    .description('Write one encrypted file that brings this workspace back on any computer')
    .action(action(backup));

  workspace
    .command('restore')
    .argument('<file>', 'what backup wrote')
    .option('--replace', 'move a workspace that is there aside; nothing of it is deleted')
    .option('--passphrase-file <file>', 'file with the passphrase, readable by you only, instead of asking for it')
    .description('Bring a workspace back: whole, or not at all')
    .action(restore);

  addAdministrators(workspace);
}

interface KeysOptions {
  setPassphrase?: boolean;
  removePassphrase?: boolean;
  moveTo?: 'keychain' | 'file';
  passphraseFile?: string;
}

async function keys({ client, output }: Context, options: KeysOptions): Promise<void> {
  const to = options.setPassphrase ? 'passphrase' : options.removePassphrase || options.moveTo === 'file' ? 'plain' : options.moveTo;
  if (to === undefined) {
    const now = await client.workspace.keys();
    return output.result({ ...now }, describe(now));
  }
  const before = await client.workspace.keys();
  if (options.removePassphrase && before.protection !== 'passphrase') {
    throw new EdgewrightError({
      code: 'usage.no-passphrase',
      message: `There is no passphrase to remove: the keys are kept in ${before.store}.`,
      owner: 'usage',
    });
  }
  const passphrase = to === 'passphrase' ? await newPassphrase(options.passphraseFile, 'passphrase for the private keys') : undefined;
  const { problem, ...kept } = await client.workspace.keep({ to, ...(passphrase !== undefined && { passphrase }) });
  if (problem !== undefined) output.note(problem);
  output.result({ ...kept, ...(problem !== undefined && { problem }) }, describe(kept));
}

async function unlock({ client, output, engine }: Context, options: { passphraseFile?: string }): Promise<void> {
  if (!engine) {
    throw new EdgewrightError({
      code: 'usage.no-engine',
      message: 'No engine runs on this workspace, so there is nothing to unlock.',
      hint: 'Commands ask for the passphrase when they need it.',
      owner: 'usage',
    });
  }
  const before = await client.workspace.keys();
  const passphrase = before.unlocked || before.protection !== 'passphrase' ? undefined : await givenPassphrase(options.passphraseFile);
  const now = await client.workspace.unlock(passphrase === undefined ? {} : { passphrase });
  output.result({ ...now }, describe(now));
}

async function backup(context: Context, file: string, options: { withoutBundles?: boolean; passphraseFile?: string }): Promise<void> {
  const { client, output, signal } = context;
  const passphrase = await newPassphrase(options.passphraseFile, 'passphrase for the backup');
  const request = { path: userPath(file), passphrase, withoutBundles: options.withoutBundles ?? false };
  const done = await withProgress(context, (jobId) => client.workspace.backup({ ...request, jobId }, { signal }));
  output.result({ ...done }, [
    `Backed up to ${done.file}: ${formatBytes(done.bytes)}, ${done.files} files${done.bundles ? '' : ', without the bundles'}.`,
    'Without its passphrase nobody can open it, and nobody can give it back to you.',
    ...done.altered.map((digest) => `${digest} has rotted in the store; what needs it will be quarantined. See edgewright store verify.`),
  ]);
}

/** Without a connection: it must not make the workspace that it is about to bring. */
async function restore(file: string, options: { replace?: boolean; passphraseFile?: string }, command: Command): Promise<void> {
  const output = createOutput(wantsJson(command));
  const passphrase = await givenPassphrase(options.passphraseFile);
  if (passphrase === undefined) throw noTerminal();
  const { restoreWorkspace } = await import('#engine');
  const abort = new AbortController();
  const release = onInterrupt(() => abort.abort());
  const line = progressLine(output.json);
  try {
    const done = await restoreWorkspace({
      home: workspaceHome(),
      file: userPath(file),
      passphrase,
      replace: options.replace ?? false,
      actor: 'command line',
      signal: abort.signal,
      onProgress: (step, fraction) => line.show({ title: step, step, ...(fraction !== undefined && { progress: fraction }) }),
    });
    line.clear();
    output.result({ ...done }, describeRestored(done));
  } catch (error) {
    if (abort.signal.aborted)
      throw new EdgewrightError({ code: 'cancelled', message: 'Cancelled. Nothing was written.', owner: 'cancelled' }, { cause: error });
    throw error;
  } finally {
    line.clear();
    release();
  }
}

function describeRestored(done: Restored): string[] {
  return [
    `Restored workspace ${done.workspaceId} at ${done.home}, as it was at ${new Date(done.createdAt).toISOString()}.`,
    `Private keys: in ${done.keyStore}. ${done.bundles.length} bundles.`,
    ...(done.aside === undefined ? [] : [`The workspace that was there lies at ${done.aside}.`]),
    ...done.warnings,
  ];
}

function describe(keys: Keys): string[] {
  const locked = keys.unlocked ? '' : ', locked now';
  const other =
    keys.keychain === undefined
      ? 'No keychain of the operating system can be reached from here.'
      : keys.protection === 'keychain'
        ? undefined
        : `They could be kept in ${keys.keychain}: edgewright workspace keys --move-to keychain`;
  return [
    `Private keys: in ${keys.store}${keys.protection === 'plain' ? ', no passphrase' : ''}${locked}.`,
    ...(other === undefined ? [] : [other]),
    `Workspace ${keys.workspaceId}, signing key ${keys.fingerprint}`,
  ];
}

/** A passphrase that exists already: from the file, else typed. undefined where nobody can be asked. */
export async function givenPassphrase(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return askSecret('Passphrase');
  const { readPassphraseFile } = await import('#core/trust');
  return readPassphraseFile(userPath(file));
}

/** A new passphrase: from the file, else typed twice. @throws usage.no-terminal, usage.passphrase-weak */
export async function newPassphrase(file: string | undefined, what: string): Promise<string> {
  const { checkNewPassphrase, readPassphraseFile } = await import('#core/trust');
  const passphrase = file === undefined ? await askNewSecret(what) : await readPassphraseFile(userPath(file));
  if (passphrase === undefined) throw noTerminal();
  checkNewPassphrase(passphrase);
  return passphrase;
}

function noTerminal(): EdgewrightError {
  return new EdgewrightError({
    code: 'usage.no-terminal',
    message: 'There is no terminal to ask for a passphrase on.',
    hint: 'Name a file that only you can read: --passphrase-file FILE.',
    owner: 'usage',
  });
}
