/** P-256 keys as PEM, and the fingerprint by which people and the catalogue name a public key. */
import { createHash, createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { distrust } from './errors.ts';
import { MAX_PEM_BYTES, MIN_FINGERPRINT_CHARS } from './limits.ts';

const generate = promisify(generateKeyPair);

/** A fresh P-256 key pair: PKCS#8 and SubjectPublicKeyInfo in PEM. */
export function generateP256(): Promise<{ privateKey: string; publicKey: string }> {
  return generate('ec', { namedCurve: 'P-256', publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } });
}

/** Hex SHA-256 of the SubjectPublicKeyInfo in DER: the same however the PEM was wrapped. */
export function fingerprintOf(key: KeyObject): string {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

/** Whether somebody means this key: by its fingerprint, or by enough of its beginning. */
export function meansKey(text: string, fingerprint: string): boolean {
  return text.length >= MIN_FINGERPRINT_CHARS && fingerprint.startsWith(text.toLowerCase());
}

/** The same for a key in PEM that is known to be one. */
export function publicKeyId(publicKeyPem: string): string {
  return fingerprintOf(createPublicKey(publicKeyPem));
}

/**
 * Reads a public key somebody gave us.
 * @throws trust.key-malformed when it is no EC public key in PEM on a curve OMS knows
 */
export function readPublicKey(pem: string): KeyObject {
  const wrong = (cause?: unknown) =>
    distrust('key-malformed', 'A public key cannot be read.', {
      expected: 'an EC public key (P-256, P-384 or P-521) in PEM',
      ...(cause !== undefined && { cause }),
    });
  // createPublicKey would also take a private key or a certificate and derive the public one: only the plain form is meant.
  if (pem.length > MAX_PEM_BYTES || !pem.trimStart().startsWith('-----BEGIN PUBLIC KEY-----')) throw wrong();
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (cause) {
    throw wrong(cause);
  }
  if (key.asymmetricKeyType !== 'ec' || hashForKey(key) === undefined) throw wrong();
  return key;
}

/** The hash that goes with an EC key in a Sigstore bundle (by curve); undefined for other curves. */
export function hashForKey(key: KeyObject): 'sha256' | 'sha384' | 'sha512' | undefined {
  switch (key.asymmetricKeyDetails?.namedCurve) {
    case 'prime256v1':
      return 'sha256';
    case 'secp384r1':
      return 'sha384';
    case 'secp521r1':
      return 'sha512';
    default:
      return undefined;
  }
}

/** The WebCrypto form, which the X.509 library signs with. (Types are inferred: they differ with and without the DOM's.) */
export async function toCryptoKeys(pair: { privateKey: string; publicKey: string }) {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const [privateKey, publicKey] = await Promise.all([
    crypto.subtle.importKey('pkcs8', createPrivateKey(pair.privateKey).export({ type: 'pkcs8', format: 'der' }), algorithm, false, ['sign']),
    crypto.subtle.importKey('spki', createPublicKey(pair.publicKey).export({ type: 'spki', format: 'der' }), algorithm, true, ['verify']),
  ]);
  return { privateKey, publicKey };
}
