import { type Command, Option } from 'commander';
import { EdgewrightError, type Keys } from '#contract';
import { userPath } from '#core/platform';
import { askNewSecret, askSecret } from '../ask-secret.ts';
import { action, type Context } from '../command.ts';

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
  if (passphrase === undefined) {
    throw new EdgewrightError({
      code: 'usage.no-terminal',
      message: 'There is no terminal to ask for a passphrase on.',
      hint: 'Name a file that only you can read: --passphrase-file FILE.',
      owner: 'usage',
    });
  }
  checkNewPassphrase(passphrase);
  return passphrase;
}
