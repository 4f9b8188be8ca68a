/** What a bundle that comes from elsewhere changes about the one of that name that may be here already. */
import type { BundleSummary, InspectResult } from '#contract';
import type { BundleRecord } from './catalogue.ts';
import type { RegistryParts } from './commit.ts';
import { splitIndex } from './entries.ts';
import { altered, unsound } from './errors.ts';
import type { Incoming, IncomingVariant } from './incoming.ts';
import { MAX_MANIFEST_BYTES, MAX_VARIANTS } from './limits.ts';
import { bundleIndex } from './manifest.ts';
import { type Descriptor, type Document, parseIndex, parseManifest } from './oci.ts';
import { layerFiles } from './variant.ts';

export interface Merge {
  /** Set when all of it is here and sound. */
  unchanged?: BundleSummary;
  /** The bundle's index as it is to be. */
  index: Document;
  /** Variants that are new here, or to be made whole again. */
  added: IncomingVariant[];
  /** What is known of the model of the bundle's first variant, when that is not new. */
  facts?: InspectResult;
}

/**
 * Call it within `store.exclusively`, the catalogue being in line.
 * @param signed digests of the variants that someone trusted signed
 * @throws bundle.version-taken (input); bundle.variant-unsigned (trust) when a bundle that is sound would no longer be
 */
export async function merge(parts: RegistryParts, incoming: Incoming, signed: ReadonlySet<string>): Promise<Merge> {
  const { store, catalogue } = parts;
  const here = catalogue.find(incoming.name, incoming.version);
  if (!here) return { index: incoming.index, added: incoming.variants };
  if (here.state !== 'sound' && here.digest === incoming.index.descriptor.digest) return { index: incoming.index, added: incoming.variants };
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
  if (added.length === 0) return { unchanged: summary, index: incoming.index, added };
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
  const attached = [...before.attached, ...added.flatMap(({ referrers }) => referrers)];
  const index = lists(incoming, variants) ? incoming.index : bundleIndex(here, variants, attached, here.createdAt);
  return { index, added, ...(here.facts && { facts: here.facts }) };
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
