/** The workspace as a whole: how its keys are kept. */
import { asEdgewrightError, type Keys } from '#contract';
import { type Keyring, systemKeychain } from '#core/trust';
import type { Changes } from './changes.ts';
import type { RecordAct, Write } from './service.ts';
import { unlockKeys } from './unlock.ts';

export interface WorkspaceDeps {
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
}
