/**
 * OpenSSF Model Signing v1.0, method "key", serialization "files", SHA-256: a Sigstore bundle around a DSSE envelope around
 * an in-toto statement that lists every file with its digest. Any OMS verifier can check what this signs.
 * Rules in the comments cite the sections of that specification.
 */
import { createHash } from 'node:crypto';
import type { Keyring } from './keyring.ts';
import { MAX_SIGNED_FILES, MAX_SIGNED_PATH_BYTES } from './limits.ts';

export const BUNDLE_MEDIA_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
export const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
export const PREDICATE_TYPE = 'https://model_signing/signature/v1.0';

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

/** DSSE's pre-authentication encoding: what is really signed. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `), payload]);
}

/** §6.5.1: SHA-256 over the files' raw digests in the order of the list. */
export function rootDigest(hexDigests: readonly string[]): string {
  const hash = createHash('sha256');
  for (const hex of hexDigests) hash.update(Buffer.from(hex, 'hex'));
  return hash.digest('hex');
}

/** §6.1.2: relative, `/` between parts, no `.` or `..` or empty part, valid Unicode. */
export function isCanonicalPath(name: string): boolean {
  return (
    name.isWellFormed() &&
    Buffer.byteLength(name) <= MAX_SIGNED_PATH_BYTES &&
    !name.includes('\0') &&
    name.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  );
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

/**
 * Signs a set of files by name and digest.
 * @param subjectName the folder's name, for people (§6.5: informational)
 * @returns the Sigstore bundle as JSON bytes, to be kept as `model.sig`
 */
export async function signFiles(keyring: Pick<Keyring, 'sign' | 'publicKeyPem'>, subjectName: string, files: readonly SignedFile[]): Promise<Uint8Array> {
  if (files.length === 0 || files.length > MAX_SIGNED_FILES) throw new Error(`cannot sign ${files.length} files`);
  const sorted = [...files].sort((a, b) => byCodePoint(a.name, b.name));
  const resources = sorted.map(({ name, digest }, i) => {
    if (!isCanonicalPath(name)) throw new Error(`not a canonical path: ${name}`);
    if (sorted[i - 1]?.name === name) throw new Error(`twice in one signature: ${name}`);
    if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw new Error(`not a digest: ${digest}`);
    return { name, algorithm: 'sha256', digest: digest.slice('sha256:'.length) };
  });
  const statement = {
    _type: STATEMENT_TYPE,
    subject: [{ name: subjectName, digest: { sha256: rootDigest(resources.map((r) => r.digest)) } }],
    predicateType: PREDICATE_TYPE,
    predicate: {
      serialization: { method: 'files', hash_type: 'sha256', allow_symlinks: false, ignore_paths: [...ALWAYS_IGNORED, SIGNATURE_FILE, PUBLIC_KEY_FILE] },
      resources,
    },
  };
  const payload = Buffer.from(JSON.stringify(statement));
  const bundle = {
    mediaType: BUNDLE_MEDIA_TYPE,
    verificationMaterial: { publicKey: { hint: keyHint(keyring.publicKeyPem) }, tlogEntries: [] },
    dsseEnvelope: {
      payload: payload.toString('base64'),
      payloadType: PAYLOAD_TYPE,
      signatures: [{ sig: keyring.sign(preAuthEncoding(PAYLOAD_TYPE, payload)).toString('base64'), keyid: '' }],
    },
  };
  return Buffer.from(`${JSON.stringify(bundle)}\n`);
}
