/** Whose signatures count: public keys that are trusted themselves, and certificate authorities that vouch for others. */
import { createHash, createPublicKey, type KeyObject, type X509Certificate } from 'node:crypto';
import type { SignerKind } from '#contract';
import { fingerprintOf, readPublicKey } from './keys.ts';

/** Somebody whose signature was found to be good. */
export interface Signer {
  /** Fingerprint of the key that signed. */
  id: string;
  name: string;
  kind: SignerKind;
  /** Fingerprint of the trusted entry that this rests on: the same key, or the authority that issued its certificate. */
  anchor: string;
}

export interface TrustedKey extends Signer {
  key: KeyObject;
  /** Where the key came in a certificate: signatures that bring this certificate rest on it directly. */
  certificate?: X509Certificate;
}

export interface Authority {
  id: string;
  name: string;
  kind: SignerKind;
  certificate: X509Certificate;
  /** Certificates that may stand between it and a signer; trusted only as far as it issued them. */
  intermediates: readonly X509Certificate[];
}

export interface TrustAnchors {
  /** Names this state of the list: what was judged by another one has to be judged again. */
  digest: string;
  keys: readonly TrustedKey[];
  authorities: readonly Authority[];
}

/** @param material for each trusted entry what its trust rests on, in a form that never changes */
export function anchorsOf(keys: readonly TrustedKey[], authorities: readonly Authority[] = []): TrustAnchors {
  const parts = [
    ...keys.map((one) => `${one.kind} ${one.id} ${one.certificate?.fingerprint256 ?? ''}`),
    ...authorities.map((one) => `authority ${one.id} ${[one.certificate, ...one.intermediates].map((c) => c.fingerprint256).join(' ')}`),
  ];
  return { digest: createHash('sha256').update(parts.sort().join('\n')).digest('hex'), keys, authorities };
}

/**
 * Public keys alone, as a device knows its workspace's.
 * @throws trust.key-malformed
 */
export function trustKeys(publicKeysPem: readonly string[]): TrustAnchors {
  return anchorsOf(
    publicKeysPem.map((pem) => {
      const key = readPublicKey(pem);
      const id = fingerprintOf(key);
      return { id, anchor: id, name: id.slice(0, 16), kind: 'signer' as const, key };
    }),
  );
}

/** This workspace's own key. */
export function ownKey(publicKeyPem: string): TrustedKey {
  const key = createPublicKey(publicKeyPem);
  const id = fingerprintOf(key);
  return { id, anchor: id, name: 'this workspace', kind: 'self', key };
}

/** Whether an entry with this fingerprint is trusted now. */
export function trusts(anchors: TrustAnchors, id: string): boolean {
  return anchors.keys.some((key) => key.id === id) || anchors.authorities.some((authority) => authority.id === id);
}
