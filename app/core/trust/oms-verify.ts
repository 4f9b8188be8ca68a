/**
 * Verifying OpenSSF Model Signing. The order matters: the envelope's signature is checked over the exact bytes of the payload
 * before anything inside the payload is believed, and the caller's files are then held to what was signed, both ways.
 */
import { type KeyObject, verify } from 'node:crypto';
import { type Signer, type TrustAnchors, trusts } from './anchors.ts';
import { findAnchor } from './certificate-path.ts';
import { type Envelope, PAYLOAD_TYPE, preAuthEncoding, readEnvelope } from './dsse.ts';
import { distrust } from './errors.ts';
import { fingerprintOf, hashForKey } from './keys.ts';
import { MAX_SIGNATURE_BYTES, MAX_SIGNED_FILES } from './limits.ts';
import { keyHint, type SignedFile } from './oms.ts';
import { readStatement, type SignedSet, unsupported } from './oms-statement.ts';

export interface VerifiedSignature {
  /** Fingerprint of the key that made it. */
  signer: string;
  by: Signer;
  files: SignedFile[];
  /** Paths the signer left out on purpose. */
  ignorePaths: string[];
  /** Whose signatures it was made for; empty where it stands for itself. */
  acceptedFrom: string[];
}

/** How the bytes that are signed follow from a payload. */
export interface Encoding {
  payload: (payload: Uint8Array) => Uint8Array;
  hash?: string;
}

const STANDARD: Encoding = { payload: (payload) => preAuthEncoding(PAYLOAD_TYPE, payload) };

/**
 * Finds who of those trusted made an envelope's signature. The hint in it decides nothing.
 * @param now for the dates of certificates, in milliseconds since the epoch
 * @param encode what was signed of a payload, and by which hash where that does not go by the key: for signatures of old
 * @throws trust.signer-unknown, trust.signature-wrong, trust.signature-unsupported, trust.certificate-*
 */
export function findSigner({ payload, signature, material }: Envelope, anchors: TrustAnchors, now: number, encode: Encoding = STANDARD): Signer {
  const isSigned = (key: KeyObject) => isSignedBy(key, encode.payload(payload), signature, encode.hash);
  if (material.method === 'sigstore') throw sigstoreRefused();
  if (material.method === 'certificate') {
    const { leaf, anchor } = findAnchor(material.chain, anchors, now);
    const key = leaf.certificate.publicKey;
    if (!isSigned(key)) throw wrong([leaf.subject]);
    const name = 'key' in anchor ? anchor.name : `${leaf.subject} (certified by ${anchor.name})`;
    return { id: fingerprintOf(key), name, kind: anchor.kind, anchor: anchor.id };
  }
  const found = anchors.keys.find(({ key }) => isSigned(key));
  if (!found) throw claimsTrusted(material.hint, anchors) ? wrong(anchors.keys.map((one) => one.id)) : stranger(material.hint ?? '');
  const { id, name, kind, anchor } = found;
  return { id, name, kind, anchor };
}

function isSignedBy(key: KeyObject, signed: Uint8Array, signature: Uint8Array, fixedHash: string | undefined): boolean {
  const hash = hashForKey(key) && (fixedHash ?? hashForKey(key));
  return hash !== undefined && verify(hash, signed, { key, dsaEncoding: 'der' }, signature);
}

/** The hint is a claim: it only helps to tell what was altered from what strangers made. */
function claimsTrusted(hint: string | undefined, anchors: TrustAnchors): boolean {
  return hint === undefined || anchors.keys.some(({ key }) => keyHint(key.export({ type: 'spki', format: 'pem' }).toString()) === hint.toLowerCase());
}

function stranger(hint: string) {
  return distrust('signer-unknown', 'The signature is by someone who is not trusted here.', {
    found: `a key with the hint ${hint.replace(/[^\w:-]/g, '?').slice(0, 100)}`,
    hint: 'Ask whoever sent it for the public key of the signer, and trust it if you know whose it is: edgewright trust add FILE.',
  });
}

function wrong(expected: readonly string[]) {
  return distrust('signature-wrong', 'The signature was not made by the key that it names, or what it covers was altered.', {
    expected: expected.join(', ').slice(0, 1000) || 'at least one trusted key',
    hint: 'Get it again from where it was made.',
  });
}

function sigstoreRefused() {
  const refused = unsupported("Sigstore's keyless method");
  return distrust('signature-unsupported', refused.message, {
    expected: 'a signature with a key or a certificate',
    hint: "Judging it needs Sigstore's certificate authority and its public log, which are not there without a network. Verify it with model_signing verify sigstore, then have it signed with a key.",
  });
}

/**
 * Checks who signed and what, of a signature over whole files by SHA-256 as bundles have it: everything but the files themselves.
 * @param bundleJson the content of `model.sig`
 * @param anchors who is trusted
 * @throws trust.signature-*, trust.certificate-*
 */
export function openSignature(bundleJson: Uint8Array, anchors: TrustAnchors, now = Date.now()): VerifiedSignature {
  const envelope = readEnvelope(bundleJson, MAX_SIGNATURE_BYTES);
  const by = findSigner(envelope, anchors, now);
  const set = readStatement(envelope.payload);
  if (set.deprecated || set.method !== 'files' || set.hash !== 'sha256' || set.entries.length > MAX_SIGNED_FILES) {
    throw unsupported(`a form that bundles are not signed in (${describeForm(set)})`);
  }
  // What this workspace accepted because of others is trusted only as long as one of them is.
  if (by.kind === 'self' && set.acceptedFrom.length > 0 && !set.acceptedFrom.some((id) => trusts(anchors, id))) {
    throw distrust('signer-removed', 'It was accepted here from a signer who is no longer trusted.', {
      found: set.acceptedFrom.join(', ').slice(0, 1000),
      hint: 'Trust the signer again, or get the bundle from someone who is trusted.',
    });
  }
  return {
    signer: by.id,
    by,
    files: set.entries.map(({ path, digest }) => ({ name: path, digest: `sha256:${digest}` })),
    ignorePaths: set.ignorePaths,
    acceptedFrom: set.acceptedFrom,
  };
}

function describeForm(set: SignedSet): string {
  return set.deprecated ? 'the deprecated v0.1' : `${set.method}, ${set.hash}, ${set.entries.length} entries`;
}

/**
 * Checks a signature over exactly these files: each is signed with this digest, and nothing else is signed.
 * @throws trust.* as openSignature, and trust.files-differ naming the first file that differs
 */
export function verifySignature(bundleJson: Uint8Array, anchors: TrustAnchors, files: readonly SignedFile[], now = Date.now()): VerifiedSignature {
  const verified = openSignature(bundleJson, anchors, now);
  const signed = new Map(verified.files.map((file) => [file.name, file.digest]));
  for (const { name, digest } of files) {
    const expected = signed.get(name);
    if (expected === undefined) throw differ(`${name} is not signed`);
    if (expected !== digest) throw differ(`${name} was altered`, { expected, found: digest });
    signed.delete(name);
  }
  const [missing] = signed.keys();
  if (missing !== undefined) throw differ(`${missing} is signed but missing`);
  return verified;
}

export function differ(why: string, detail: { expected?: string; found?: string } = {}) {
  return distrust('files-differ', `The signature does not match the files: ${why}.`, detail);
}
