/** Whether what came is what somebody trusted signed: settled before any large byte is fetched. */
import { asEdgewrightError, type EdgewrightError } from '#contract';
import { BUNDLE_MEDIA_TYPE, type TrustAnchors, verifySignature } from '#core/trust';
import { altered } from './errors.ts';
import type { Incoming, IncomingVariant } from './incoming.ts';
import { parseManifest } from './oci.ts';

/**
 * Variants of which someone trusted signed exactly these files, by digest. One that nobody trusted signed is merely not among
 * them; one that carries a trusted signature which does not fit was altered.
 * @throws trust.files-differ, trust.altered (owner trust)
 */
export function checkUnaltered(incoming: Incoming, anchors: TrustAnchors): ReadonlySet<string> {
  return new Set(incoming.variants.filter((variant) => isSigned(incoming, variant, anchors)).map((variant) => variant.descriptor.digest));
}

function isSigned(incoming: Incoming, { resolved, referrers }: IncomingVariant, anchors: TrustAnchors): boolean {
  const files = [...resolved.files.values()].map(({ path, digest }) => ({ name: path, digest }));
  let misfit: EdgewrightError | undefined;
  for (const signature of signaturesAmong(incoming, referrers)) {
    try {
      verifySignature(signature, anchors, files);
      return true;
    } catch (error) {
      const problem = asEdgewrightError(error);
      if (problem.code === 'trust.files-differ') misfit = problem;
      else if (problem.code === 'trust.signature-wrong')
        misfit ??= altered('trust.altered', `The signature of ${resolved.name}@${resolved.version}#${resolved.variant.name} was altered after it was made.`, {
          hint: 'Get the bundle again from where it was made.',
          cause: error,
        });
    }
  }
  if (misfit) throw misfit;
  return false;
}

function signaturesAmong(incoming: Incoming, referrers: IncomingVariant['referrers']): Buffer[] {
  return referrers.flatMap((entry) => {
    const manifest = incoming.documents.get(entry.digest);
    const [layer] = manifest && entry.artifactType === BUNDLE_MEDIA_TYPE ? parseManifest(manifest.bytes).layers : [];
    const bytes = layer?.mediaType === BUNDLE_MEDIA_TYPE ? incoming.documents.get(layer.digest)?.bytes : undefined;
    return bytes ? [bytes] : [];
  });
}
