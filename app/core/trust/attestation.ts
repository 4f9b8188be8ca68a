/**
 * Signed statements about a variant that are no signature of its files: a bill of materials, the result of a trial. The subject
 * is the digest of its manifest, so that no statement can be passed off as one about something else.
 */
import { z } from 'zod';
import type { Signer, TrustAnchors } from './anchors.ts';
import { parseAs, parseJson, readEnvelope, signStatement, STATEMENT_TYPE } from './dsse.ts';
import { distrust } from './errors.ts';
import type { Keyring } from './keyring.ts';
import { MAX_SIGNATURE_BYTES, MAX_SUBJECTS } from './limits.ts';
import { keyringSigner } from './oms.ts';
import { findSigner } from './oms-verify.ts';

/** in-toto's name for a CycloneDX document as a predicate. */
export const BOM_PREDICATE = 'https://cyclonedx.org/bom';

export interface AttestationSubject {
  /** `name@version#variant`, for people. */
  name: string;
  /** Digest of the variant's manifest: `sha256:` and hex. */
  digest: string;
}

/** @returns the Sigstore bundle as JSON bytes */
export function attest(keyring: Pick<Keyring, 'sign' | 'publicKeyPem'>, subject: AttestationSubject, predicateType: string, predicate: unknown): Buffer {
  return signStatement(keyringSigner(keyring), {
    _type: STATEMENT_TYPE,
    subject: [{ name: subject.name, digest: { sha256: subject.digest.replace(/^sha256:/, '') } }],
    predicateType,
    predicate,
  });
}

const StatementSchema = z.looseObject({
  _type: z.literal(STATEMENT_TYPE),
  subject: z
    .array(z.looseObject({ digest: z.looseObject({ sha256: z.string() }) }))
    .min(1)
    .max(MAX_SUBJECTS),
  predicateType: z.string(),
  predicate: z.unknown(),
});

export interface Attestation {
  by: Signer;
  predicateType: string;
  predicate: unknown;
}

/**
 * What somebody trusted states about a variant.
 * @param digest that of the variant's manifest
 * @throws trust.signature-*, trust.signer-unknown, trust.certificate-*, trust.other-statement
 */
export function openAttestation(bundleJson: Uint8Array, anchors: TrustAnchors, digest: string, now = Date.now()): Attestation {
  const envelope = readEnvelope(bundleJson, MAX_SIGNATURE_BYTES);
  const by = findSigner(envelope, anchors, now);
  const { subject, predicateType, predicate } = parseAs(StatementSchema, parseJson(envelope.payload), 'the signed statement');
  if (!subject.some((one) => `sha256:${one.digest.sha256}` === digest)) {
    throw distrust('other-statement', 'The signed statement is about something else.', {
      expected: `a statement about ${digest}`,
      found: `one about sha256:${subject[0]?.digest.sha256.slice(0, 64)}`,
    });
  }
  return { by, predicateType, predicate };
}
