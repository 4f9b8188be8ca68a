/**
 * Signing models as OpenSSF Model Signing v1.0 has it: a statement that lists every file with its digest, in a Sigstore bundle.
 * Any OMS verifier can check what this signs. Sections are those of the specification.
 */
import { createHash, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { type EnvelopeSigner, signStatement, STATEMENT_TYPE } from './dsse.ts';
import { unfit } from './errors.ts';
import type { Keyring } from './keyring.ts';
import { hashForKey } from './keys.ts';
import { MAX_SIGNED_ENTRIES } from './limits.ts';
import { ACCEPTED_FROM, isCanonicalPath, PREDICATE_TYPE, rootDigest } from './oms-statement.ts';

/** The names a signature and its public key get beside the signed files. */
export const SIGNATURE_FILE = 'model.sig';
export const PUBLIC_KEY_FILE = 'signer.pub';

/** §6.2: never part of a signed folder, at its top level. */
export const ALWAYS_IGNORED: readonly string[] = ['.git', '.gitattributes', '.github', '.gitignore'];

export interface SignedFile {
  /** Path inside the signed folder, with `/`. */
  name: string;
  /** `sha256:` and hex. */
  digest: string;
}

/** §5.2.1: code point order, which UTF-8 bytes have and JavaScript's own string order has not. */
export function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/**
 * The hint that the reference implementation looks for: SHA-256 over the PEM text of the public key, not over its DER.
 * @param publicKeyPem as Node and OpenSSL write it, with the final newline
 */
export function keyHint(publicKeyPem: string): string {
  return createHash('sha256').update(publicKeyPem).digest('hex');
}

/** This workspace as a signer. */
export function keyringSigner(keyring: Pick<Keyring, 'sign' | 'publicKeyPem'>): EnvelopeSigner {
  return { sign: (data) => keyring.sign(data), material: { publicKey: { hint: keyHint(keyring.publicKeyPem) }, tlogEntries: [] } };
}

/**
 * Any EC key as a signer, with its certificate and those above it where there are some.
 * @param chain certificates in DER, the signer's first; empty for the method "key"
 * @throws trust.key-malformed
 */
export function signerOf(privateKey: KeyObject, chain: readonly Uint8Array[] = []): EnvelopeSigner {
  const hash = hashForKey(privateKey);
  if (hash === undefined) throw unfit('key-malformed', 'Models cannot be signed with this key.', { expected: 'EC on P-256, P-384 or P-521' });
  const pem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();
  const material =
    chain.length === 0
      ? { publicKey: { hint: keyHint(pem) } }
      : { x509CertificateChain: { certificates: chain.map((der) => ({ rawBytes: Buffer.from(der).toString('base64') })) } };
  return { sign: (data) => sign(hash, data, { key: privateKey, dsaEncoding: 'der' }), material: { ...material, tlogEntries: [] } };
}

/** What is to be signed: whole files by SHA-256. */
export interface FileSet {
  /** The folder's name, for people (§6.5: informational). */
  subject: string;
  files: readonly SignedFile[];
  /** Paths that are left out on purpose, besides ALWAYS_IGNORED. */
  ignorePaths: readonly string[];
  /** Signers because of whom this is signed; see ACCEPTED_FROM. */
  acceptedFrom?: readonly string[];
}

/** @returns the Sigstore bundle as JSON bytes, to be kept as `model.sig` */
export function signSet(signer: EnvelopeSigner, set: FileSet): Buffer {
  const { subject, files, ignorePaths, acceptedFrom = [] } = set;
  if (files.length === 0 || files.length > MAX_SIGNED_ENTRIES) {
    throw unfit('nothing-to-sign', `There are ${files.length} files to sign.`, { expected: `1 to ${MAX_SIGNED_ENTRIES}` });
  }
  const sorted = [...files].sort((a, b) => byCodePoint(a.name, b.name));
  const resources = sorted.map(({ name, digest }, i) => {
    if (!isCanonicalPath(name)) throw new Error(`not a canonical path: ${name}`);
    if (sorted[i - 1]?.name === name) throw new Error(`twice in one signature: ${name}`);
    if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw new Error(`not a digest: ${digest}`);
    return { name, algorithm: 'sha256', digest: digest.slice('sha256:'.length) };
  });
  return signStatement(signer, {
    _type: STATEMENT_TYPE,
    subject: [
      {
        name: subject,
        digest: { sha256: rootDigest(resources.map((r) => r.digest)) },
        ...(acceptedFrom.length > 0 && { annotations: { [ACCEPTED_FROM]: [...acceptedFrom].sort() } }),
      },
    ],
    predicateType: PREDICATE_TYPE,
    predicate: {
      serialization: { method: 'files', hash_type: 'sha256', allow_symlinks: false, ignore_paths: [...ALWAYS_IGNORED, ...ignorePaths] },
      resources,
    },
  });
}

/**
 * Signs the files of a variant by name and digest, as this workspace.
 * @param acceptedFrom the trusted signers because of whom it is accepted here; empty for what was made here
 */
export async function signFiles(
  keyring: Pick<Keyring, 'sign' | 'publicKeyPem'>,
  subject: string,
  files: readonly SignedFile[],
  acceptedFrom: readonly string[] = [],
): Promise<Uint8Array> {
  return signSet(keyringSigner(keyring), { subject, files, ignorePaths: [SIGNATURE_FILE, PUBLIC_KEY_FILE], acceptedFrom });
}
