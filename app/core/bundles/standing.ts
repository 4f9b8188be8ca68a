/** What the signatures of its variants make of a bundle, and what becomes of it when the list of trusted signers changes. */
import type { TrustAnchors } from '#core/trust';
import { bomProblem, isBomAltered, type JudgedAttachment, judgeAttachments } from './attachments.ts';
import type { BundleRecord, VariantRecord } from './catalogue.ts';
import { isStranger, type JudgedSignature, judgeSignatures, unsigned } from './signatures.ts';
import type { BlobStore } from './store.ts';

/** Why a bundle cannot be used. */
export interface Problem {
  code: string;
  reason: string;
}

/** Signed by somebody trusted, but not read again since: `verify` does that, and releases it. */
export const UNVERIFIED = 'bundle.unverified';

/** The first trusted signature of a variant; undefined when nobody's counts. */
export function signerOf(signatures: readonly JudgedSignature[]): string | undefined {
  return signatures.find((one) => one.by)?.by?.id;
}

/** Why the signatures of a bundle do not suffice; undefined when every variant is signed by somebody trusted. */
export function signatureProblem(variants: readonly VariantRecord[]): Problem | undefined {
  const bad = variants.find((one) => one.signer === undefined);
  if (!bad) return undefined;
  const problems = bad.signatures.flatMap((one) => one.problem ?? []);
  // What is wrong with a trusted signer's signature says more than that there is a stranger's beside it.
  const worst = problems.find(({ code }) => !isStranger(code)) ?? problems[0] ?? unsigned();
  return { code: worst.code, reason: `Variant ${bad.variant.name}: ${worst.message}` };
}

/** Why a bill of materials keeps a bundle from being used: that there is none does not, that one was altered does. */
function alteredBom(variants: readonly VariantRecord[]): Problem | undefined {
  for (const { variant, attached } of variants) {
    const problem = bomProblem(attached);
    if (problem && isBomAltered(problem.code)) return { code: problem.code, reason: `Variant ${variant.name}: ${problem.message}` };
  }
  return undefined;
}

/** Why what was signed, and by whom, does not suffice. */
export function trustProblem(variants: readonly VariantRecord[]): Problem | undefined {
  return signatureProblem(variants) ?? alteredBom(variants);
}

/** Whether a state comes from signatures alone, so that another list of trusted signers may change it. */
export function isMatterOfTrust(record: Pick<BundleRecord, 'state' | 'stateCode'>): boolean {
  return record.state === 'sound' || (record.state === 'quarantined' && (record.stateCode === UNVERIFIED || (record.stateCode ?? '').startsWith('trust.')));
}

/**
 * A record judged by the list as it is now. What loses its last trusted signer is quarantined at once; what gains one is
 * not released before its bytes were read (`verify`). Damage found before stays found.
 * @param candidates digests of what may be signatures of a variant
 */
export async function rejudge(
  store: BlobStore,
  record: BundleRecord,
  anchors: TrustAnchors,
  candidates: (manifestDigest: string) => readonly string[],
): Promise<BundleRecord> {
  const variants: VariantRecord[] = [];
  for (const variant of record.variants) {
    const { digest } = variant.variant;
    const signatures = await judgeSignatures(store, digest, anchors, candidates(digest)).catch((): JudgedSignature[] => []);
    const attached = await judgeAttachments(store, digest, anchors, candidates(digest)).catch((): JudgedAttachment[] => []);
    const signer = signerOf(signatures);
    variants.push({ ...variant, signatures, attached, signer, variant: { ...variant.variant, signed: signer !== undefined } });
  }
  const judged = { ...record, variants };
  if (!isMatterOfTrust(record)) return judged;
  const problem = trustProblem(variants);
  if (problem) return { ...judged, state: 'quarantined', stateCode: problem.code, stateReason: problem.reason };
  if (record.state === 'sound') return judged;
  return {
    ...judged,
    state: 'quarantined',
    stateCode: UNVERIFIED,
    stateReason: 'It is signed by somebody trusted, but was not read since: verify it to use it.',
  };
}

/** Whether a variant's signatures, as they were judged last, still count for somebody on the list. */
export function stillTrusted(variant: Pick<VariantRecord, 'signatures'>, anchors: TrustAnchors): boolean {
  const known = new Set([...anchors.keys.map((one) => one.id), ...anchors.authorities.map((one) => one.id)]);
  return variant.signatures.some(({ by, acceptedFrom = [] }) => {
    if (!by || !known.has(by.anchor)) return false;
    return by.kind !== 'self' || acceptedFrom.length === 0 || acceptedFrom.some((id) => known.has(id));
  });
}

/** Whether a usable bundle rests on this entry of the list alone: without it, one of its variants would be signed by nobody trusted. */
export function restsOn(record: Pick<BundleRecord, 'variants'>, anchors: TrustAnchors, id: string): boolean {
  const others = { ...anchors, keys: anchors.keys.filter((one) => one.id !== id), authorities: anchors.authorities.filter((one) => one.id !== id) };
  return record.variants.some((variant) => !stillTrusted(variant, others));
}

/** What a person can do about a bundle in this state. */
export function wayOut(code: string | undefined): string {
  if (code === UNVERIFIED) return 'Run edgewright bundle verify on it.';
  if (code === 'trust.unsigned') return 'Get it signed by whoever made it, or sign it yourself, on record: edgewright bundle sign REF --reason TEXT.';
  if (code !== undefined && isBomAltered(code))
    return 'Get it again from where it was made, or have this workspace make and sign a new one, on record: edgewright bundle sign REF --reason TEXT.';
  if (code !== undefined && isStranger(code))
    return 'Trust its signer, if you know whose key it is: edgewright trust add FILE. Or sign it yourself: edgewright bundle sign REF --reason TEXT.';
  return 'Build or receive it again.';
}
