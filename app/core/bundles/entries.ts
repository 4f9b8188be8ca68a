/**
 * What index.json says of a bundle and of what refers to it. Both follow from the documents alone, so that a lost index.json
 * can be made again, and only what is known and short is taken from documents that others made.
 */
import { NameSchema, VersionSchema } from '#contract';
import { BUNDLE_MEDIA_TYPE } from '#core/trust';
import {
  BOM_TYPE,
  CREATED,
  type Descriptor,
  INDEX_TYPE,
  MANIFEST_TYPE,
  MODEL_ARTIFACT_TYPE,
  NAME,
  type OciIndex,
  type OciManifest,
  PRECISION,
  REF_NAME,
  SIGNATURE_CONTENT,
  SIGNATURE_PREDICATE,
  SUBJECT,
  VARIANT,
  VERSION,
} from './oci.ts';

/** What may refer to a variant and is kept with it: signatures and attestations, bills of materials. */
export const KEPT_REFERRERS: readonly string[] = [BUNDLE_MEDIA_TYPE, BOM_TYPE];

/** Longest annotation that is copied into index.json, in characters. */
const MAX_ANNOTATION = 255;

function copied(annotations: Record<string, string> | undefined, keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    keys.flatMap((key) => {
      const value = annotations?.[key];
      return value !== undefined && value.length <= MAX_ANNOTATION ? [[key, value]] : [];
    }),
  );
}

/** The entry of a bundle's OCI index; undefined when it does not say which bundle it is. */
export function bundleEntry(digest: string, size: number, index: OciIndex): (Descriptor & { annotations: Record<string, string> }) | undefined {
  const annotations = copied(index.annotations, [CREATED, NAME, VERSION]);
  const [name, version] = [annotations[NAME], annotations[VERSION]];
  if (!NameSchema.safeParse(name).success || !VersionSchema.safeParse(version).success) return undefined;
  return { mediaType: INDEX_TYPE, digest, size, annotations: { ...annotations, [REF_NAME]: `${name}@${version}` } };
}

/** The entry of a variant in its bundle's index, from what the variant says of itself under its signature. */
export function variantEntry({ digest, size }: { digest: string; size: number }, variant: { name: string; precision: string }): Descriptor {
  return {
    mediaType: MANIFEST_TYPE,
    digest,
    size,
    artifactType: MODEL_ARTIFACT_TYPE,
    annotations: { [VARIANT]: variant.name, [PRECISION]: variant.precision },
  };
}

/** The entry of a manifest that refers to a variant; undefined when it is none that is kept. */
export function referrerEntry(digest: string, size: number, manifest: OciManifest): (Descriptor & { annotations: Record<string, string> }) | undefined {
  const { artifactType, subject, layers } = manifest;
  if (artifactType === undefined || !KEPT_REFERRERS.includes(artifactType) || !subject) return undefined;
  if (layers.length !== 1 || layers[0]?.mediaType !== artifactType) return undefined;
  const annotations = { ...copied(manifest.annotations, [CREATED, SIGNATURE_CONTENT, SIGNATURE_PREDICATE]), [SUBJECT]: subject.digest };
  return { mediaType: MANIFEST_TYPE, digest, size, artifactType, annotations };
}

/** An OCI index of a bundle lists its variants, and what refers to them, so that any tool that copies it whole takes that along. */
export function splitIndex({ manifests }: Pick<OciIndex, 'manifests'>): { variants: Descriptor[]; attached: Descriptor[] } {
  const isAttached = (entry: Descriptor) => KEPT_REFERRERS.includes(entry.artifactType ?? '');
  return { variants: manifests.filter((entry) => !isAttached(entry)), attached: manifests.filter(isAttached) };
}

/**
 * The order of index.json: bundles by name, then what refers to variants. It depends on nothing but the entries, so that an
 * index.json made again from the blobs is the one there was.
 */
export function inListOrder(entries: readonly Descriptor[]): Descriptor[] {
  const key = ({ annotations, digest }: Descriptor) => `${annotations?.[REF_NAME] ?? '~'} ${annotations?.[SUBJECT] ?? ''} ${digest}`;
  return entries
    .map((entry) => ({ entry, key: key(entry) }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ entry }) => entry);
}
