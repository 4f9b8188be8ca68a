/**
 * `keyring.json`: one file, so that the keys of a workspace come into being, change their protection and are put back all or
 * none. Its public part can always be read; its private part is plain (the file's mode protects it), or sealed under a key
 * that the keychain holds, or under one made of a passphrase.
 */
import { createPrivateKey, createPublicKey, type KeyObject, randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { z } from 'zod';
import { EdgewrightError } from '#contract';
import { readFileIfThere } from '#core/platform';
import { belongsTo, createCa, type Issuer, issueWorkspaceCertificate } from './certificates.ts';
import { distrust } from './errors.ts';
import { type Keychain } from './key-store/keychain.ts';
import { newSalt, passphraseKey, SALT_BYTES } from './key-store/passphrase.ts';
import { SEAL_KEY_BYTES, SealedSchema, seal, unseal } from './key-store/sealed.ts';
import { fingerprintOf, generateP256, readPublicKey } from './keys.ts';
import { MAX_KEYRING_BYTES, MAX_PEM_BYTES, SCRYPT_LOG_N } from './limits.ts';

const Pem = z.string().min(1).max(MAX_PEM_BYTES);
const WorkspaceId = z.string().regex(/^[0-9a-f]{32}$/);

/** PKCS#8 PEM of the three private keys. */
const SecretsSchema = z.object({ signing: Pem, ca: Pem, client: Pem });
export type Secrets = z.infer<typeof SecretsSchema>;

const PublicSchema = z.object({
  workspaceId: WorkspaceId,
  createdAt: z.number().int(),
  /** SubjectPublicKeyInfo. */
  signer: Pem,
  caCertificate: Pem,
  clientCertificate: Pem,
});

/** What stands beside the sealed private part and says how it is opened. */
const HowSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('keychain'), account: z.string().min(1).max(200) }),
  z.object({
    kind: z.literal('passphrase'),
    kdf: z.object({ name: z.literal('scrypt'), logN: z.number().int(), salt: z.base64().length(Math.ceil(SALT_BYTES / 3) * 4) }),
  }),
]);
type How = z.infer<typeof HowSchema>;

const FileSchema = z.object({
  format: z.literal(2),
  public: PublicSchema,
  private: z.union([z.object({ kind: z.literal('plain'), keys: SecretsSchema }), z.object({ how: HowSchema, sealed: SealedSchema })]),
});
export type KeyringFile = z.infer<typeof FileSchema>;

/** How the private part is kept. */
export type Protection = 'plain' | How['kind'];

/** Format 1 held everything in the clear; it is read only to be written anew. */
const OldFileSchema = z.object({
  format: z.literal(1),
  workspaceId: WorkspaceId,
  createdAt: z.number().int(),
  signing: z.object({ privateKeyPem: Pem }),
  ca: z.object({ privateKeyPem: Pem, certificatePem: Pem }),
  client: z.object({ privateKeyPem: Pem, certificatePem: Pem }),
});

/** The keys of a new workspace, unprotected so far. */
export async function createKeys(): Promise<KeyringFile> {
  const workspaceId = randomBytes(16).toString('hex');
  const signing = await generateP256();
  const ca = await createCa(workspaceId);
  const client = await issueWorkspaceCertificate(ca, workspaceId);
  return {
    format: 2,
    public: {
      workspaceId,
      createdAt: Date.now(),
      signer: signing.publicKey,
      caCertificate: ca.certificatePem,
      clientCertificate: client.certificatePem,
    },
    private: { kind: 'plain', keys: { signing: signing.privateKey, ca: ca.privateKeyPem, client: client.privateKeyPem } },
  };
}

export function protectionOf(file: KeyringFile): Protection {
  return 'kind' in file.private ? 'plain' : file.private.how.kind;
}

/**
 * Reads and checks the file. `old`: it is of the first format, and what is returned stands nowhere yet.
 * @throws trust.keyring-exposed when others can read it; trust.keyring-damaged when it cannot be used
 */
export async function readKeyringFile(path: string): Promise<{ file: KeyringFile; old: boolean } | undefined> {
  const bytes = await readFileIfThere(path, MAX_KEYRING_BYTES);
  if (!bytes) return undefined;
  await checkOwnerOnly(path);
  return parseKeyring(bytes, path);
}

/** @param where said in the message; nothing of the content ever is */
export function parseKeyring(bytes: Uint8Array, where: string): { file: KeyringFile; old: boolean } {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    // The parser's own words quote the text, and the text is secret.
    throw damaged(where, 'it is not JSON');
  }
  const now = FileSchema.safeParse(value);
  const before = now.success ? undefined : OldFileSchema.safeParse(value);
  const issue = now.error?.issues[0];
  if (!now.success && !before?.success) throw damaged(where, `its field ${issue?.path.join('.') || '(whole)'} is wrong`);
  const file = now.success ? now.data : fromOld(before?.data, where);
  try {
    readPublicKey(file.public.signer);
    if ('kind' in file.private) openSecrets(file, file.private.keys, where);
  } catch {
    throw damaged(where, 'its keys and certificates do not belong together');
  }
  return { file, old: !now.success };
}

function fromOld(old: z.infer<typeof OldFileSchema> | undefined, where: string): KeyringFile {
  if (!old) throw damaged(where, 'its form is unknown');
  let signer: string;
  try {
    signer = createPublicKey(createPrivateKey(old.signing.privateKeyPem)).export({ type: 'spki', format: 'pem' }).toString();
  } catch {
    throw damaged(where, 'its signing key cannot be read');
  }
  return {
    format: 2,
    public: {
      workspaceId: old.workspaceId,
      createdAt: old.createdAt,
      signer,
      caCertificate: old.ca.certificatePem,
      clientCertificate: old.client.certificatePem,
    },
    private: { kind: 'plain', keys: { signing: old.signing.privateKeyPem, ca: old.ca.privateKeyPem, client: old.client.privateKeyPem } },
  };
}

/** Windows keeps the user's profile private by its own access lists; mode bits mean nothing there. */
async function checkOwnerOnly(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const mode = (await stat(path)).mode & 0o777;
  if ((mode & 0o077) === 0) return;
  throw distrust('keyring-exposed', `Other users can read the private keys in ${path}.`, {
    expected: 'mode 600',
    found: `mode ${mode.toString(8)}`,
    hint: `If nobody else could have copied them, run: chmod 600 ${path}`,
  });
}

/** The private keys, ready to be used. */
export interface OpenKeys {
  signingKey: KeyObject;
  ca: Issuer;
  clientKeyPem: string;
}

/** @throws trust.keyring-damaged when a private key is not that of the public part: two restores must not be mixed */
export function openSecrets({ public: known }: KeyringFile, secrets: Secrets, where: string): OpenKeys {
  const apart = () => damaged(where, 'its keys and certificates do not belong together');
  try {
    const signingKey = createPrivateKey(secrets.signing);
    const caKey = createPrivateKey(secrets.ca);
    const whole =
      fingerprintOf(signingKey) === fingerprintOf(createPublicKey(known.signer)) &&
      belongsTo(known.caCertificate, caKey) &&
      belongsTo(known.clientCertificate, createPrivateKey(secrets.client));
    if (!whole) throw apart();
    const publicKeyPem = createPublicKey(caKey).export({ type: 'spki', format: 'pem' }).toString();
    return { signingKey, ca: { privateKeyPem: secrets.ca, publicKeyPem, certificatePem: known.caCertificate }, clientKeyPem: secrets.client };
  } catch {
    throw apart();
  }
}

/** What opens, or is to close, the private part. */
export interface Means {
  keychain?: Keychain | undefined;
  passphrase?: string | undefined;
}

/**
 * The private keys as PEM.
 * @throws machine.keys-locked without a passphrase; trust.wrong-passphrase; machine.keychain*; trust.keyring-damaged
 */
export async function reveal(file: KeyringFile, means: Means, where: string): Promise<Secrets> {
  if ('kind' in file.private) return file.private.keys;
  const { how, sealed } = file.private;
  const key = how.kind === 'keychain' ? await keychainKey(how.account, means.keychain) : await typedKey(how, means.passphrase);
  const plain = unseal(key, sealed, aboutOf(file.public, how));
  if (!plain && how.kind === 'passphrase') {
    throw distrust('wrong-passphrase', 'The passphrase is wrong, or the file with the keys was altered.', { hint: 'Type it again.' });
  }
  if (!plain) throw damaged(where, 'it was altered, or belongs to another entry of the keychain');
  try {
    return SecretsSchema.parse(JSON.parse(plain.toString('utf8')));
  } catch {
    throw damaged(where, 'what it seals is not readable');
  }
}

/**
 * The file with its private part kept another way. With `keychain` a new entry is made there, which holds nothing but the
 * key: an entry whose file was never written is of no use to anybody.
 * @throws machine.keychain when it cannot be kept there
 */
export async function protect(file: KeyringFile, secrets: Secrets, to: Protection, means: Means): Promise<KeyringFile> {
  const { format, public: known } = file;
  if (to === 'plain') return { format, public: known, private: { kind: 'plain', keys: secrets } };
  const plain = Buffer.from(JSON.stringify(secrets));
  let key: Buffer;
  let how: How;
  if (to === 'keychain') {
    if (!means.keychain) throw noKeychain();
    key = randomBytes(SEAL_KEY_BYTES);
    how = { kind: 'keychain', account: `workspace ${known.workspaceId} ${randomBytes(8).toString('hex')}` };
    await means.keychain.put(how.account, key);
  } else {
    if (means.passphrase === undefined) throw new Error('no passphrase was given');
    const salt = newSalt();
    how = { kind: 'passphrase', kdf: { name: 'scrypt', logN: SCRYPT_LOG_N, salt: salt.toString('base64') } };
    key = await passphraseKey(means.passphrase, salt, SCRYPT_LOG_N);
  }
  return { format, public: known, private: { how, sealed: seal(key, plain, aboutOf(known, how)) } };
}

/** The entry of the keychain that this file needs. */
export function keychainAccount(file: KeyringFile): string | undefined {
  return 'how' in file.private && file.private.how.kind === 'keychain' ? file.private.how.account : undefined;
}

/** Everything that is not sealed is authenticated: neither the certificates nor the cost of the passphrase can be exchanged. */
function aboutOf(known: KeyringFile['public'], how: How): string {
  return JSON.stringify(['edgewright keyring', 2, known.workspaceId, known.createdAt, known.signer, known.caCertificate, known.clientCertificate, how]);
}

async function keychainKey(account: string, keychain: Keychain | undefined): Promise<Buffer> {
  if (!keychain) {
    throw new EdgewrightError({
      code: 'machine.no-keychain',
      message: "This workspace's private keys are in the keychain of the desktop, which cannot be reached from here.",
      hint: 'Log in to the desktop of this computer and run it there. To do without the desktop from then on, run there once: edgewright workspace keys --move-to file.',
      owner: 'machine',
    });
  }
  const key = await keychain.get(account);
  if (key?.length === SEAL_KEY_BYTES) return key;
  throw new EdgewrightError({
    code: 'machine.keychain-empty',
    message: `The key to this workspace's private keys is not in ${keychain.name} any more.`,
    hint: 'Restore the workspace from a backup: edgewright workspace restore FILE.',
    owner: 'machine',
  });
}

function noKeychain(): EdgewrightError {
  return new EdgewrightError({
    code: 'machine.no-keychain',
    message: 'No keychain of the operating system can be reached from here.',
    hint: 'Log in to the desktop of this computer and run it there. Nothing was changed.',
    owner: 'machine',
  });
}

async function typedKey(how: Extract<How, { kind: 'passphrase' }>, passphrase: string | undefined): Promise<Buffer> {
  if (passphrase === undefined) throw lockedError('passphrase');
  return passphraseKey(passphrase, Buffer.from(how.kdf.salt, 'base64'), how.kdf.logN);
}

/** Said by whatever needs the private keys before they are unlocked. */
export function lockedError(by: Protection): EdgewrightError {
  return new EdgewrightError({
    code: 'machine.keys-locked',
    message: by === 'passphrase' ? "This workspace's private keys are locked by a passphrase." : "This workspace's private keys are still in the keychain.",
    hint:
      by === 'passphrase'
        ? 'In the window: Unlock, at the bottom. A command asks for it in a terminal, or takes it from a file that only you can read (EDGEWRIGHT_PASSPHRASE_FILE); edgewright workspace unlock unlocks an engine that runs.'
        : 'Unlock them: edgewright workspace unlock.',
    owner: 'machine',
  });
}

/** Never with a cause: what the libraries say of a key may quote it. */
function damaged(where: string, found: string): EdgewrightError {
  return distrust('keyring-damaged', `The keys in ${where} cannot be used.`, {
    found,
    hint: 'Restore the workspace from a backup (edgewright workspace restore FILE). New keys would not be trusted by your devices.',
  });
}
