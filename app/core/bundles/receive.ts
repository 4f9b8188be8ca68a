/**
 * The one way a finished bundle comes in from elsewhere. Nothing the source says is believed: documents are bounded and held
 * together first, then files are fetched as far as they are lacking, then every new variant passes what a build passes.
 * What nobody trusted signed is kept, but quarantined; what was altered after somebody trusted signed it is refused.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { asEdgewrightError, type BundleSummary, type InspectResult, type Owner } from '#contract';
import { type ModelReader, withReader } from '#core/onnx';
import { acceptBundle } from './accept.ts';
import { type Admit, candidateOf, checkInterface, checkModel, type CheckOptions, checkRecipe, runAdmit } from './candidate.ts';
import { commitBundle, type RegistryParts } from './commit.ts';
import { reconcile } from './describe.ts';
import { broken } from './errors.ts';
import { Held } from './held.ts';
import { type Incoming, type IncomingVariant, readIncoming } from './incoming.ts';
import { merge } from './merge.ts';
import { type Descriptor, parseManifest } from './oci.ts';
import { sweepPartial } from './partial.ts';
import type { BundleProvider } from './provider.ts';
import { judgeIncoming } from './signers.ts';
import { withStaging } from './staging.ts';

export interface ReceiveOptions extends CheckOptions {
  admit: Admit;
}

/** Failures that are about the bundle itself: what has come of it is not worth keeping. */
const ABOUT_THE_BUNDLE: readonly Owner[] = ['input', 'trust', 'gate'];

/**
 * Takes a bundle in. The same content again changes nothing; variants that a sound bundle of this name lacks are added to
 * it, and so is what refers to its variants and counts; any other content under a name that is taken is refused. Until the very end nothing is visible. What had come when it
 * was cut off is kept for a while, and the next try goes on with it.
 * @throws bundle.foreign, bundle.version-taken, bundle.*, model.* (input); store.*-mismatch, trust.* (trust) when altered;
 *   machine.disk-full before anything large is fetched; what the provider and `admit` throw
 */
export async function receiveBundle(parts: RegistryParts, provider: BundleProvider, options: ReceiveOptions): Promise<BundleSummary> {
  const { store, catalogue, trust } = parts;
  const ignored = (message: string) => options.onWarning?.({ code: 'bundle.attachment-ignored', message });
  await store.sweepTemp();
  await sweepPartial(store.dir, Date.now());
  options.onProgress?.({ step: 'Reading what the bundle consists of' });
  const incoming = await readIncoming(store, provider, {
    signal: options.signal,
    onIgnored: ignored,
  });
  const verdict = await judgeIncoming(incoming, trust.anchors());
  const planned = await store.exclusively(async () => merge(parts, await reconcile(store, catalogue, trust.anchors()), incoming, verdict), options.signal);
  for (const why of planned.late.ignored) ignored(`Something attached to the bundle was left out: ${why}.`);
  if (planned.unchanged) return planned.unchanged;
  return withStaging(store, async (staging) => {
    const held = new Held(store, provider, join(staging.folder, 'held'), options);
    try {
      await held.gather(filesOf(incoming, planned.added));
      const isChecked = planned.added.length > 0;
      const facts = !isChecked
        ? planned.facts
        : await withReader((reader) => checkVariants(reader, held, incoming, planned.added, planned.facts, join(staging.folder, 'variant'), options));
      options.onProgress?.({ step: 'Storing' });
      const summary = await store.exclusively(async () => {
        const entries = await reconcile(store, catalogue, trust.anchors());
        // Another may have come first, or have brought a part of it.
        const { unchanged, index, added, late } = await merge(parts, entries, incoming, verdict);
        if (unchanged) return unchanged;
        if (added.some((variant) => !planned.added.includes(variant))) throw changedMeanwhile(incoming);
        await commitBundle(parts, {
          entries: entries.filter(({ digest }) => !late.outdated.includes(digest)),
          index,
          files: held.staged(),
          documents: documentsOf(incoming, added, late.entries),
          signatures: late.entries,
          replaced: [],
          facts,
        });
        return catalogue.summary(incoming.name, incoming.version);
      }, options.signal);
      if (!summary) throw new Error('the bundle was stored but is not in the catalogue');
      await held.release(false);
      if (summary.state === 'sound') await acceptBundle(parts, summary, false);
      return catalogue.summary(incoming.name, incoming.version) ?? summary;
    } catch (error) {
      await held.release(!ABOUT_THE_BUNDLE.includes(asEdgewrightError(error).owner));
      throw error;
    }
  });
}

function changedMeanwhile({ name, version }: Incoming) {
  return broken('bundle.changed-meanwhile', `${name}@${version} was changed by somebody else while it came in.`, { hint: 'Run it again.' });
}

function filesOf(incoming: Incoming, variants: readonly IncomingVariant[]) {
  const layers = variants.flatMap((variant) => variant.resolved.manifest.layers).filter((layer) => !incoming.documents.has(layer.digest));
  return new Map(layers.map((layer) => [layer.digest, layer]));
}

/** The small documents of these variants, and of these manifests that refer to one. */
function documentsOf(incoming: Incoming, variants: readonly IncomingVariant[], referrers: readonly Descriptor[]) {
  const needed = new Set(variants.flatMap((variant) => [...variant.documents]));
  for (const { digest } of referrers) {
    const manifest = parseManifest(incoming.documents.get(digest)?.bytes ?? Buffer.alloc(0));
    for (const part of [digest, manifest.config.digest, ...manifest.layers.map((layer) => layer.digest)]) needed.add(part);
  }
  return [...incoming.documents.values()].filter((document) => needed.has(document.descriptor.digest));
}

/**
 * Holds every new variant to what a build is held to, one after the other.
 * @param known the facts of the bundle's first variant, when that is here already
 * @returns the facts of the bundle's first variant
 */
async function checkVariants(
  reader: ModelReader,
  held: Held,
  incoming: Incoming,
  variants: readonly IncomingVariant[],
  known: InspectResult | undefined,
  folder: string,
  options: ReceiveOptions,
): Promise<InspectResult | undefined> {
  let base = known;
  for (const variant of variants) {
    const { source, files, variant: about } = variant.resolved;
    await held.layOut(incoming, variant, folder);
    try {
      const facts = await checkModel(reader, join(folder, source.model), source, options);
      if (base) checkInterface(base, facts);
      base ??= facts;
      if (source.recipe !== undefined) await checkRecipe(folder, [...files.keys()], source.recipe, facts);
      options.onProgress?.({ step: `Loading variant ${about.name} and running its golden set` });
      await runAdmit(options.admit, candidateOf(folder, source, [...files.values()], facts, about.precision), options);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  return base;
}
