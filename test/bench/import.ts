/**
 * Taking in a bundle of 500 MB, from a folder to stored, checked and signed, as a whole process, against reading and copying
 * the same bytes with the system's own tools. The runner's load and golden run, which no copy does, are told apart.
 */
import { execFile } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { encodeNpz, float32Tensor } from '#core/datasets';
import { DataType, makeNode, makeTensor, type ModelProto, serializeModel } from '#core/onnx';
import type { Contest } from './contest.ts';

const run = promisify(execFile);
const TIMEOUT_MS = 300_000;
/** y = x · w, with w of 500 MB beside the model. */
const ROWS = 1000;
const COLUMNS = 125_000;

let dir = '';
const source = () => join(dir, 'source');
const weights = () => join(source(), 'weights.bin');

async function prepare(): Promise<void> {
  if (dir !== '') return;
  dir = await mkdtemp(join(tmpdir(), 'edgewright-bench-'));
  await run('mkdir', [source()]);
  const first = await writeWeights();
  const value = (name: string, columns: number) => ({
    name,
    type: { tensorType: { elemType: DataType.float32, shape: { dim: [{ dimValue: 1n }, { dimValue: BigInt(columns) }] } } },
    metadataProps: [],
  });
  const model: ModelProto = {
    irVersion: 10n,
    producerName: 'bench',
    opsetImport: [{ domain: '', version: 17n }],
    metadataProps: [],
    trainingInfo: [],
    functions: [],
    graph: {
      name: 'g',
      node: [makeNode('MatMul', ['x', 'w'], ['y'], { name: 'product' })],
      input: [value('x', ROWS)],
      output: [value('y', COLUMNS)],
      initializer: [],
      valueInfo: [],
      quantizationAnnotation: [],
      sparseInitializer: [],
      metadataProps: [],
    },
  };
  const external = { location: 'weights.bin', offset: '0', length: String(ROWS * COLUMNS * 4) };
  model.graph?.initializer.push({
    ...makeTensor('w', 'float32', [0], new Float32Array(0)),
    rawData: undefined,
    dims: [BigInt(ROWS), BigInt(COLUMNS)],
    dataLocation: 1,
    externalData: Object.entries(external).map(([key, text]) => ({ key, value: text })),
  });
  await writeFile(join(source(), 'model.onnx'), await serializeModel(model));
  // The first unit vector picks the first row of the weights.
  const x = new Float32Array(ROWS);
  x[0] = 1;
  const golden = new Map([
    ['in_x', float32Tensor([1, ROWS], x)],
    ['out_y', float32Tensor([1, COLUMNS], first)],
  ]);
  await writeFile(join(source(), 'golden.npz'), encodeNpz(golden));
  await writeFile(join(source(), 'edgewright.yaml'), 'name: large\nversion: 1.0.0\nmodel: model.onnx\ngolden: golden.npz\n');
  await run('sync', [], { timeout: TIMEOUT_MS });
}

/** Random numbers between 1 and 2. @returns the first row */
async function writeWeights(): Promise<Float32Array> {
  const handle = await open(weights(), 'w');
  let first = new Float32Array(0);
  try {
    for (let row = 0; row < ROWS; row++) {
      const bits = randomFillSync(new Uint32Array(COLUMNS));
      for (let i = 0; i < bits.length; i++) bits[i] = 0x3f800000 | ((bits[i] ?? 0) & 0x7fffff);
      if (row === 0) first = new Float32Array(bits.buffer);
      await handle.write(bits);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return first;
}

async function seconds(work: (into: string) => Promise<unknown>): Promise<number> {
  const into = await mkdtemp(join(dir, 'into-'));
  try {
    // A workspace is there already when something is imported.
    await buildOnce(into);
    await run('sync', [], { timeout: TIMEOUT_MS });
    const began = performance.now();
    await work(into);
    return (performance.now() - began) / 1000;
  } finally {
    await rm(into, { recursive: true, force: true });
    await run('sync', [], { timeout: TIMEOUT_MS });
  }
}

const buildOnce = (into: string, ...more: string[]) =>
  run(process.execPath, [join(import.meta.dirname, 'build-once.ts'), into, ...more], { timeout: TIMEOUT_MS });

export const importContest: Contest = {
  name: 'import of 500 MB: structure checks and storing, a whole process',
  rivalName: 'sha256sum + cp + sync',
  unit: 's',
  missing: async () => (process.platform === 'linux' ? undefined : 'it needs sha256sum, cp and sync'),
  ours: async () => {
    await prepare();
    return seconds((into) => buildOnce(into, source()));
  },
  rival: async () => {
    await prepare();
    return seconds((into) => run('sh', ['-c', 'sha256sum "$1" > "$2/sum" && cp "$1" "$2/copy" && sync', 'sh', weights(), into], { timeout: TIMEOUT_MS }));
  },
  close: async () => {
    let runnerMs = 0;
    await seconds(async (into) => {
      const { stdout } = await buildOnce(into, source(), 'run');
      ({ runnerMs } = JSON.parse(stdout) as { runnerMs: number });
    });
    console.log(`  apart from that: the runner loads it and runs its golden set in ${(runnerMs / 1000).toPrecision(3)} s`);
    await rm(dir, { recursive: true, force: true });
  },
};
