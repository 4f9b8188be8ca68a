/** Who signed a variant, and whether that counts here. */
import { asEdgewrightError } from '#contract';
import { MAX_SIGNATURE_BYTES, type Signer, type TrustAnchors, type VerifiedSignature, verifySignature } from '#core/trust';
import { altered } from './errors.ts';
import { MAX_MANIFEST_BYTES } from './limits.ts';
import { parseManifest } from './oci.ts';
import { findReferrers } from './referrers.ts';
import type { BlobStore } from './store.ts';
import { layerFiles } from './variant.ts';

/** One signature of a variant, judged. */
export interface JudgedSignature {
  /** Digest of the manifest that holds it. */
  digest: string;
  /** Who made it, where it counts. */
  by?: Signer;
  /** Trusted signers because of whom this workspace made it. */
  acceptedFrom?: string[];
  /** Why it does not count. */
  problem?: { code: string; message: string };
}

/**
 * Judges every signature of a variant over exactly the files its manifest lists.
 * @param candidates see findReferrers
 * @throws what reading the store throws; never for a signature that does not count
 */
export async function judgeSignatures(
  store: BlobStore,
  manifestDigest: string,
  anchors: TrustAnchors,
  candidates?: readonly string[],
): Promise<JudgedSignature[]> {
  const judged: JudgedSignature[] = [];
  for (const { digest, verified, error } of await tryAll(store, manifestDigest, anchors, candidates)) {
    if (!verified) {
      const { code, message } = asEdgewrightError(error);
      judged.push({ digest, problem: { code, message } });
      continue;
    }
    const { by, acceptedFrom } = verified;
    judged.push({ digest, by, ...(acceptedFrom.length > 0 && { acceptedFrom }) });
  }
  return judged;
}

interface Tried {
  digest: string;
  verified?: VerifiedSignature;
  error?: unknown;
}

async function tryAll(store: BlobStore, manifestDigest: string, anchors: TrustAnchors, candidates: readonly string[] | undefined): Promise<Tried[]> {
  const files = [...layerFiles(parseManifest(await store.read(manifestDigest, MAX_MANIFEST_BYTES))).values()].map(({ path, digest }) => ({
    name: path,
    digest,
  }));
  const tried: Tried[] = [];
  for (const { kind, digest, content } of await findReferrers(store, manifestDigest, candidates)) {
    if (kind !== 'signature') continue;
    try {
      tried.push({ digest, verified: verifySignature(await store.read(content.digest, MAX_SIGNATURE_BYTES), anchors, files) });
    } catch (error) {
      tried.push({ digest, error });
    }
  }
  return tried;
}

/**
 * Checks that someone trusted signed exactly the files this variant's manifest lists.
 * @param candidates see findReferrers
 * @throws trust.unsigned, trust.signature-*, trust.signer-*, trust.certificate-*, trust.files-differ
 */
export async function verifyVariantSignature(
  store: BlobStore,
  manifestDigest: string,
  anchors: TrustAnchors,
  candidates?: readonly string[],
): Promise<VerifiedSignature> {
  const tried = await tryAll(store, manifestDigest, anchors, candidates);
  const good = tried.find((one) => one.verified)?.verified;
  if (good) return good;
  // Another signature may be by a stranger; what is wrong with a trusted one says more.
  const problems = tried.map((one) => asEdgewrightError(one.error));
  throw problems.find((one) => !isStranger(one.code)) ?? problems[0] ?? unsigned();
}

export function unsigned() {
  return altered('trust.unsigned', 'The variant is not signed.', { hint: 'Build it in a workspace you trust, which signs it.' });
}

/** Whether a signature does not count only because of who made it, as against what was made of it. */
export function isStranger(code: string): boolean {
  return ['trust.signer-unknown', 'trust.signer-removed', 'trust.certificate-untrusted'].includes(code);
}
