/**
 * The envelope that every statement of ours and of others travels in: a Sigstore bundle (v0.3) around a DSSE envelope around
 * an in-toto statement. This file knows how it is put together and taken apart, not what a statement says.
 */
import { z } from 'zod';
import { distrust } from './errors.ts';
import { MAX_CHAIN_CERTIFICATES } from './limits.ts';

export const BUNDLE_MEDIA_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
export const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';

/** DSSE lets a producer choose between the two base64 alphabets. */
const Base64 = z.string().regex(/^[A-Za-z0-9+/_-]*={0,2}$/);
const Certificate = z.looseObject({ rawBytes: Base64.min(1) });

/** OMS §4.1: the material of exactly one method. Releases before v1.1.0 gave the key itself instead of a hint. */
const MaterialSchema = z
  .looseObject({
    publicKey: z
      .looseObject({ hint: z.string().optional(), rawBytes: z.string().optional() })
      .refine((key) => key.hint !== undefined || key.rawBytes !== undefined, 'neither hint nor rawBytes')
      .optional(),
    x509CertificateChain: z.looseObject({ certificates: z.array(Certificate).min(1).max(MAX_CHAIN_CERTIFICATES) }).optional(),
    certificate: Certificate.optional(),
  })
  .refine((given) => [given.publicKey, given.x509CertificateChain, given.certificate].filter((one) => one !== undefined).length === 1, {
    message: 'not the material of exactly one method',
  });

/** OMS §4.1 and the Sigstore bundle format; fields that neither forbids may stand beside these. */
const BundleSchema = z.looseObject({
  mediaType: z.literal(BUNDLE_MEDIA_TYPE),
  verificationMaterial: MaterialSchema,
  messageSignature: z.undefined().optional(),
  dsseEnvelope: z.looseObject({
    payload: Base64.min(1),
    payloadType: z.literal(PAYLOAD_TYPE),
    signatures: z.array(z.looseObject({ sig: Base64.min(1), keyid: z.string().nullish() })).length(1),
  }),
});

export type Material =
  | { method: 'key'; hint?: string }
  /** Certificates in DER, the signer's first. */
  | { method: 'certificate'; chain: Buffer[] }
  | { method: 'sigstore' };

export interface Envelope {
  /** The bytes that were signed, of which nothing may be believed before the signature was checked. */
  payload: Buffer;
  signature: Buffer;
  material: Material;
}

/**
 * Takes an envelope apart; checks no signature.
 * @throws trust.signature-malformed
 */
export function readEnvelope(bytes: Uint8Array, maxBytes: number): Envelope {
  if (bytes.length > maxBytes) throw malformed(`it is larger than ${maxBytes} bytes`);
  const { verificationMaterial, dsseEnvelope } = parseAs(BundleSchema, parseJson(bytes), 'the signature');
  return {
    payload: Buffer.from(dsseEnvelope.payload, 'base64'),
    signature: Buffer.from(dsseEnvelope.signatures[0]?.sig ?? '', 'base64'),
    material: materialOf(verificationMaterial),
  };
}

function materialOf({ publicKey, x509CertificateChain }: z.infer<typeof MaterialSchema>): Material {
  if (x509CertificateChain) return { method: 'certificate', chain: x509CertificateChain.certificates.map((one) => Buffer.from(one.rawBytes, 'base64')) };
  if (!publicKey) return { method: 'sigstore' };
  return { method: 'key', ...(publicKey.hint !== undefined && { hint: publicKey.hint }) };
}

/** DSSE's pre-authentication encoding: what is really signed. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `), payload]);
}

/** Who signs: over SHA-2 of the size that belongs to the key's curve, in DER. */
export interface EnvelopeSigner {
  sign(data: Uint8Array): Buffer;
  /** The Sigstore bundle's `verificationMaterial`. */
  material: Record<string, unknown>;
}

/** Signs a statement and wraps it up. @returns the Sigstore bundle as JSON bytes */
export function signStatement(signer: EnvelopeSigner, statement: unknown): Buffer {
  const payload = Buffer.from(JSON.stringify(statement));
  const bundle = {
    mediaType: BUNDLE_MEDIA_TYPE,
    verificationMaterial: signer.material,
    dsseEnvelope: {
      payload: payload.toString('base64'),
      payloadType: PAYLOAD_TYPE,
      signatures: [{ sig: signer.sign(preAuthEncoding(PAYLOAD_TYPE, payload)).toString('base64'), keyid: '' }],
    },
  };
  return Buffer.from(`${JSON.stringify(bundle)}\n`);
}

export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw malformed('it is not JSON', cause);
  }
}

export function parseAs<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw malformed(`${what} has a wrong ${issue?.path.join('.') || 'form'} (${issue?.message ?? 'unknown'})`);
}

export function malformed(why: string, cause?: unknown) {
  return distrust('signature-malformed', `The signature cannot be used: ${why}.`, {
    expected: 'OpenSSF Model Signing v1.0: a Sigstore bundle with a DSSE envelope and an in-toto statement',
    cause,
  });
}
