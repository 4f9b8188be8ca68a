/** What must hold of a model before it may be stored, whether it was built here or came from elsewhere. */
import { join } from 'node:path';
import type { CheckResult, InspectResult, Warning } from '#contract';
import { answerOutputs, checkRecipeFiles, metricKind, parseRecipe } from '#core/datasets';
import type { ModelReader } from '#core/onnx';
import { nearest, readFileBounded } from '#core/platform';
import { unsound } from './errors.ts';
import { MAX_TEXT_BYTES } from './limits.ts';
import type { LayerFile } from './layer-file.ts';
import { SOURCE_FILE } from './paths.ts';
import { recipeFilesIn } from './recipe-files.ts';
import type { BundleSource } from './source-schema.ts';
import type { Options } from './staging.ts';

/** What is about to become a bundle, laid out by name in a private folder, for the engine to run before it is stored. */
export interface Candidate {
  name: string;
  version: string;
  /** The folder with all files. */
  dir: string;
  modelPath: string;
  goldenPath?: string;
  /** Of every file, in `dir`. */
  paths: string[];
  /** Those of the golden set's raw inputs. */
  goldenRaw: string[];
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
  /** Whose golden rule it is held to: `fp32`, `fp16`, `int8` … */
  precision: string;
}

/** Loads and runs a candidate; throws when it must not be stored. */
export type Admit = (candidate: Candidate, signal?: AbortSignal) => Promise<Pick<CheckResult, 'ok' | 'warnings'>>;

export interface CheckOptions extends Options {
  /** Told every warning of the checks; what has only warnings is taken. */
  onWarning?: ((warning: Warning) => void) | undefined;
}

/** Bounds, structure, and the facts; warnings go to the caller. @throws model.*, bundle.metric-output (input) */
export async function checkModel(reader: ModelReader, path: string, source: BundleSource, options: CheckOptions): Promise<InspectResult> {
  options.onProgress?.({ step: 'Checking the model' });
  const check = await reader.ask('check', { path }, options);
  check.warnings.forEach((warning) => options.onWarning?.(warning));
  const facts = await reader.ask('inspect', { path }, options);
  for (const { name, type } of facts.outputs.filter(isNoTensor)) {
    const zipMap = type.startsWith('sequence(map(') ? " With skl2onnx, convert it again with options={'zipmap': False} to get it as a tensor." : '';
    options.onWarning?.({ code: 'model.output-no-tensor', message: `The output ${name} is a ${type}, which cannot be read here and is left out.${zipMap}` });
  }
  // A name nobody knows would only be found out when the model is scored.
  if (source.metric) metricKind(source.metric.name);
  if (source.metric) checkOutput(facts, source.metric.output, 'bundle.metric-output', `${SOURCE_FILE}: "metric.output"`);
  return facts;
}

/**
 * A recipe that cannot be read, or a file it names, would only be found out when somebody runs the bundle.
 * @param dir the folder with all files of the bundle
 * @param paths which they are
 * @throws recipe.*, tokenizer.*, bundle.recipe-output (input)
 */
export async function checkRecipe(dir: string, paths: readonly string[], name: string, facts: InspectResult): Promise<void> {
  const recipe = parseRecipe((await readFileBounded(join(dir, name), MAX_TEXT_BYTES)).toString('utf8'), name);
  for (const output of answerOutputs(recipe.answer)) checkOutput(facts, output, 'bundle.recipe-output', `${name}: "answer.output"`);
  await checkRecipeFiles(recipe, recipeFilesIn(dir, new Set(paths)));
}

/** A sequence, a map or an optional value. */
function isNoTensor({ type }: { type: string }): boolean {
  return /^(sequence|map|optional)\(/.test(type);
}

function checkOutput(facts: InspectResult, output: string, code: string, field: string): void {
  const outputs = facts.outputs.filter((one) => !isNoTensor(one)).map((one) => one.name);
  if (outputs.includes(output)) return;
  const meant = nearest(output, outputs);
  throw unsound(code, `${field} names ${output}, which is no output of the model that can be read.`, {
    expected: outputs.join(', '),
    found: output,
    ...(meant !== undefined && { hint: `Did you mean "${meant}"?` }),
  });
}

export function candidateOf(
  dir: string,
  source: BundleSource,
  layers: readonly Pick<LayerFile, 'path' | 'role'>[],
  facts: InspectResult,
  precision: string,
): Candidate {
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
    paths: layers.map((file) => file.path),
    goldenRaw: layers.filter((file) => file.role === 'golden-raw').map((file) => file.path),
    examplePaths: layers.filter((file) => file.role === 'example').map((file) => join(dir, file.path)),
    ...(source.metric && { metric: source.metric }),
    tolerances: source.tolerances,
    limits: source.limits,
    source,
    facts,
    precision,
  };
}

/** Loads and runs a candidate as `admit` does. @throws bundle.refused (input), and whatever `admit` throws */
export async function runAdmit(admit: Admit, candidate: Candidate, options: CheckOptions): Promise<void> {
  const admitted = await admit(candidate, options.signal);
  admitted.warnings.forEach((warning) => options.onWarning?.(warning));
  if (!admitted.ok)
    throw unsound('bundle.refused', `${candidate.name}@${candidate.version} did not pass its checks: ${admitted.warnings[0]?.message ?? 'no reason given'}.`);
  options.signal?.throwIfAborted();
}

/** A variant must be a drop-in: the same inputs and outputs by name, or the golden set and the recipe mean nothing to it. */
export function checkInterface(base: InspectResult, variant: InspectResult): void {
  const names = (facts: InspectResult) => `inputs ${facts.inputs.map((i) => i.name).join(', ')}; outputs ${facts.outputs.map((o) => o.name).join(', ')}`;
  if (names(base) !== names(variant))
    throw unsound('bundle.variant-interface', 'The variant has other inputs or outputs than the bundle.', { expected: names(base), found: names(variant) });
}
