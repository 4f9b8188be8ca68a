/** A bundle in an OCI image layout, as something to receive. */
import { digestOf } from '../digests.ts';
import { KEPT_REFERRERS, referrerEntry } from '../entries.ts';
import { altered, misused, unsound } from '../errors.ts';
import { MAX_LAYOUT_INDEX_BYTES, MAX_LAYOUT_MANIFESTS, MAX_MANIFEST_BYTES, MAX_REFERRER_MANIFEST_BYTES } from '../limits.ts';
import { type Descriptor, INDEX_TYPE, MANIFEST_TYPE, NAME, type OciManifest, parseIndex, parseManifest, REF_NAME, SUBJECT, VERSION } from '../oci.ts';
import type { BundleProvider } from '../provider.ts';
import type { Layout } from './layout.ts';

/** Most names of bundles that an error lists. */
const MAX_NAMED = 10;

/**
 * @param ref which bundle, where the layout holds several: its `name@version`, reference name or digest
 * @throws archive.* (input), usage.which-bundle (usage)
 */
export async function layoutSource(layout: Layout, ref?: string): Promise<BundleProvider> {
  const bytes = await layout.small('index.json', MAX_LAYOUT_INDEX_BYTES);
  if (!bytes) throw unsound('archive.not-a-layout', 'There is no index.json.');
  const entries = parseIndex(bytes).manifests;
  if (entries.length > MAX_LAYOUT_MANIFESTS)
    throw unsound('archive.too-many-entries', 'The layout lists too much.', {
      expected: `at most ${MAX_LAYOUT_MANIFESTS} entries`,
      found: String(entries.length),
    });
  const index = choose(entries, ref);
  let referring: Promise<Map<string, Descriptor[]>> | undefined;
  return {
    index: { mediaType: index.mediaType, digest: index.digest, size: index.size },
    fetch: (blob, options) => layout.blob(blob, options),
    referrers: async (subject, signal) => (await (referring ??= findReferrers(layout, entries, signal))).get(subject) ?? [],
  };
}

/** What other tools call a tag that stands for the referrers of a digest where there is no referrers API. */
const FALLBACK_TAG = /^sha256-[0-9a-f]{64}$/;

function choose(entries: readonly Descriptor[], ref: string | undefined): Descriptor {
  const bundles = entries.filter((entry) => {
    const refers = KEPT_REFERRERS.includes(entry.artifactType ?? '') || entry.annotations?.[SUBJECT] !== undefined;
    return [INDEX_TYPE, MANIFEST_TYPE].includes(entry.mediaType) && !refers && !FALLBACK_TAG.test(entry.annotations?.[REF_NAME] ?? '');
  });
  const names = (entry: Descriptor) => [`${entry.annotations?.[NAME]}@${entry.annotations?.[VERSION]}`, entry.annotations?.[REF_NAME], entry.digest];
  const chosen = ref === undefined ? bundles : bundles.filter((entry) => names(entry).includes(ref));
  const [first] = chosen;
  if (first && new Set(chosen.map((entry) => entry.digest)).size === 1) return first;
  const listed = bundles.slice(0, MAX_NAMED).map((entry) => entry.annotations?.[REF_NAME] ?? entry.digest);
  if (bundles.length === 0) throw unsound('archive.empty', 'The layout lists no bundle.');
  throw misused('usage.which-bundle', ref === undefined ? 'There are several bundles in it.' : 'There is no such bundle in it.', {
    expected: `one of ${listed.join(', ')}${bundles.length > MAX_NAMED ? ' …' : ''}`,
    ...(ref !== undefined && { found: ref }),
    hint: 'Name one with --ref.',
  });
}

/** Reads the small manifests that are listed, to learn what they refer to: tools need not note it beside them. */
async function findReferrers(layout: Layout, entries: readonly Descriptor[], signal: AbortSignal): Promise<Map<string, Descriptor[]>> {
  const found = new Map<string, Descriptor[]>();
  const listed = [...entries];
  for (const entry of entries.filter((one) => one.mediaType === INDEX_TYPE && FALLBACK_TAG.test(one.annotations?.[REF_NAME] ?? '')))
    listed.push(...parseIndex(await small(layout, entry, MAX_MANIFEST_BYTES, signal)).manifests.slice(0, MAX_LAYOUT_MANIFESTS));
  for (const entry of listed) {
    if (entry.mediaType !== MANIFEST_TYPE || entry.size > MAX_REFERRER_MANIFEST_BYTES) continue;
    const manifest = manifestOrNothing(await small(layout, entry, MAX_REFERRER_MANIFEST_BYTES, signal));
    const subject = manifest && referrerEntry(entry.digest, entry.size, manifest)?.annotations[SUBJECT];
    if (subject !== undefined) found.set(subject, [...(found.get(subject) ?? []), entry]);
  }
  return found;
}

async function small(layout: Layout, { digest, size }: Descriptor, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of layout.blob({ digest, size }, { start: 0, signal })) {
    length += piece.length;
    if (length > Math.min(size, maxBytes)) break;
    pieces.push(piece);
  }
  const bytes = Buffer.concat(pieces);
  if (digestOf(bytes) !== digest) throw altered('store.digest-mismatch', 'A document is not what its digest says.', { expected: digest });
  return bytes;
}

function manifestOrNothing(bytes: Buffer): OciManifest | undefined {
  try {
    return parseManifest(bytes);
  } catch {
    return undefined;
  }
}
