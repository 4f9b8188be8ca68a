/**
 * The workspace's keys: one for bundle signatures, one for its certificate authority, one for its own client certificate.
 * Whoever only reads needs their public halves, which are always at hand; the private ones are there once it is unlocked.
 */
import { createPublicKey, sign } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { acquireLock, ensureDir, TEMP_PREFIX, writeFileAtomic } from '#core/platform';
import { createRequest, issueAdministratorCertificate, issueForRequest } from './certificates.ts';
import { type Keychain, systemKeychain } from './key-store/keychain.ts';
import { checkNewPassphrase } from './key-store/passphrase.ts';
import {
  createKeys,
  keychainAccount,
  type KeyringFile,
  lockedError,
  type Means,
  type OpenKeys,
  openSecrets,
  protect,
  type Protection,
  protectionOf,
  readKeyringFile,
  reveal,
  type Secrets,
} from './keyring-file.ts';
import { fingerprintOf } from './keys.ts';
import { KEYRING_WAIT_MS } from './limits.ts';

const FILE = 'keyring.json';
const OWNER_ONLY = 0o600;

export interface Keyring {
  readonly workspaceId: string;
  /** How the private keys are kept. */
  readonly protection: Protection;
  /** The same, in words for the person. */
  readonly keyStore: string;
  /** The public half of the signing key, as SubjectPublicKeyInfo. */
  readonly publicKeyPem: string;
  /** Hex SHA-256 of that key's DER. */
  readonly fingerprint: string;
  readonly caCertificatePem: string;

  /** Whether the private keys can be used. What needs them throws machine.keys-locked, or why the keychain did not give them, until then. */
  readonly unlocked: boolean;
  /**
   * Makes the private keys usable; does nothing when they are.
   * @throws machine.keys-locked when a passphrase is needed and none is given; trust.wrong-passphrase; machine.keychain*
   */
  unlock(passphrase?: string): Promise<void>;
  /** @throws why it is locked */
  checkUnlocked(): void;
  /** Resolves once it is unlocked, which may be never. */
  whenUnlocked(): Promise<void>;

  /** ECDSA P-256 over SHA-256 of `data`, DER-encoded. */
  sign(data: Uint8Array): Buffer;
  /** What the workspace shows, and whom it believes, when it talks to devices. */
  clientTls(): { cert: string; key: string; ca: string };
  /** @throws trust.request-refused; see issueForRequest */
  issueDeviceCertificate(csrPem: string, deviceId: string): Promise<string>;
  /** Asks another workspace's authority for a certificate for our TLS key, which stays what and where it is. PKCS#10 in PEM. */
  certificateRequest(): Promise<string>;
  /** @throws trust.request-refused; see issueAdministratorCertificate */
  issueAdministratorCertificate(csrPem: string, about: { requester: string; key: string; issuedAt: number; until: number }): Promise<string>;

  /**
   * Keeps the private keys another way, whole or not at all. They must be unlocked.
   * @param passphrase the new one, where that is the way
   * @returns what went wrong afterwards: the keys are kept the new way in any case
   * @throws usage.passphrase-weak, machine.no-keychain, machine.keychain
   */
  keep(to: Protection, passphrase?: string): Promise<{ problem?: string }>;
  /** Keeps plain keys as this computer keeps new ones: in the keychain where one takes them. */
  settle(): Promise<void>;
  /** The whole file with its private part in the clear, for a backup that encrypts it. They must be unlocked. */
  exportPlain(): Buffer;
}

export interface KeyringOptions {
  /** Where new keys go, and those of the first format: `auto` is the keychain where one answers, else a file. */
  store?: 'auto' | 'file' | 'keychain' | undefined;
  /** undefined: this machine has none. */
  keychain?: Keychain | undefined;
}

/**
 * Opens the keyring in `dir`, creating it on first use. Several processes may do so at once: one creates, all read the same.
 * Keys that are kept plain are unlocked at once.
 * @throws trust.keyring-exposed when others can read the file; trust.keyring-damaged when it cannot be used
 */
export async function openKeyring(dir: string, options: KeyringOptions = {}): Promise<Keyring> {
  const path = join(dir, FILE);
  const means: Means = { keychain: 'keychain' in options ? options.keychain : systemKeychain() };
  const there = await readKeyringFile(path);
  if (there && !there.old) return keyringOf(path, there.file, options, means);
  await ensureDir(dir);
  return inTurn(dir, 'creating the keys', async () => {
    const meanwhile = await readKeyringFile(path);
    if (meanwhile && !meanwhile.old) return keyringOf(path, meanwhile.file, options, means);
    const plain = meanwhile?.file ?? (await createKeys());
    const kept = await settle(plain, storeOf(options), means);
    await writeKeyring(path, kept);
    return keyringOf(path, kept, options, means, secretsOf(plain));
  });
}

/** Automated tests and machines that must never ask a person set EDGEWRIGHT_KEY_STORE. */
function storeOf(options: KeyringOptions): 'auto' | 'file' | 'keychain' {
  const said = options.store ?? process.env.EDGEWRIGHT_KEY_STORE;
  return said === 'file' || said === 'keychain' ? said : 'auto';
}

/** New keys go to the keychain where it takes them; where it does not, a file that only this user can read serves as well. */
async function settle(file: KeyringFile, store: 'auto' | 'file' | 'keychain', means: Means): Promise<KeyringFile> {
  const secrets = secretsOf(file);
  if (store === 'file' || !secrets || (store === 'auto' && !means.keychain)) return file;
  try {
    return await protect(file, secrets, 'keychain', means);
  } catch (error) {
    if (store === 'keychain') throw error;
    return file;
  }
}

function secretsOf(file: KeyringFile): Secrets | undefined {
  return 'kind' in file.private ? file.private.keys : undefined;
}

async function writeKeyring(path: string, file: KeyringFile): Promise<void> {
  await writeFileAtomic(path, keyringText(file), { mode: OWNER_ONLY });
}

function keyringText(file: KeyringFile): string {
  return `${JSON.stringify(file, null, 2)}\n`;
}

async function inTurn<T>(dir: string, what: string, work: () => Promise<T>): Promise<T> {
  const lock = await acquireLock(join(dir, 'keyring.lock'), { what, waitMs: KEYRING_WAIT_MS });
  try {
    // Only a holder of the lock writes the file: a temporary one is left from a kill, and may hold keys in the clear.
    for (const name of await readdir(dir)) if (name.startsWith(`${TEMP_PREFIX}${FILE}`)) await rm(join(dir, name), { force: true });
    return await work();
  } finally {
    await lock.release();
  }
}

function words(protection: Protection, means: Means): string {
  switch (protection) {
    case 'plain':
      return 'a file only this user can read';
    case 'keychain':
      return means.keychain?.name ?? 'the keychain of the operating system';
    case 'passphrase':
      return 'a file locked by a passphrase';
  }
}

function keyringOf(path: string, first: KeyringFile, options: KeyringOptions, means: Means, given?: Secrets): Keyring {
  let file = first;
  let secrets = given ?? secretsOf(first);
  let open: OpenKeys | undefined = secrets && openSecrets(file, secrets, path);
  let opening: Promise<void> | undefined;
  let refusal: Error | undefined;
  const opened = Promise.withResolvers<void>();
  if (open) opened.resolve();
  const { workspaceId, signer, caCertificate, clientCertificate } = file.public;

  async function unlock(passphrase: string | undefined): Promise<void> {
    try {
      const found = await reveal(file, { ...means, passphrase }, path);
      open = openSecrets(file, found, path);
      secrets = found;
      opened.resolve();
    } catch (error) {
      // A wrong passphrase is for whoever typed it: what needs the keys later finds them locked as before.
      if (passphrase === undefined) refusal = error instanceof Error ? error : undefined;
      throw error;
    }
  }

  /** @throws why they did not open by themselves, else machine.keys-locked */
  function keys(): OpenKeys {
    if (open) return open;
    throw refusal ?? lockedError(protectionOf(file));
  }

  return {
    workspaceId,
    get protection() {
      return protectionOf(file);
    },
    get keyStore() {
      return words(protectionOf(file), means);
    },
    publicKeyPem: signer,
    fingerprint: fingerprintOf(createPublicKey(signer)),
    caCertificatePem: caCertificate,
    get unlocked() {
      return open !== undefined;
    },
    async unlock(passphrase) {
      if (open) return;
      opening ??= unlock(passphrase).finally(() => {
        opening = undefined;
      });
      await opening;
    },
    checkUnlocked: () => void keys(),
    whenUnlocked: () => opened.promise,
    sign: (data) => sign('sha256', data, { key: keys().signingKey, dsaEncoding: 'der' }),
    clientTls: () => ({ cert: clientCertificate, key: keys().clientKeyPem, ca: caCertificate }),
    issueDeviceCertificate: async (csrPem, deviceId) => issueForRequest(keys().ca, csrPem, deviceId),
    async certificateRequest() {
      const { clientKeyPem } = keys();
      const publicKey = createPublicKey(clientKeyPem).export({ type: 'spki', format: 'pem' }).toString();
      return createRequest({ privateKey: clientKeyPem, publicKey }, workspaceId);
    },
    issueAdministratorCertificate: async (csrPem, about) => issueAdministratorCertificate(keys().ca, csrPem, { workspaceId, ...about }),
    async keep(to, passphrase) {
      keys();
      const held = secrets;
      if (!held) throw new Error('unlocked without its keys');
      if (to === 'passphrase') checkNewPassphrase(passphrase ?? '');
      return inTurn(join(path, '..'), 'keeping the keys another way', async () => {
        // Another process may have moved them since we read the file.
        const there = await readKeyringFile(path);
        const before = there && keychainAccount(there.file);
        const next = await protect(file, held, to, { ...means, passphrase });
        await writeKeyring(path, next);
        file = next;
        if (before === undefined) return {};
        const problem = await means.keychain?.remove(before).then(
          () => undefined,
          (error: unknown) => (error instanceof Error ? error.message : String(error)),
        );
        return problem === undefined ? {} : { problem: `The entry in ${words('keychain', means)} that is of no use any more was not removed: ${problem}` };
      });
    },
    async settle() {
      await inTurn(join(path, '..'), 'keeping the keys', async () => {
        const next = await settle(file, storeOf(options), means);
        if (next === file) return;
        await writeKeyring(path, next);
        file = next;
      });
    },
    exportPlain() {
      keys();
      if (!secrets) throw new Error('unlocked without its keys');
      const { format, public: known } = file;
      return Buffer.from(keyringText({ format, public: known, private: { kind: 'plain', keys: secrets } }));
    },
  };
}
