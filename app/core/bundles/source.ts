/** A bundle's folder as its author made it: `edgewright.yaml` and the files it names. */
import { constants } from 'node:fs';
import { type FileHandle, open, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { filesOfRecipe, parseRecipe, sampleOfRaw } from '#core/datasets';
import type { ModelReader } from '#core/onnx';
import { readFileBounded } from '#core/platform';
import { misused, unsound } from './errors.ts';
import {
  MAX_DATASET_BYTES,
  MAX_EXAMPLE_BYTES,
  MAX_EXAMPLES,
  MAX_FILES,
  MAX_GOLDEN_RAW,
  MAX_GOLDEN_RAW_BYTES,
  MAX_MODEL_BYTES,
  MAX_SOURCE_BYTES,
  MAX_TEXT_BYTES,
  MAX_TOKENIZER_BYTES,
  MAX_WEIGHTS_BYTES,
} from './limits.ts';
import { checkApart, pathProblem, SOURCE_FILE } from './paths.ts';
import { type BundleSource, parseSource } from './source-schema.ts';

/** What a file of a bundle is for. */
export type Role =
  | 'model'
  | 'weights'
  | 'golden'
  | 'golden-raw'
  | 'calibration'
  | 'test'
  | 'recipe'
  | 'labels'
  | 'tokenizer'
  | 'source'
  | 'example'
  | 'variant';

/** Largest file of each role, in bytes. */
export const MAX_ROLE_BYTES: Record<Role, number> = {
  model: MAX_MODEL_BYTES,
  weights: MAX_WEIGHTS_BYTES,
  golden: MAX_DATASET_BYTES,
  'golden-raw': MAX_GOLDEN_RAW_BYTES,
  calibration: MAX_DATASET_BYTES,
  test: MAX_DATASET_BYTES,
  recipe: MAX_TEXT_BYTES,
  labels: MAX_TEXT_BYTES,
  tokenizer: MAX_TOKENIZER_BYTES,
  source: MAX_SOURCE_BYTES,
  example: MAX_EXAMPLE_BYTES,
  variant: MAX_TEXT_BYTES,
};

export interface SourceFile {
  /** Path inside the bundle, with `/`. */
  path: string;
  role: Role;
  /** Where it is now. */
  from: string;
}

export interface BundleFolder {
  source: BundleSource;
  /** The bytes of edgewright.yaml that `source` was read from. */
  text: Buffer;
  /** Every other file. */
  files: SourceFile[];
}

/**
 * Reads `edgewright.yaml` in `dir` and finds every file it names, including the model's external data.
 * @param given the text of edgewright.yaml, where the folder itself holds none
 * @throws owner usage when there is no such folder, owner input (bundle.*, model.*) when it is wrong
 */
export async function readBundleSource(reader: ModelReader, dir: string, given?: string): Promise<BundleFolder> {
  const root = await realpath(dir).catch((cause: unknown) => {
    throw misused('usage.missing-file', `There is no folder ${dir}.`, { hint: `Name a folder that holds ${SOURCE_FILE}.`, cause });
  });
  if (!(await stat(root)).isDirectory()) throw misused('usage.not-a-folder', `${dir} is not a folder.`, { hint: `Name the folder that holds ${SOURCE_FILE}.` });
  const text = given === undefined ? await readSourceFile(root, dir) : Buffer.from(given);
  const source = parseSource(text.toString('utf8'));
  const named = async (role: 'model' | 'golden' | 'recipe' | 'labels' | 'calibration' | 'test'): Promise<SourceFile[]> => {
    const path = source[role];
    return path === undefined ? [] : [{ path, role, from: await inside(root, path, role) }];
  };
  const files: SourceFile[] = [];
  const add = (more: SourceFile[]) => {
    // One file may serve twice, as golden and calibration set: the first role counts, and those a device needs come first.
    for (const file of more) if (!files.some((other) => other.path === file.path)) files.push(file);
  };
  add(await named('model'));
  add(await modelWeights(reader, root, source.model));
  for (const role of ['golden', 'recipe', 'labels'] as const) add(await named(role));
  add(await recipeFiles(root, source.recipe));
  add(await rawInputs(root, source));
  add(await examples(root, source.examples));
  for (const role of ['calibration', 'test'] as const) add(await named(role));
  if (files.length > MAX_FILES)
    throw unsound('bundle.too-many-files', 'The bundle has too many files.', { expected: `at most ${MAX_FILES}`, found: String(files.length) });
  checkApart([SOURCE_FILE, ...files.map((file) => file.path)]);
  return { source, text, files };
}

/** The files beside a model that hold its external data, named relative to `root`. */
export async function modelWeights(reader: ModelReader, root: string, modelPath: string): Promise<SourceFile[]> {
  const path = join(root, modelPath);
  const files: SourceFile[] = [];
  const base = await realpath(dirname(path));
  const folder = modelPath.includes('/') ? modelPath.slice(0, modelPath.lastIndexOf('/') + 1) : '';
  for (const from of await reader.ask('externalFiles', { path })) {
    const name = folder + relative(base, from).split(sep).join('/');
    const problem = pathProblem(name);
    if (problem !== undefined) throw unsound('bundle.path-wrong', `The model's external data file ${name} ${problem}.`);
    files.push({ path: name, role: 'weights', from });
  }
  return files;
}

/** Files the recipe names: they belong to the bundle without being named twice. */
async function recipeFiles(root: string, recipe: string | undefined): Promise<SourceFile[]> {
  if (recipe === undefined) return [];
  const text = await readFileBounded(await inside(root, recipe, 'recipe'), MAX_TEXT_BYTES);
  return Promise.all(
    filesOfRecipe(parseRecipe(text.toString('utf8'), recipe)).map(async (path) => {
      const problem = pathProblem(path);
      if (problem !== undefined) throw unsound('bundle.path-wrong', `${recipe}: the file ${path} ${problem}.`);
      return { path, role: 'tokenizer' as const, from: await inside(root, path, recipe) };
    }),
  );
}

/** Raw inputs of golden samples, each named by its sample; only a recipe can make tensors of them. */
async function rawInputs(root: string, { goldenRaw, recipe }: BundleSource): Promise<SourceFile[]> {
  if (goldenRaw === undefined) return [];
  if (recipe === undefined)
    throw unsound('bundle.raw-no-recipe', `${SOURCE_FILE}: "golden.raw" needs a recipe, which makes tensors of raw inputs.`, {
      hint: 'Name one: recipe: recipe.yaml',
    });
  const paths = typeof goldenRaw === 'string' ? await filesIn(root, goldenRaw, 'golden.raw') : goldenRaw;
  if (paths.length > MAX_GOLDEN_RAW)
    throw unsound('bundle.too-many-files', 'The golden set has too many raw inputs.', { expected: `at most ${MAX_GOLDEN_RAW}`, found: String(paths.length) });
  const samples = new Map<number, string>();
  for (const path of paths) {
    const sample = sampleOfRaw(path);
    const other = sample === undefined ? undefined : samples.get(sample);
    if (sample === undefined || other !== undefined)
      throw unsound(
        'bundle.raw-name',
        `${SOURCE_FILE}: "golden.raw": ${sample === undefined ? `${path} does not say its sample` : `${path} and ${other} are of one sample`}.`,
        {
          expected: 'names that begin with the number of the sample, counted from 0: 3.png, 3-seven.png',
          found: path,
        },
      );
    samples.set(sample, path);
  }
  return Promise.all(paths.map(async (path) => ({ path, role: 'golden-raw' as const, from: await inside(root, path, 'golden.raw') })));
}

async function examples(root: string, named: BundleSource['examples']): Promise<SourceFile[]> {
  if (named === undefined) return [];
  const paths = typeof named === 'string' ? await filesIn(root, named, 'examples') : named;
  if (paths.length > MAX_EXAMPLES)
    throw unsound('bundle.too-many-files', 'The bundle has too many examples.', { expected: `at most ${MAX_EXAMPLES}`, found: String(paths.length) });
  return Promise.all(paths.map(async (path) => ({ path, role: 'example' as const, from: await inside(root, path, 'examples') })));
}

/** The files of a folder in the order of their names, or the one file. */
async function filesIn(root: string, path: string, field: string): Promise<string[]> {
  const full = await located(root, path, field);
  if (!(await stat(full)).isDirectory()) return [path];
  const names = (await readdir(full, { withFileTypes: true }))
    .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'))
    .map((entry) => entry.name);
  return names.sort().map((name) => {
    const problem = pathProblem(`${path}/${name}`);
    if (problem !== undefined) throw unsound('bundle.path-wrong', `${SOURCE_FILE}: "${field}": the file ${path}/${name} ${problem}.`);
    return `${path}/${name}`;
  });
}

/** Where a named file really is: a regular file inside the folder, links followed. */
async function inside(root: string, path: string, field: string): Promise<string> {
  const full = await located(root, path, field);
  if (!(await stat(full)).isFile()) throw unsound('bundle.not-a-file', `${SOURCE_FILE}: "${field}" names ${path}, which is not a regular file.`);
  return full;
}

async function located(root: string, path: string, field: string): Promise<string> {
  const full = await realpath(join(root, path)).catch((cause: unknown) => {
    throw unsound('bundle.file-missing', `${SOURCE_FILE}: "${field}" names ${path}, which is not there.`, {
      hint: 'Put the file beside edgewright.yaml, or correct the name.',
      cause,
    });
  });
  const inner = relative(root, full);
  if (inner === '..' || inner.startsWith(`..${sep}`) || isAbsolute(inner)) {
    throw unsound('bundle.path-leaves', `${SOURCE_FILE}: "${field}" names ${path}, which leads out of the folder.`, { hint: 'Copy the file into the folder.' });
  }
  return full;
}

/**
 * Opens a file found above. A link or a pipe put in its place since is not followed and not waited for.
 * @throws bundle.not-a-file, bundle.file-too-large
 */
export async function openSourceFile(file: SourceFile): Promise<{ handle: FileHandle; size: number }> {
  const handle = await open(file.from, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  try {
    const info = await handle.stat();
    if (!info.isFile()) throw unsound('bundle.not-a-file', `${file.path} is not a regular file.`);
    if (info.size > MAX_ROLE_BYTES[file.role]) {
      throw unsound('bundle.file-too-large', `${file.path} is too large for its role, ${file.role}.`, {
        expected: `at most ${MAX_ROLE_BYTES[file.role]} bytes`,
        found: `${info.size} bytes`,
      });
    }
    return { handle, size: info.size };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function readSourceFile(root: string, dir: string): Promise<Buffer> {
  return readFileBounded(join(root, SOURCE_FILE), MAX_SOURCE_BYTES).catch((cause: unknown) => {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')) throw cause;
    throw unsound('bundle.source-missing', `${dir} has no ${SOURCE_FILE}.`, {
      hint: `Describe the bundle in a file named ${SOURCE_FILE}; the sample bundle shows how.`,
      cause,
    });
  });
}
