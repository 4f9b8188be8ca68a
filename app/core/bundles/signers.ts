/** Whether what came is what somebody trusted signed: settled before any large byte is fetched. */
import { asEdgewrightError, type EdgewrightError } from '#contract';
import { type TrustAnchors, verifySignature } from '#core/trust';
import { bomProblem, isBomAltered, type JudgedAttachment, judgeReferrers } from './attachments.ts';
import { altered } from './errors.ts';
import type { Incoming, IncomingVariant } from './incoming.ts';
import { parseManifest } from './oci.ts';
import { asReferrer, type Referrer } from './referrers.ts';

/** Something attached to a variant that counts here. */
export interface Counting {
  kind: Referrer['kind'];
  /** Fingerprint of the trusted entry that it rests on. */
  anchor: string;
  /** Of a bill of materials, or of what is stated to be one. */
  revision?: number;
}

export interface Verdict {
  /** Variants of which someone trusted signed exactly these files, by digest. */
  signed: ReadonlySet<string>;
  /** What refers to the variants and counts, by the digest of its manifest. */
  counting: ReadonlyMap<string, Counting>;
}

/**
 * Judges a bundle that is coming in. What nobody trusted signed is merely not among what counts; what was altered after
 * somebody trusted signed it is refused.
 * @throws trust.files-differ, trust.altered, trust.bom-* (owner trust)
 */
export async function judgeIncoming(incoming: Incoming, anchors: TrustAnchors): Promise<Verdict> {
  const signed = new Set<string>();
  const counting = new Map<string, Counting>();
  for (const variant of incoming.variants) {
    const referrers = referrersOf(incoming, variant);
    const signatures = judgeSignatures(incoming, variant, referrers, anchors);
    for (const [digest, anchor] of signatures) counting.set(digest, { kind: 'signature', anchor });
    if (signatures.size > 0) signed.add(variant.descriptor.digest);
    for (const { kind, digest, by, revision } of await judgeAttached(incoming, variant, referrers, anchors))
      if (by) counting.set(digest, { kind, anchor: by.anchor, ...(revision !== undefined && { revision }) });
  }
  return { signed, counting };
}

function referrersOf(incoming: Incoming, { referrers }: IncomingVariant): Referrer[] {
  return referrers.flatMap(({ digest, size }) => {
    const document = incoming.documents.get(digest);
    const referrer = document && asReferrer(digest, size, parseManifest(document.bytes));
    return referrer ? [referrer] : [];
  });
}

/** @returns the trusted entry behind each signature that counts, by the digest of its manifest */
function judgeSignatures(incoming: Incoming, { resolved }: IncomingVariant, referrers: readonly Referrer[], anchors: TrustAnchors): Map<string, string> {
  const files = [...resolved.files.values()].map(({ path, digest }) => ({ name: path, digest }));
  const good = new Map<string, string>();
  let misfit: EdgewrightError | undefined;
  for (const { kind, digest, content } of referrers) {
    const bytes = incoming.documents.get(content.digest)?.bytes;
    // An attestation may be a signature that says it is something else, which is no way to hide that it does not fit.
    if (kind === 'bom' || !bytes) continue;
    try {
      const { by } = verifySignature(bytes, anchors, files);
      if (kind === 'signature') good.set(digest, by.anchor);
    } catch (error) {
      const problem = asEdgewrightError(error);
      if (problem.code === 'trust.files-differ') misfit = problem;
      else if (problem.code === 'trust.signature-wrong')
        misfit ??= altered('trust.altered', `The signature of ${refOf(resolved)} was altered after it was made.`, {
          hint: 'Get the bundle again from where it was made.',
          cause: error,
        });
    }
  }
  if (misfit && good.size === 0) throw misfit;
  return good;
}

async function judgeAttached(
  incoming: Incoming,
  { resolved }: IncomingVariant,
  referrers: readonly Referrer[],
  anchors: TrustAnchors,
): Promise<JudgedAttachment[]> {
  const { name, version, files, variant } = resolved;
  const read = (digest: string) => Promise.resolve(incoming.documents.get(digest)?.bytes ?? Buffer.alloc(0));
  const judged = await judgeReferrers({ name, version, digest: variant.digest, files: [...files.values()] }, referrers, anchors, read);
  const problem = bomProblem(judged);
  if (problem && isBomAltered(problem.code))
    throw altered(problem.code, `${refOf(resolved)}: ${problem.message}`, { hint: 'Get the bundle again from where it was made.' });
  return judged;
}

function refOf({ name, version, variant }: IncomingVariant['resolved']): string {
  return `${name}@${version}#${variant.name}`;
}
