/**
 * What refers to a variant: signatures, its bill of materials, attestations. Each is an OCI manifest of its own with the variant's
 * manifest as its subject, so that more can be added without changing what was signed.
 */
import { BUNDLE_MEDIA_TYPE, PREDICATE_TYPE } from '#core/trust';
import { KEPT_REFERRERS } from './entries.ts';
import { MAX_REFERRER_MANIFEST_BYTES, MAX_REFERRERS } from './limits.ts';
import {
  BOM_TYPE,
  CREATED,
  type Descriptor,
  type Document,
  EMPTY_JSON,
  EMPTY_TYPE,
  document,
  jsonDocument,
  MANIFEST_TYPE,
  type OciManifest,
  parseManifest,
  SIGNATURE_CONTENT,
  SIGNATURE_PREDICATE,
  SUBJECT,
  TITLE,
} from './oci.ts';
import type { BlobStore } from './store.ts';

export type ReferrerKind = 'signature' | 'bom' | 'attestation';

export interface Referrer {
  kind: ReferrerKind;
  /** Digest of its manifest. */
  digest: string;
  /** Size of its manifest, in bytes. */
  size: number;
  manifest: OciManifest;
  /** What it holds: the Sigstore bundle, or the bill of materials. */
  content: Descriptor;
}

/**
 * What refers to a variant, as far as it is known here what it is.
 * @param candidates digests to look at, such as those a deployment brought; otherwise what the store's index lists
 */
export async function findReferrers(store: BlobStore, subject: string, candidates?: readonly string[]): Promise<Referrer[]> {
  const digests = candidates ?? referrerCandidates(await store.readIndex(), subject);
  const found: Referrer[] = [];
  for (const digest of digests) {
    if (found.length >= MAX_REFERRERS) break;
    const referrer = await referrerAt(store, digest);
    if (referrer?.manifest.subject?.digest === subject) found.push(referrer);
  }
  return found;
}

/** The entries of a store's index that may refer to this variant: we note what they refer to, others may not. */
export function referrerCandidates(entries: readonly Descriptor[], subject: string): string[] {
  return entries
    .filter((entry) => KEPT_REFERRERS.includes(entry.artifactType ?? '') && (entry.annotations?.[SUBJECT] ?? subject) === subject)
    .map((entry) => entry.digest);
}

async function referrerAt(store: BlobStore, digest: string): Promise<Referrer | undefined> {
  const size = await store.size(digest);
  if (size === undefined || size > MAX_REFERRER_MANIFEST_BYTES) return undefined;
  const bytes = await store.read(digest, MAX_REFERRER_MANIFEST_BYTES);
  let manifest: OciManifest;
  try {
    manifest = parseManifest(bytes);
  } catch {
    // A candidate may be any blob: recipes and labels are no manifests.
    return undefined;
  }
  return asReferrer(digest, size, manifest);
}

/** What a manifest that refers to something holds; undefined when it is nothing that is known here. */
export function asReferrer(digest: string, size: number, manifest: OciManifest): Referrer | undefined {
  const [content, more] = manifest.layers;
  const kind = kindOf(manifest);
  if (!kind || !content || more || content.mediaType !== manifest.artifactType) return undefined;
  return { kind, digest, size, manifest, content };
}

/** The predicate that a manifest names is believed only so far: whoever hides a signature behind another one has no signature. */
function kindOf({ artifactType, annotations }: OciManifest): ReferrerKind | undefined {
  if (artifactType === BOM_TYPE) return 'bom';
  if (artifactType !== BUNDLE_MEDIA_TYPE) return undefined;
  return (annotations?.[SIGNATURE_PREDICATE] ?? PREDICATE_TYPE) === PREDICATE_TYPE ? 'signature' : 'attestation';
}

/** @param created milliseconds since the epoch */
export function signatureReferrer(subject: Descriptor, sigstoreBundle: Uint8Array, predicateType: string, created: number): ReferrerDocuments {
  const content = document(Buffer.from(sigstoreBundle), BUNDLE_MEDIA_TYPE);
  const about = { [CREATED]: new Date(created).toISOString(), [SIGNATURE_CONTENT]: 'dsse-envelope', [SIGNATURE_PREDICATE]: predicateType };
  return referrerOf(subject, content, `${subject.digest.replace(':', '-')}.sigstore.json`, about);
}

/** @param created milliseconds since the epoch */
export function bomReferrer(subject: Descriptor, bom: Buffer, created: number): ReferrerDocuments {
  return referrerOf(subject, document(bom, BOM_TYPE), 'bom.cdx.json', { [CREATED]: new Date(created).toISOString() });
}

export interface ReferrerDocuments {
  /** How the store's index lists it. */
  descriptor: Descriptor;
  /** Everything to be stored. */
  all: Document[];
}

function referrerOf(subject: Descriptor, content: Document, title: string, annotations: Record<string, string>): ReferrerDocuments {
  const artifactType = content.descriptor.mediaType;
  const empty = document(EMPTY_JSON, EMPTY_TYPE);
  const manifest = jsonDocument(
    {
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      artifactType,
      config: empty.descriptor,
      layers: [{ ...content.descriptor, annotations: { [TITLE]: title } }],
      subject: { mediaType: MANIFEST_TYPE, digest: subject.digest, size: subject.size },
      annotations,
    },
    MANIFEST_TYPE,
    { artifactType, annotations: { ...annotations, [SUBJECT]: subject.digest } },
  );
  return { descriptor: manifest.descriptor, all: [content, empty, manifest] };
}
