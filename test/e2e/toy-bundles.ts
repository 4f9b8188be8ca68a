/** Small bundles for screens whose answers can be worked out by hand: a detector, a table of every kind of column, a listener. */
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeAttribute, makeNode, makeTensor, type Node, writeModel } from '#core/onnx';
import { model, value } from '../unit/onnx/models.ts';
import { ROOT } from './workspace.ts';

type Dims = readonly (number | string)[];
interface Toy {
  name: string;
  nodes: Node[];
  constants: ReturnType<typeof makeTensor>[];
  input: { name: string; dims: Dims };
  output: { name: string; dims: Dims };
  recipe: string;
  labels?: string;
}

async function write(dir: string, toy: Toy): Promise<string> {
  await mkdir(join(dir, 'examples'), { recursive: true });
  const { name, nodes, constants, input, output } = toy;
  const made = model(
    { name, node: nodes, initializer: constants, input: [value(input.name, input.dims)], output: [value(output.name, output.dims)] },
    // From 18 on ReduceMean takes its axes as an input.
    { opsetImport: [{ domain: '', version: 20n }] },
  );
  await writeModel(made, join(dir, 'model.onnx'));
  await writeFile(join(dir, 'recipe.yaml'), toy.recipe);
  if (toy.labels !== undefined) await writeFile(join(dir, 'labels.txt'), toy.labels);
  const labels = toy.labels === undefined ? '' : 'labels: labels.txt\n';
  await writeFile(join(dir, 'edgewright.yaml'), `name: ${toy.name}\nversion: 1.0.0\nmodel: model.onnx\nrecipe: recipe.yaml\nexamples: examples\n${labels}`);
  return dir;
}

/** What the detector finds in every picture: as shares of the picture's sides, with the scores of its three labels. */
export const FOUND = [
  { box: [0.25, 0.5, 0.25, 0.5], scores: [0.95, 0, 0] },
  { box: [0.75, 0.25, 0.375, 0.25], scores: [0, 0.8, 0] },
  { box: [0.875, 0.875, 0.25, 0.25], scores: [0, 0, 0.6] },
] as const;

/** Finds the same in every picture. Its labels are as hostile as a stranger's may be. */
export function writeDetector(dir: string): Promise<string> {
  const side = 64;
  // [1, 4 + labels, boxes]: centre, width and height in pixels of the model's input.
  const rows = Array.from({ length: 7 }, (_, row) => FOUND.map(({ box, scores }) => (row < 4 ? (box[row] ?? 0) * side : (scores[row - 4] ?? 0))));
  return write(dir, {
    name: 'finder',
    nodes: [
      makeNode('ReduceMean', ['image'], ['mean'], { name: 'mean', attribute: [makeAttribute('keepdims', { int: 0 })] }),
      makeNode('Mul', ['mean', 'nought'], ['nothing'], { name: 'nothing' }),
      makeNode('Add', ['found', 'nothing'], ['boxes'], { name: 'boxes' }),
    ],
    constants: [makeTensor('found', 'float32', [1, 7, FOUND.length], Float32Array.from(rows.flat())), makeTensor('nought', 'float32', [], Float32Array.of(0))],
    input: { name: 'image', dims: [1, 3, side, side] },
    output: { name: 'boxes', dims: [1, 7, FOUND.length] },
    recipe: `kind: image\nsteps: [{rgb: {}}, {resize: {width: ${side}, height: ${side}}}, {scale: {divide: 255}}, {layout: NCHW}]\nanswer: {kind: boxes, output: boxes, form: cxcywh}\n`,
    labels: `pump\n<img src=x onerror=alert(1)>\nvalve ${'\u202e'}evlav${'x'.repeat(120)}\n`,
  });
}

/** Adds its five columns up; one of each kind that a form tells apart. */
export async function writeTable(dir: string): Promise<string> {
  const written = await write(dir, {
    name: 'sums',
    nodes: [makeNode('MatMul', ['x', 'ones'], ['sum'], { name: 'sum' })],
    constants: [makeTensor('ones', 'float32', [5, 1], Float32Array.from([1, 1, 1, 1, 1]))],
    input: { name: 'x', dims: ['rows', 5] },
    output: { name: 'sum', dims: ['rows', 1] },
    recipe: [
      'kind: table',
      'columns:',
      '  - flow',
      '  - {name: pressure, missing: {value: 100}}',
      '  - {name: starts, type: integer}',
      '  - {name: running, type: boolean}',
      '  - {name: site, categories: {east: 10, west: 20}}',
      'answer: {kind: values, output: sum}',
      '',
    ].join('\n'),
  });
  await writeFile(join(dir, 'examples/days.csv'), 'site,flow,pressure,starts,running\neast,1.5,2,3,true\nwest,4,,0,no\n');
  return written;
}

/** Says how loud a recording is. */
export async function writeListener(dir: string): Promise<string> {
  const written = await write(dir, {
    name: 'loudness',
    nodes: [makeNode('Abs', ['sound'], ['size'], { name: 'size' }), makeNode('ReduceMean', ['size', 'axes'], ['loudness'], { name: 'loudness' })],
    constants: [makeTensor('axes', 'int64', [1], BigInt64Array.of(1n))],
    input: { name: 'sound', dims: [1, 'samples'] },
    output: { name: 'loudness', dims: [1, 1] },
    recipe: 'kind: audio\nsampleRate: 16000\nanswer: {kind: values, output: loudness}\n',
  });
  await copyFile(join(ROOT, 'test/fixtures/audio/sound.wav'), join(dir, 'examples/sound.wav'));
  return written;
}
