/**
 * Verifying an OMS v1.0 signature. The order matters: the envelope's signature is checked over the exact bytes of the payload
 * before anything inside the payload is believed, and the caller's files are then held to what was signed, both ways.
 */
import { type KeyObject, verify } from 'node:crypto';
import { z } from 'zod';
import { distrust } from './errors.ts';
import { fingerprintOf, hashForKey, readPublicKey } from './keys.ts';
import { MAX_SIGNATURE_BYTES, MAX_SIGNED_FILES } from './limits.ts';
import { BUNDLE_MEDIA_TYPE, isCanonicalPath, PAYLOAD_TYPE, PREDICATE_TYPE, preAuthEncoding, rootDigest, type SignedFile, STATEMENT_TYPE } from './oms.ts';

/** DSSE lets a producer choose between the two base64 alphabets. */
const Base64 = z.string().regex(/^[A-Za-z0-9+/_-]*={0,2}$/);
const Hex256 = z.string().regex(/^[0-9a-f]{64}$/);

/** §4.1 and the Sigstore bundle format; fields that neither forbids may stand beside these. */
const BundleSchema = z.looseObject({
  mediaType: z.literal(BUNDLE_MEDIA_TYPE),
  verificationMaterial: z.looseObject({
    publicKey: z.looseObject({}),
    // Another method's material: a bundle is judged by one method only.
    certificate: z.undefined().optional(),
    x509CertificateChain: z.undefined().optional(),
  }),
  messageSignature: z.undefined().optional(),
  dsseEnvelope: z.looseObject({
    payload: Base64.min(1),
    payloadType: z.literal(PAYLOAD_TYPE),
    signatures: z.array(z.looseObject({ sig: Base64.min(1), keyid: z.string().nullish() })).length(1),
  }),
});

const StatementSchema = z.looseObject({
  _type: z.literal(STATEMENT_TYPE),
  subject: z.array(z.looseObject({ name: z.string().min(1), digest: z.looseObject({ sha256: Hex256 }) })).length(1),
  predicateType: z.literal(PREDICATE_TYPE),
  predicate: z.looseObject({
    resources: z
      .array(z.looseObject({ name: z.string().refine(isCanonicalPath, 'not a canonical path'), digest: Hex256, algorithm: z.literal('sha256') }))
      .min(1)
      .max(MAX_SIGNED_FILES),
    serialization: z.looseObject({
      method: z.literal('files'),
      hash_type: z.literal('sha256'),
      shard_size: z.undefined().optional(),
      allow_symlinks: z.boolean(),
      ignore_paths: z.array(z.string()).optional(),
    }),
  }),
});

export interface VerifiedSignature {
  /** Fingerprint of the trusted public key that made it. */
  signer: string;
  files: SignedFile[];
  /** Paths the signer left out on purpose. */
  ignorePaths: string[];
}

/**
 * Checks who signed and what: everything but the files themselves.
 * @param bundleJson the content of `model.sig`
 * @param publicKeysPem who is trusted; the bundle's own hint decides nothing
 * @throws trust.signature-malformed, trust.signature-wrong, trust.key-malformed
 */
export function openSignature(bundleJson: Uint8Array, publicKeysPem: readonly string[]): VerifiedSignature {
  if (bundleJson.length > MAX_SIGNATURE_BYTES) throw malformed(`larger than ${MAX_SIGNATURE_BYTES} bytes`);
  const bundle = parse(BundleSchema, parseJson(bundleJson), 'the signature');
  const { payload, signatures } = bundle.dsseEnvelope;
  const payloadBytes = Buffer.from(payload, 'base64');
  const signer = findSigner(preAuthEncoding(PAYLOAD_TYPE, payloadBytes), Buffer.from(signatures[0]?.sig ?? '', 'base64'), publicKeysPem.map(readPublicKey));
  const statement = parse(StatementSchema, parseJson(payloadBytes), 'the signed statement');
  const { resources, serialization } = statement.predicate;
  if (new Set(resources.map((r) => r.name)).size !== resources.length) throw malformed('a file is listed twice');
  if (statement.subject[0]?.digest.sha256 !== rootDigest(resources.map((r) => r.digest))) throw malformed('its root digest does not follow from its files');
  return {
    signer: fingerprintOf(signer),
    files: resources.map((r) => ({ name: r.name, digest: `sha256:${r.digest}` })),
    ignorePaths: serialization.ignore_paths ?? [],
  };
}

/**
 * Checks a signature over exactly these files: each is signed with this digest, and nothing else is signed.
 * @throws trust.* as openSignature, and trust.files-differ naming the first file that differs
 */
export function verifySignature(bundleJson: Uint8Array, publicKeysPem: readonly string[], files: readonly SignedFile[]): VerifiedSignature {
  const verified = openSignature(bundleJson, publicKeysPem);
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

/** Which key a signature says it was made with, as `keyHint` writes it. A claim: good for words, and to tell altered from foreign. */
export function claimedKeyHint(bundleJson: Uint8Array): string | undefined {
  if (bundleJson.length > MAX_SIGNATURE_BYTES) return undefined;
  try {
    const hint = BundleSchema.parse(parseJson(bundleJson)).verificationMaterial.publicKey.hint;
    return typeof hint === 'string' ? hint : undefined;
  } catch {
    return undefined;
  }
}

function findSigner(signed: Uint8Array, signature: Uint8Array, keys: readonly KeyObject[]): KeyObject {
  for (const key of keys) {
    const hash = hashForKey(key);
    if (hash !== undefined && verify(hash, signed, { key, dsaEncoding: 'der' }, signature)) return key;
  }
  throw distrust('signature-wrong', 'The signature was not made by anyone trusted here, or what it covers was altered.', {
    expected: keys.map((key) => fingerprintOf(key)).join(', ') || 'at least one trusted key',
    hint: 'Get the bundle again from where it was made, or add the public key of its signer if you trust it.',
  });
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw malformed('it is not JSON', cause);
  }
}

function parse<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw malformed(`${what} has a wrong ${issue?.path.join('.') || 'form'} (${issue?.message ?? 'unknown'})`);
}

function malformed(why: string, cause?: unknown) {
  return distrust('signature-malformed', `The signature cannot be used: ${why}.`, {
    expected: 'OpenSSF Model Signing v1.0 with a public key, SHA-256, whole files',
    cause,
  });
}

function differ(why: string, detail: { expected?: string; found?: string } = {}) {
  return distrust('files-differ', `The signature does not match the files: ${why}.`, detail);
}
