/** Unlocks the private keys by what is at hand, asking a person last. */
import { asEdgewrightError } from '#contract';
import { userPath } from '#core/platform';
import { type Keyring, readPassphraseFile } from '#core/trust';

/** Asks a person; undefined where there is none. */
export type AskPassphrase = () => Promise<string | undefined>;

/**
 * The keychain gives the key out by itself; a passphrase comes from the file that EDGEWRIGHT_PASSPHRASE_FILE names, else from
 * a person. (A variable that holds the passphrase itself is not taken: children and `ps` would see it.)
 * @throws machine.keys-locked when there is nothing to unlock them with; trust.wrong-passphrase; machine.keychain*
 */
export async function unlockKeys(keyring: Keyring, ask?: AskPassphrase): Promise<void> {
  if (keyring.unlocked) return;
  if (keyring.protection !== 'passphrase') return keyring.unlock();
  const file = process.env.EDGEWRIGHT_PASSPHRASE_FILE;
  await keyring.unlock(file ? await readPassphraseFile(userPath(file)) : await ask?.());
}

/**
 * The same where going on without them is possible: what needs them says later why it cannot have them. A wrong passphrase
 * or a file that others can read is said at once.
 */
export async function tryUnlock(keyring: Keyring, ask?: AskPassphrase): Promise<void> {
  try {
    await unlockKeys(keyring, ask);
  } catch (error) {
    if (asEdgewrightError(error).owner !== 'machine') throw error;
  }
}
