/** The shared fixture models as bundles, made from what their manifest says of them. */
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { readNpz, type Tensor, toNumbers } from '#core/datasets';

/** Beside the checkout; not part of it. */
export const SHARED_FIXTURES = resolve(import.meta.dirname, '../../../shared/fixtures');

export interface FixtureModel {
  name: string;
  task: string;
  layout: string;
  metric: { name: string; output: string; output_scale?: number; higher_is_better: boolean; fp32: number };
  features?: string[];
  classes?: string[];
  preprocess: { steps: string; mean?: number[]; std?: number[]; scale?: number; max_length?: number };
  inputs: { name: string; dtype: string; shape: (string | number | null)[] }[];
  outputs: { name: string }[];
  golden: { atol: number; rtol: number };
}

/** Every model of the manifest in `root`; none where there is no manifest. */
export function fixtureModels(root = SHARED_FIXTURES): FixtureModel[] {
  const manifest = join(root, 'manifest.json');
  return existsSync(manifest) ? (JSON.parse(readFileSync(manifest, 'utf8')) as { models: FixtureModel[] }).models : [];
}

/** Files of a fixture that a bundle takes as they are. */
const COPIED = ['model.onnx', 'model.onnx.data', 'golden.npz', 'calibration.npz', 'test.npz', 'labels.txt', 'tokenizer.json'];

/**
 * Writes a bundle's folder. Examples are the first images, or the first rows of the test set as CSV.
 * @param dir made if need be
 * @param from the folder of the fixture's files
 */
export async function writeFixtureBundle(model: FixtureModel, dir: string, from: string): Promise<void> {
  await mkdir(join(dir, 'examples'), { recursive: true });
  const there = await readdir(from);
  for (const name of COPIED.filter((one) => there.includes(one))) await copyFile(join(from, name), join(dir, name));
  const recipe = recipeOf(model);
  if (recipe) await writeFile(join(dir, 'recipe.yaml'), stringify(recipe));
  if (model.classes && !there.includes('labels.txt')) await writeFile(join(dir, 'labels.txt'), `${model.classes.join('\n')}\n`);
  if (model.features) await writeFile(join(dir, 'examples/rows.csv'), await csvOf(join(from, 'golden.npz'), model.features));
  if (there.includes('images')) {
    for (const { file, label, index } of (await imagesOf(from)).slice(0, 10)) await copyFile(file, join(dir, `examples/${label}-${index}.png`));
  }
  const { name, output, output_scale, higher_is_better } = model.metric;
  await writeFile(
    join(dir, 'edgewright.yaml'),
    stringify({
      name: model.name.replaceAll('_', '-'),
      version: '1.0.0',
      model: 'model.onnx',
      golden: 'golden.npz',
      ...(there.includes('calibration.npz') && { calibration: 'calibration.npz' }),
      test: 'test.npz',
      metric: { name, output, ...(output_scale !== undefined && { outputScale: output_scale }), higherIsBetter: higher_is_better },
      tolerances: { fp32: { atol: model.golden.atol, rtol: model.golden.rtol } },
      ...(recipe && { recipe: 'recipe.yaml' }),
      ...((model.classes || there.includes('labels.txt')) && { labels: 'labels.txt' }),
      ...((model.features || there.includes('images')) && { examples: 'examples' }),
    }),
  );
}

/** The images of a fixture with the row of its test set that each is. */
export async function imagesOf(from: string): Promise<{ file: string; label: string; index: number }[]> {
  const files = await readdir(join(from, 'images'), { recursive: true });
  return files
    .map((path) => /^(.+)[/\\](\d+)\.png$/.exec(path))
    .flatMap((match) => (match ? [{ file: join(from, 'images', match[0]), label: match[1] ?? '', index: Number(match[2]) }] : []))
    .sort((a, b) => a.index - b.index);
}

/** Rows of a set as CSV, every number written so that it reads back the same. */
export async function csvOf(set: string, features: readonly string[]): Promise<string> {
  const tensor = [...(await readNpz(set))].find(([name]) => name.startsWith('in_'))?.[1] ?? empty();
  const values = toNumbers(tensor);
  const rows = Array.from({ length: tensor.dims[0] ?? 0 }, (_, row) => [...values.subarray(row * features.length, (row + 1) * features.length)].join(','));
  return `${features.join(',')}\n${rows.join('\n')}\n`;
}

function empty(): Tensor {
  return { type: 'float32', dims: [0], data: new Float32Array() };
}

function recipeOf(model: FixtureModel): object | undefined {
  const { task, metric, preprocess } = model;
  const answer = task.endsWith('classification')
    ? { kind: 'labels', output: model.outputs.find((o) => o.name === 'probabilities')?.name ?? metric.output, activation: activationOf(model) }
    : { kind: 'values', output: metric.output };
  if (task === 'image-classification') {
    const channels = model.layout === 'NHWC' ? model.inputs[0]?.shape[3] : model.inputs[0]?.shape[1];
    const { mean = [0], std = [1] } = preprocess;
    const plain = mean.every((m) => m === 0) && std.every((s) => s === 1);
    const steps = [
      channels === 1 ? { gray: {} } : { rgb: {} },
      { scale: { divide: 255 } },
      ...(plain ? [] : [{ normalize: { mean, std } }]),
      { layout: model.layout },
    ];
    return { kind: 'image', input: model.inputs[0]?.name, steps, answer };
  }
  if (task === 'text-classification')
    return { kind: 'text', tokenize: { before: ['[CLS]'], after: ['[SEP]'], maxLength: preprocess.max_length, padding: 'max-length' }, answer };
  if (task === 'causal-language-model')
    return { kind: 'text', answer: { kind: 'generate', output: metric.output, stopTokens: ['<|endoftext|>'], contextLength: 96, maxNewTokens: 12 } };
  if (model.features) return { kind: 'table', columns: model.features, answer };
  if (task === 'time-series-forecast') {
    const forecast = { kind: 'values', output: metric.output, scale: metric.output_scale, relativeTo: 'co2', unit: 'ppm' };
    return { kind: 'table', columns: [{ name: 'co2', std: preprocess.scale }], rows: 'steps', last: 52, relativeTo: 'last', answer: forecast };
  }
  return undefined;
}

/** Keras models end in a softmax, the others in logits. */
function activationOf({ name, outputs }: FixtureModel): 'softmax' | 'none' {
  return name.includes('keras') || outputs.some((o) => o.name === 'probabilities') ? 'none' : 'softmax';
}
