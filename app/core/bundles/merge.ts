/** What a bundle that comes from elsewhere changes about the one of that name that may be here already. */
import type { BundleSummary, InspectResult } from '#contract';
import type { BundleRecord, VariantRecord } from './catalogue.ts';
import type { RegistryParts } from './commit.ts';
import { isEntryOf } from './describe.ts';
import { splitIndex } from './entries.ts';
import { altered, unsound } from './errors.ts';
import type { Incoming, IncomingVariant } from './incoming.ts';
import { type Late, lateReferrers } from './late.ts';
import { MAX_MANIFEST_BYTES, MAX_VARIANTS } from './limits.ts';
import { bundleIndex } from './manifest.ts';
import { CREATED, type Descriptor, type Document, parseIndex, parseManifest } from './oci.ts';
import type { Verdict } from './signers.ts';
import { layerFiles } from './variant.ts';

export interface Merge {
  /** Set when all of it is here and sound. */
  unchanged?: BundleSummary;
  /** The bundle's index as it is to be. */
  index: Document;
  /** Variants that are new here, or to be made whole again. */
  added: IncomingVariant[];
  /** What refers to variants that are here, and is taken in with them; see lateReferrers. */
  late: Late;
  /** What is known of the model of the bundle's first variant, when that is not new. */
  facts?: InspectResult;
}

/**
 * Call it within `store.exclusively`, the catalogue being in line.
 * @param entries what index.json lists
 * @param verdict what counts of what came
 * @throws bundle.version-taken (input); bundle.variant-unsigned (trust) when a bundle that is sound would no longer be
 */
export async function merge(parts: RegistryParts, entries: readonly Descriptor[], incoming: Incoming, { signed, counting }: Verdict): Promise<Merge> {
  const { store, catalogue } = parts;
  const here = catalogue.find(incoming.name, incoming.version);
  const late = lateOf(here, incoming, counting);
  const whole = indexOfIncoming(here, incoming, late);
  // Where what is here is not whole, or was signed by nobody, all of it came again and is judged again.
  if (!here || (here.state !== 'sound' && isWholly(here, incoming))) return { index: whole, added: incoming.variants, late };
  const there = new Map(here.variants.map(({ variant }) => [variant.name, variant.digest]));
  const added = incoming.variants.filter(({ resolved, descriptor }) => {
    const digest = there.get(resolved.variant.name);
    if (digest !== undefined && digest !== descriptor.digest) throw taken(incoming, `its variant ${resolved.variant.name} differs`);
    return digest === undefined;
  });
  checkShared(here, incoming, added);
  const summary = catalogue.summary(here.name, here.version);
  if (here.state !== 'sound' || !summary) throw taken(incoming, `it is ${here.state}`);
  const before = splitIndex(parseIndex(await store.read(here.digest, MAX_MANIFEST_BYTES)));
  const kept = before.attached.filter(({ digest }) => !late.outdated.includes(digest));
  const facts = here.facts && { facts: here.facts };
  if (added.length === 0) {
    if (late.entries.length === 0) return { unchanged: summary, index: whole, added, late };
    // A signature more changes no tag: only where the index lists what is replaced it has to be made anew.
    const isSame = kept.length === before.attached.length;
    const index = isSame ? await indexHere(parts, here, entries) : bundleIndex(here, before.variants, [...kept, ...late.entries], here.createdAt);
    return { index, added, late, ...facts };
  }
  const unsigned = added.find(({ descriptor }) => !signed.has(descriptor.digest));
  if (unsigned)
    throw altered(
      'bundle.variant-unsigned',
      `${here.name}@${here.version} is here and sound; the variant ${unsigned.resolved.variant.name} that would be added is not signed by anyone trusted here.`,
      {
        hint: 'Add the public key of its signer if you trust it, then take it in again.',
      },
    );
  const variants = [...before.variants, ...added.map(({ descriptor }) => descriptor)];
  if (variants.length > MAX_VARIANTS)
    throw unsound('bundle.too-many-variants', 'The bundle would have too many variants.', { expected: `at most ${MAX_VARIANTS}` });
  const index = lists(incoming, variants) ? whole : bundleIndex(here, variants, [...kept, ...late.entries], here.createdAt);
  return { index, added, late, ...facts };
}

/** What comes along of what refers to the variants, for those that are here and those that are not. */
function lateOf(here: BundleRecord | undefined, incoming: Incoming, counting: Verdict['counting']): Late {
  const all: Late = { entries: [], outdated: [], ignored: [] };
  for (const variant of incoming.variants) {
    const there = here?.variants.find((one) => one.variant.digest === variant.descriptor.digest);
    const isSound = there !== undefined && here?.state === 'sound';
    const late = lateReferrers(there, variant, counting, !isSound);
    // What is here of a damaged bundle may be what is damaged.
    const again = isSound || !there ? [] : variant.referrers.filter(({ digest }) => referrersOf(there).includes(digest) && !late.outdated.includes(digest));
    all.entries.push(...again, ...late.entries);
    all.outdated.push(...late.outdated);
    all.ignored.push(...late.ignored);
  }
  return all;
}

function referrersOf({ signatures, attached }: Pick<VariantRecord, 'signatures' | 'attached'>): string[] {
  return [...signatures, ...attached].map(({ digest }) => digest);
}

/** The index that came, without what it lists and is not taken: an index that lists what is not here is no use to anybody. */
function indexOfIncoming(here: BundleRecord | undefined, incoming: Incoming, late: Late): Document {
  const there = new Set([...late.entries.map(({ digest }) => digest), ...(here?.variants.flatMap(referrersOf) ?? [])]);
  for (const digest of late.outdated) there.delete(digest);
  const listed = splitIndex(parseIndex(incoming.index.bytes)).attached;
  if (listed.every(({ digest }) => there.has(digest))) return incoming.index;
  return bundleIndex(
    incoming,
    incoming.variants.map(({ descriptor }) => descriptor),
    listed.filter(({ digest }) => there.has(digest)),
    Date.parse(incoming.index.descriptor.annotations?.[CREATED] ?? '') || 0,
  );
}

/** Whether every variant that is here came again. */
function isWholly(here: BundleRecord, incoming: Incoming): boolean {
  const came = new Set(incoming.variants.map(({ descriptor }) => descriptor.digest));
  return here.digest === incoming.index.descriptor.digest || here.variants.every(({ variant }) => came.has(variant.digest));
}

async function indexHere({ store }: RegistryParts, here: BundleRecord, entries: readonly Descriptor[]): Promise<Document> {
  const descriptor = entries.find((entry) => isEntryOf(entry, here));
  if (!descriptor) throw new Error('a bundle of the catalogue is not listed');
  return { bytes: await store.read(here.digest, MAX_MANIFEST_BYTES), descriptor };
}

/** Variants of one bundle share everything but model and weights. */
function checkShared(here: BundleRecord, incoming: Incoming, added: readonly IncomingVariant[]): void {
  const base = here.variants[0];
  const shared = (files: ReadonlyMap<string, { path: string; role: string; digest: string }>) =>
    [...files.values()]
      .filter((file) => !['model', 'weights', 'variant'].includes(file.role))
      .map((file) => `${file.path} ${file.digest}`)
      .sort()
      .join('\n');
  if (!base) return;
  const mine = shared(layerFiles(parseManifest(base.manifest)));
  for (const { resolved } of added)
    if (shared(resolved.files) !== mine) throw taken(incoming, `what its variant ${resolved.variant.name} shares with the others differs`);
}

function lists(incoming: Incoming, variants: readonly Descriptor[]): boolean {
  const own = incoming.variants.map(({ descriptor }) => descriptor.digest);
  return own.length === variants.length && own.every((digest, i) => variants[i]?.digest === digest);
}

function taken({ name, version }: Incoming, why: string) {
  return unsound('bundle.version-taken', `${name}@${version} is there already with other content: ${why}.`, {
    hint: `Remove ${name}@${version} first if this one should take its place, or give the new content another version where it is made.`,
  });
}
