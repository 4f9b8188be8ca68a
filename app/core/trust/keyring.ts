/**
 * The workspace's keys: one for bundle signatures, one for its certificate authority, one for its own client certificate.
 * They live in one file that only this user can read, so that they come into being, and are backed up, all or none.
 */
import { createPrivateKey, createPublicKey, randomBytes, sign } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { acquireLock, ensureDir, readFileIfThere, writeFileAtomic } from '#core/platform';
import { belongsTo, createCa, type Issuer, issueForRequest, issueWorkspaceCertificate } from './certificates.ts';
import { distrust } from './errors.ts';
import { fingerprintOf, generateP256 } from './keys.ts';
import { KEYRING_WAIT_MS, MAX_KEYRING_BYTES, MAX_PEM_BYTES } from './limits.ts';

const FILE = 'keyring.json';
const OWNER_ONLY = 0o600;

const Pem = z.string().min(1).max(MAX_PEM_BYTES);
const KeyringFileSchema = z.object({
  format: z.literal(1),
  workspaceId: z.string().regex(/^[0-9a-f]{32}$/),
  createdAt: z.number().int(),
  signing: z.object({ privateKeyPem: Pem }),
  ca: z.object({ privateKeyPem: Pem, certificatePem: Pem }),
  client: z.object({ privateKeyPem: Pem, certificatePem: Pem }),
});
type KeyringFile = z.infer<typeof KeyringFileSchema>;

export interface Keyring {
  readonly workspaceId: string;
  /** Where the private keys are kept, in words for the person. */
  readonly keyStore: string;
  /** ECDSA P-256 over SHA-256 of `data`, DER-encoded. */
  sign(data: Uint8Array): Buffer;
  /** The public half of the signing key, as SubjectPublicKeyInfo. */
  readonly publicKeyPem: string;
  /** Hex SHA-256 of that key's DER. */
  readonly fingerprint: string;
  readonly caCertificatePem: string;
  /** What the workspace shows, and whom it believes, when it talks to devices. */
  clientTls(): { cert: string; key: string; ca: string };
  /** @throws trust.request-refused; see issueForRequest */
  issueDeviceCertificate(csrPem: string, deviceId: string): Promise<string>;
}

/**
 * Opens the keyring in `dir`, creating it on first use. Several processes may do so at once: one creates, all read the same.
 * @throws trust.keyring-exposed when others can read the file; trust.keyring-damaged when it cannot be used
 */
export async function openKeyring(dir: string): Promise<Keyring> {
  const path = join(dir, FILE);
  const there = await readKeyring(path);
  if (there) return there;
  await ensureDir(dir);
  const lock = await acquireLock(join(dir, 'keyring.lock'), { what: 'creating the keys', waitMs: KEYRING_WAIT_MS });
  try {
    const meanwhile = await readKeyring(path);
    if (meanwhile) return meanwhile;
    const fresh = await createKeys();
    await writeFileAtomic(path, `${JSON.stringify(fresh, null, 2)}\n`, { mode: OWNER_ONLY });
    return keyringOf(fresh);
  } finally {
    await lock.release();
  }
}

async function createKeys(): Promise<KeyringFile> {
  const workspaceId = randomBytes(16).toString('hex');
  const signing = await generateP256();
  const ca = await createCa(workspaceId);
  const client = await issueWorkspaceCertificate(ca, workspaceId);
  return {
    format: 1,
    workspaceId,
    createdAt: Date.now(),
    signing: { privateKeyPem: signing.privateKey },
    ca: { privateKeyPem: ca.privateKeyPem, certificatePem: ca.certificatePem },
    client,
  };
}

async function readKeyring(path: string): Promise<Keyring | undefined> {
  const bytes = await readFileIfThere(path, MAX_KEYRING_BYTES);
  if (!bytes) return undefined;
  await checkOwnerOnly(path);
  try {
    return keyringOf(KeyringFileSchema.parse(JSON.parse(bytes.toString('utf8'))));
  } catch (cause) {
    throw distrust('keyring-damaged', `The keys in ${path} cannot be used.`, {
      hint: 'Put the file back from a backup. Without it this workspace can no longer sign, nor talk to its devices.',
      cause,
    });
  }
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

function keyringOf(file: KeyringFile): Keyring {
  const signingKey = createPrivateKey(file.signing.privateKeyPem);
  const publicKey = createPublicKey(signingKey);
  const caKey = createPrivateKey(file.ca.privateKeyPem);
  if (!belongsTo(file.ca.certificatePem, caKey) || !belongsTo(file.client.certificatePem, createPrivateKey(file.client.privateKeyPem))) {
    throw new Error('a certificate does not belong to its key');
  }
  const ca: Issuer = { ...file.ca, publicKeyPem: createPublicKey(caKey).export({ type: 'spki', format: 'pem' }).toString() };
  return {
    workspaceId: file.workspaceId,
    keyStore: 'a file only this user can read',
    sign: (data) => sign('sha256', data, { key: signingKey, dsaEncoding: 'der' }),
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    fingerprint: fingerprintOf(publicKey),
    caCertificatePem: file.ca.certificatePem,
    clientTls: () => ({ cert: file.client.certificatePem, key: file.client.privateKeyPem, ca: file.ca.certificatePem }),
    issueDeviceCertificate: (csrPem, deviceId) => issueForRequest(ca, csrPem, deviceId),
  };
}
