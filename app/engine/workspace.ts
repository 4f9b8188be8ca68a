/** The workspace as a whole: how its keys are kept, and its backup. */
import { asEdgewrightError, type BackupResult, type Keys } from '#contract';
import type { BlobStore } from '#core/bundles';
import { type Keyring, systemKeychain } from '#core/trust';
import { writeBackup } from './backup/backup.ts';
import type { Changes } from './changes.ts';
import type { Jobs } from './jobs.ts';
import type { RecordAct, Write } from './service.ts';
import { unlockKeys } from './unlock.ts';

export interface WorkspaceDeps {
  home: string;
  tempDir: string;
  store: BlobStore;
  jobs: Jobs;
  keyring: Keyring;
  changes: Changes;
  write: Write;
  record: RecordAct;
}

export class Workspace {
  readonly #deps: WorkspaceDeps;

  constructor(deps: WorkspaceDeps) {
    this.#deps = deps;
  }

  keys(): Keys {
    const { keyring } = this.#deps;
    const keychain = systemKeychain()?.name;
    return {
      protection: keyring.protection,
      store: keyring.keyStore,
      unlocked: keyring.unlocked,
      workspaceId: keyring.workspaceId,
      fingerprint: keyring.fingerprint,
      publicKey: keyring.publicKeyPem,
      ...(keychain !== undefined && { keychain }),
    };
  }

  /** @throws trust.wrong-passphrase, machine.keys-locked, machine.keychain* */
  async unlock(passphrase: string | undefined, actor: string): Promise<Keys> {
    const { keyring, changes, record } = this.#deps;
    if (keyring.unlocked) return this.keys();
    try {
      await unlockKeys(keyring, async () => passphrase);
    } catch (error) {
      record(actor, 'keys.not-unlocked', `The private keys stay locked: ${asEdgewrightError(error).message}`);
      throw error;
    }
    record(actor, 'keys.unlocked', `Unlocked the private keys in ${keyring.keyStore}`);
    changes.publish('status');
    return this.keys();
  }

  /** Keeps the private keys another way, whole or not at all. @throws see Keyring.keep */
  keep(request: { to: Keys['protection']; passphrase?: string | undefined }, actor: string): Promise<Keys & { problem?: string }> {
    const { keyring, changes, write, record } = this.#deps;
    return write('keeping the keys another way', async () => {
      const { problem } = await keyring.keep(request.to, request.passphrase);
      record(actor, 'keys.kept', `Private keys are now kept in ${keyring.keyStore}`);
      changes.publish('status');
      return { ...this.keys(), ...(problem !== undefined && { problem }) };
    });
  }

  /** @throws see writeBackup */
  backup(
    request: { path: string; passphrase: string; withoutBundles: boolean; jobId?: string | undefined },
    actor: string,
    signal?: AbortSignal,
  ): Promise<BackupResult> {
    const { home, tempDir, store, keyring, jobs, write, record } = this.#deps;
    const work = async () => {
      const what = { kind: 'backup', title: `Back up the workspace to ${request.path}`, id: request.jobId } as const;
      const done = await jobs.run(what, signal, (control) =>
        writeBackup({ home, keyring, store, tempDir }, { path: request.path, passphrase: request.passphrase, bundles: !request.withoutBundles }, control),
      );
      record(actor, 'workspace.backed-up', `Backed up the workspace to ${done.file}${done.bundles ? '' : ', without its bundles'}`, { digest: done.digest });
      return done;
    };
    return write('backing up the workspace', work, signal);
  }
}
