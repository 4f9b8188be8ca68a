/** Making bundles: from a folder, and adding a variant to one that is there. */
import { basename, dirname, join, resolve } from 'node:path';
import type { BundleSummary, CheckResult, InspectResult, Variant, Warning } from '#contract';
import { parseRecipe } from '#core/datasets';
import { checkStructure, inspectModel } from '#core/onnx';
import { readFileBounded } from '#core/platform';
import type { BundleRecord, Catalogue } from './catalogue.ts';
import { commitBundle, type RegistryParts } from './commit.ts';
import { reconcile } from './describe.ts';
import { misused, unsound } from './errors.ts';
import { MAX_TEXT_BYTES, MAX_VARIANTS } from './limits.ts';
import { bundleIndex, type LayerFile, precisionOf, VARIANT_NAME, variantDocuments } from './manifest.ts';
import { nearest } from './nearest.ts';
import { type Descriptor, parseIndex, parseManifest } from './oci.ts';
import { checkApart, SOURCE_FILE, VARIANT_FILE } from './paths.ts';
import { modelWeights, readBundleSource } from './source.ts';
import type { BundleSource } from './source-schema.ts';
import { type Options, type StagedFile, stageFiles, withStaging } from './staging.ts';
import { layerFiles } from './variant.ts';

/** What is about to become a bundle, laid out by name in a private folder, for the engine to run before it is stored. */
export interface Candidate {
  name: string;
  version: string;
  /** The folder with all files. */
  dir: string;
  modelPath: string;
  goldenPath?: string;
  calibrationPath?: string;
  testPath?: string;
  recipePath?: string;
  labelsPath?: string;
  examplePaths: string[];
  metric?: NonNullable<BundleSource['metric']>;
  tolerances: BundleSource['tolerances'];
  limits: BundleSource['limits'];
  source: BundleSource;
  /** What inspecting the model told. */
  facts: InspectResult;
}

/** Loads and runs a candidate; throws when it must not be stored. */
export type Admit = (candidate: Candidate, signal?: AbortSignal) => Promise<CheckResult>;

export interface BuildOptions extends Options {
  admit: Admit;
  /** Told every warning of the checks; a build with warnings succeeds. */
  onWarning?: (warning: Warning) => void;
}

/**
 * Builds `name@version` from a folder. The same content again changes nothing; other content under a name that is taken is
 * refused. Until the very end nothing is visible.
 * @throws bundle.*, model.* (input); whatever `admit` throws; bundle.version-taken (input)
 */
export async function buildBundle(parts: RegistryParts, dir: string, options: BuildOptions): Promise<BundleSummary> {
  const { store, catalogue, keyring } = parts;
  options.onProgress?.({ step: `Reading ${SOURCE_FILE}` });
  const folder = await readBundleSource(dir);
  const { source } = folder;
  await store.sweepTemp();
  return withStaging(store, async (staging) => {
    const text = await store.stage(folder.text, { maxBytes: folder.text.length }, { path: join(staging, SOURCE_FILE), signal: options.signal });
    const files: StagedFile[] = [
      ...(await stageFiles(store, staging, folder.files, options)),
      { ...text, layer: { path: SOURCE_FILE, role: 'source', digest: text.digest, bytes: text.size } },
    ];
    const layers = files.map((file) => file.layer);
    const unchanged = await store.exclusively(async () => {
      await reconcile(store, catalogue, [keyring.publicKeyPem]);
      return sameBundle(parts, source, layers, files);
    }, options.signal);
    if (unchanged) return unchanged;
    const facts = await checkModel(join(staging, source.model), source, options);
    if (source.recipe !== undefined) await checkRecipe(join(staging, source.recipe), source.recipe, facts);
    options.onProgress?.({ step: 'Loading the model and running its golden set' });
    const admitted = await options.admit(candidateOf(staging, source, layers, facts), options.signal);
    admitted.warnings.forEach((warning) => options.onWarning?.(warning));
    if (!admitted.ok)
      throw unsound('bundle.refused', `${source.name}@${source.version} did not pass its checks: ${admitted.warnings[0]?.message ?? 'no reason given'}.`);
    options.signal?.throwIfAborted();
    options.onProgress?.({ step: 'Storing and signing' });
    return store.exclusively(async () => {
      const entries = await reconcile(store, catalogue, [keyring.publicKeyPem]);
      const meanwhile = await sameBundle(parts, source, layers, files);
      if (meanwhile) return meanwhile;
      const createdAt = Date.now();
      const precision = precisionOf(facts);
      const documents = await variantDocuments({ source, facts, variant: precision, precision, files: layers, createdAt }, keyring);
      const index = bundleIndex(source, [documents.manifest.descriptor], createdAt);
      const replaced = catalogue.find(source.name, source.version)?.variants.map((v) => v.variant.digest) ?? [];
      await commitBundle(parts, { entries, index, files, documents: documents.all, signatures: [documents.signature.descriptor], replaced, facts });
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
  catalogue.setState(source.name, source.version, 'sound');
  return summaryOf(catalogue, source);
}

async function checkModel(path: string, source: BundleSource, options: BuildOptions): Promise<InspectResult> {
  options.onProgress?.({ step: 'Checking the model' });
  const check = await checkStructure(path, options.signal ? { signal: options.signal } : {});
  check.warnings.forEach((warning) => options.onWarning?.(warning));
  const facts = await inspectModel(path);
  if (source.metric) checkOutput(facts, source.metric.output, 'bundle.metric-output', `${SOURCE_FILE}: "metric.output"`);
  return facts;
}

/**
 * A recipe that cannot be read would only be found out when somebody runs the bundle.
 * @throws recipe.*, bundle.recipe-output (input)
 */
async function checkRecipe(path: string, name: string, facts: InspectResult): Promise<void> {
  const { answer } = parseRecipe((await readFileBounded(path, MAX_TEXT_BYTES)).toString('utf8'), name);
  if (answer && answer.kind !== 'tensors') checkOutput(facts, answer.output, 'bundle.recipe-output', `${name}: "answer.output"`);
}

function checkOutput(facts: InspectResult, output: string, code: string, field: string): void {
  const outputs = facts.outputs.map((one) => one.name);
  if (outputs.includes(output)) return;
  const meant = nearest(output, outputs);
  throw unsound(code, `${field} names ${output}, which the model does not have.`, {
    expected: outputs.join(', '),
    found: output,
    ...(meant !== undefined && { hint: `Did you mean "${meant}"?` }),
  });
}

function candidateOf(dir: string, source: BundleSource, layers: readonly LayerFile[], facts: InspectResult): Candidate {
  const at = (path: string | undefined) => (path === undefined ? undefined : join(dir, path));
  const [goldenPath, calibrationPath, testPath, recipePath, labelsPath] = [source.golden, source.calibration, source.test, source.recipe, source.labels].map(
    at,
  );
  return {
    name: source.name,
    version: source.version,
    dir,
    modelPath: join(dir, source.model),
    ...(goldenPath !== undefined && { goldenPath }),
    ...(calibrationPath !== undefined && { calibrationPath }),
    ...(testPath !== undefined && { testPath }),
    ...(recipePath !== undefined && { recipePath }),
    ...(labelsPath !== undefined && { labelsPath }),
    examplePaths: layers.filter((file) => file.role === 'example').map((file) => join(dir, file.path)),
    ...(source.metric && { metric: source.metric }),
    tolerances: source.tolerances,
    limits: source.limits,
    source,
    facts,
  };
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
  /** Put it in the place of a variant of this name with other content; otherwise that is refused. */
  replace?: boolean;
}

/** Adds a variant to a stored bundle: everything but model and weights is shared with the first variant. */
export async function addVariantTo(parts: RegistryParts, bundle: BundleRecord, source: BundleSource, added: NewVariant): Promise<Variant> {
  const { store, catalogue, keyring } = parts;
  if (!VARIANT_NAME.test(added.name))
    throw misused('usage.variant-name', 'This cannot be the name of a variant.', { expected: '1 to 63 of a-z 0-9 . _ -', found: added.name.slice(0, 80) });
  return withStaging(store, async (staging) => {
    const path = resolve(added.modelPath);
    const weights = await modelWeights(dirname(path), basename(path));
    const folder = source.model.includes('/') ? source.model.slice(0, source.model.lastIndexOf('/') + 1) : '';
    const named = [{ path: source.model, role: 'model' as const, from: path }, ...weights.map((file) => ({ ...file, path: folder + file.path }))];
    const files = await stageFiles(store, staging, named, added);
    await checkStructure(join(staging, source.model), added.signal ? { signal: added.signal } : {});
    const facts = await inspectModel(join(staging, source.model));
    if (bundle.facts) checkInterface(bundle.facts, facts);
    return store.exclusively(async () => {
      const entries = await reconcile(store, catalogue, [keyring.publicKeyPem]);
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
      const documents = await variantDocuments({ source, facts, variant, precision, quantization, files: layers, createdAt }, keyring);
      const others: Descriptor[] = parseIndex(await store.read(now.digest)).manifests.filter((entry) => entry.digest !== old?.variant.digest);
      const index = bundleIndex(source, [...others, documents.manifest.descriptor], now.createdAt);
      await commitBundle(parts, {
        entries,
        index,
        files,
        documents: documents.all,
        signatures: [documents.signature.descriptor],
        replaced: old ? [old.variant.digest] : [],
        facts: now.facts,
      });
      const stored = summaryOf(catalogue, source).variants.find((v) => v.name === variant);
      if (!stored) throw new Error(`variant ${variant} was stored but is not in the catalogue`);
      return stored;
    }, added.signal);
  });
}

/** A variant must be a drop-in: the same inputs and outputs by name, or the golden set and the recipe mean nothing to it. */
function checkInterface(base: InspectResult, variant: InspectResult): void {
  const names = (facts: InspectResult) => `inputs ${facts.inputs.map((i) => i.name).join(', ')}; outputs ${facts.outputs.map((o) => o.name).join(', ')}`;
  if (names(base) !== names(variant))
    throw unsound('bundle.variant-interface', 'The variant has other inputs or outputs than the bundle.', { expected: names(base), found: names(variant) });
}
