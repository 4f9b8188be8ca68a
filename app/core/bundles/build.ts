/** Making bundles: from a folder, and adding a variant to one that is there. */
import { basename, dirname, join, resolve } from 'node:path';
import type { BundleSummary, Variant } from '#contract';
import { type ModelReader, withReader } from '#core/onnx';
import { readFileBounded } from '#core/platform';
import type { BomMetric } from './bom.ts';
import { type Admit, candidateOf, checkInterface, checkModel, type CheckOptions, checkRecipe, runAdmit } from './candidate.ts';
import type { BundleRecord, Catalogue } from './catalogue.ts';
import { commitBundle, type RegistryParts } from './commit.ts';
import { reconcile } from './describe.ts';
import { splitIndex } from './entries.ts';
import { misused, unsound } from './errors.ts';
import { MAX_TEXT_BYTES, MAX_VARIANTS } from './limits.ts';
import type { LayerFile } from './layer-file.ts';
import { bundleIndex, precisionOf, VARIANT_NAME, variantDocuments } from './manifest.ts';
import { parseIndex, parseManifest, SUBJECT } from './oci.ts';
import { checkApart, SOURCE_FILE, VARIANT_FILE } from './paths.ts';
import { modelWeights, readBundleSource } from './source.ts';
import type { BundleSource } from './source-schema.ts';
import { type Options, type StagedFile, stageFiles, type Staging, withStaging } from './staging.ts';
import type { BlobStore } from './store.ts';
import { taskIn } from './task.ts';
import { fileNamed, layerFiles } from './variant.ts';

export interface BuildOptions extends CheckOptions {
  admit: Admit;
  /** The text of edgewright.yaml, for a folder that holds none. */
  source?: string | undefined;
}

/**
 * Builds `name@version` from a folder. The same content again changes nothing; other content under a name that is taken is
 * refused. Until the very end nothing is visible.
 * @throws bundle.*, model.* (input); whatever `admit` throws; bundle.version-taken (input)
 */
export function buildBundle(parts: RegistryParts, dir: string, options: BuildOptions): Promise<BundleSummary> {
  // Starting that process costs more than reading most models, so one does it all.
  return withReader((reader) => build(parts, reader, dir, options));
}

async function build(parts: RegistryParts, reader: ModelReader, dir: string, options: BuildOptions): Promise<BundleSummary> {
  const { store, catalogue, keyring } = parts;
  options.onProgress?.({ step: `Reading ${SOURCE_FILE}` });
  const folder = await readBundleSource(reader, dir, options.source);
  const { source } = folder;
  await store.sweepTemp();
  return withStaging(store, async (staging) => {
    const text = await store.stage(folder.text, { maxBytes: folder.text.length }, { path: join(staging.folder, SOURCE_FILE), signal: options.signal });
    const files: StagedFile[] = [
      ...(await stageFiles(store, staging, folder.files, options)),
      { ...text, layer: { path: SOURCE_FILE, role: 'source', digest: text.digest, bytes: text.size } },
    ];
    const layers = files.map((file) => file.layer);
    const unchanged = await store.exclusively(async () => {
      await reconcile(store, catalogue, parts.trust.anchors());
      return sameBundle(parts, source, layers, files);
    }, options.signal);
    if (unchanged) return unchanged;
    const facts = await checkModel(reader, join(staging.folder, source.model), source, options);
    if (source.recipe !== undefined)
      await checkRecipe(
        staging.folder,
        layers.map((layer) => layer.path),
        source.recipe,
        facts,
      );
    options.onProgress?.({ step: 'Loading the model and running its golden set' });
    // Its golden set was made with it, so it is held to the strictest rule whatever its precision.
    await runAdmit(options.admit, candidateOf(staging.folder, source, layers, facts, 'fp32'), options);
    options.onProgress?.({ step: 'Storing and signing' });
    return store.exclusively(async () => {
      const entries = await reconcile(store, catalogue, parts.trust.anchors());
      const meanwhile = await sameBundle(parts, source, layers, files);
      if (meanwhile) return meanwhile;
      const createdAt = Date.now();
      const precision = precisionOf(facts);
      const task = await taskIn(source, (path) => readFileBounded(join(staging.folder, path), MAX_TEXT_BYTES));
      const documents = await variantDocuments({ source, facts, variant: precision, precision, files: layers, createdAt, task }, keyring);
      const index = bundleIndex(source, [documents.manifest.descriptor], documents.referrers, createdAt);
      const replaced = catalogue.find(source.name, source.version)?.variants.map((v) => v.variant.digest) ?? [];
      await commitBundle(parts, { entries, index, files, documents: documents.all, signatures: documents.referrers, replaced, facts });
      return summaryOf(catalogue, source);
    }, options.signal);
  });
}

function summaryOf(catalogue: Catalogue, { name, version }: { name: string; version: string }): BundleSummary {
  const summary = catalogue.summary(name, version);
  if (!summary) throw new Error(`${name}@${version} was stored but is not in the catalogue`);
  return summary;
}

/**
 * What is stored under this name, when it has the same content; damaged blobs of it are replaced by the fresh ones.
 * @throws bundle.version-taken when the content differs
 */
async function sameBundle(
  parts: RegistryParts,
  source: BundleSource,
  layers: readonly LayerFile[],
  files: readonly StagedFile[],
): Promise<BundleSummary | undefined> {
  const { store, catalogue } = parts;
  const record = catalogue.find(source.name, source.version);
  if (!record) return undefined;
  const first = record.variants[0];
  if (!first) return undefined;
  const stored = layerFiles(parseManifest(first.manifest));
  stored.delete(VARIANT_FILE);
  const differs =
    layers.find((file) => stored.get(file.path)?.digest !== file.digest) ??
    [...stored.values()].find((file) => !layers.some((other) => other.path === file.path));
  if (differs) {
    throw unsound('bundle.version-taken', `${source.name}@${source.version} is there already with other content: ${differs.path} differs.`, {
      hint: `Give the new content another version in ${SOURCE_FILE}, or remove ${source.name}@${source.version} first.`,
    });
  }
  const damaged: StagedFile[] = [];
  for (const file of files) if (!(await store.verify(file.digest))) damaged.push(file);
  if (damaged.length > 0) await store.adopt(damaged);
  else if (record.state === 'sound') return summaryOf(catalogue, source);
  // It was damaged. If the fresh files make it whole again it stays as it was, its other variants with it; else it is made anew.
  for (const { digest } of [...record.closure, ...record.variants.flatMap((v) => v.closure)]) if (!(await store.verify(digest))) return undefined;
  if (record.variants.some((v) => v.signer === undefined)) return undefined;
  catalogue.release(record, parts.trust.anchors().digest);
  return summaryOf(catalogue, source);
}

export interface NewVariant extends Options {
  /** `int8-dynamic`, `fp16` … */
  name: string;
  /** The ONNX file; its external data is found beside it. */
  modelPath: string;
  /** `fp16`, `int8`, `int4` … */
  precision: string;
  /** How it was made, in words. */
  quantization?: string;
  /** What a trial found it to be worth. */
  metric?: BomMetric | undefined;
  /** Put it in the place of a variant of this name with other content; otherwise that is refused. */
  replace?: boolean;
}

/** @param model where it stands in the bundle */
async function stageVariant(store: BlobStore, reader: ModelReader, staging: Staging, model: string, added: NewVariant) {
  const from = resolve(added.modelPath);
  const folder = model.includes('/') ? model.slice(0, model.lastIndexOf('/') + 1) : '';
  const weights = await modelWeights(reader, dirname(from), basename(from));
  const named = [{ path: model, role: 'model' as const, from }, ...weights.map((file) => ({ ...file, path: folder + file.path }))];
  const files = await stageFiles(store, staging, named, added);
  const path = join(staging.folder, model);
  await reader.ask('check', { path }, added);
  return { files, facts: await reader.ask('inspect', { path }, added) };
}

/** Adds a variant to a stored bundle: everything but model and weights is shared with the first variant. */
export async function addVariantTo(parts: RegistryParts, bundle: BundleRecord, source: BundleSource, added: NewVariant): Promise<Variant> {
  const { store, catalogue, keyring } = parts;
  if (!VARIANT_NAME.test(added.name))
    throw misused('usage.variant-name', 'This cannot be the name of a variant.', { expected: '1 to 63 of a-z 0-9 . _ -', found: added.name.slice(0, 80) });
  return withStaging(store, async (staging) => {
    const { files, facts } = await withReader((reader) => stageVariant(store, reader, staging, source.model, added));
    if (bundle.facts) checkInterface(bundle.facts, facts);
    return store.exclusively(async () => {
      const entries = await reconcile(store, catalogue, parts.trust.anchors());
      const now = catalogue.find(bundle.name, bundle.version);
      const base = now?.variants[0];
      if (!now || !base) throw misused('usage.unknown-bundle', `${bundle.name}@${bundle.version} is no longer there.`);
      const shared = [...layerFiles(parseManifest(base.manifest)).values()].filter((file) => !['model', 'weights', 'variant'].includes(file.role));
      const layers = [...files.map((file) => file.layer), ...shared];
      checkApart(layers.map((file) => file.path));
      const old = now.variants.find((v) => v.variant.name === added.name);
      if (old) {
        const stored = layerFiles(parseManifest(old.manifest));
        if (layers.every((file) => stored.get(file.path)?.digest === file.digest) && stored.size === layers.length + 1) return old.variant;
        if (!added.replace || old === base) {
          throw unsound('bundle.variant-taken', `${bundle.name}@${bundle.version} has a variant ${added.name} with other content already.`, {
            hint: 'Give the new one another name.',
          });
        }
      } else if (now.variants.length >= MAX_VARIANTS) {
        throw unsound('bundle.too-many-variants', 'The bundle has too many variants.', { expected: `at most ${MAX_VARIANTS}` });
      }
      const createdAt = Date.now();
      const { name: variant, precision, quantization } = added;
      const task = await taskIn(source, (path) => store.read(fileNamed(layerFiles(parseManifest(base.manifest)), path).digest, MAX_TEXT_BYTES));
      const about = { task, base: { variant: base.variant.name, digest: base.variant.digest }, metric: added.metric };
      const documents = await variantDocuments({ source, facts, variant, precision, quantization, files: layers, createdAt, ...about }, keyring);
      const before = splitIndex(parseIndex(await store.read(now.digest)));
      const others = before.variants.filter((entry) => entry.digest !== old?.variant.digest);
      const attached = before.attached.filter((entry) => old === undefined || entry.annotations?.[SUBJECT] !== old.variant.digest);
      const index = bundleIndex(source, [...others, documents.manifest.descriptor], [...attached, ...documents.referrers], now.createdAt);
      await commitBundle(parts, {
        entries,
        index,
        files,
        documents: documents.all,
        signatures: documents.referrers,
        replaced: old ? [old.variant.digest] : [],
        facts: now.facts,
      });
      const stored = summaryOf(catalogue, source).variants.find((v) => v.name === variant);
      if (!stored) throw new Error(`variant ${variant} was stored but is not in the catalogue`);
      return stored;
    }, added.signal);
  });
}
