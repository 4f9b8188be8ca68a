/**
 * `edgewright inspect` of a model with 2 GiB of external data, as a whole process, against Python's onnx.load and
 * onnx.checker.check_model. Needs a Python with onnx; name it with EDGEWRIGHT_PYTHON. The weights are written out in full, into the
 * system's temporary folder, and deleted afterwards. Memory is that of the command and of the reader it starts, together.
 */
import { execFile } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DataType, makeNode, makeTensor, type ModelProto, writeModel } from '#core/onnx';
import { freeBytes } from '#core/platform';
import { watchTree } from '../lib/tree-memory.ts';
import { type Contest, median } from './contest.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..', '..');
const PYTHON = process.env.EDGEWRIGHT_PYTHON ?? 'python3';
const TIMEOUT_MS = 600_000;
/** 128 weights of 16 MiB. */
const WEIGHTS = 128;
const SIDE = 2048;
const WEIGHT_BYTES = SIDE * SIDE * 4;
/** Room for the model, and for what else the machine does meanwhile. */
const NEEDED_BYTES = WEIGHTS * WEIGHT_BYTES + 512 * 1024 * 1024;

const THEIRS = `
import sys, onnx
model = onnx.load(sys.argv[1])
onnx.checker.check_model(sys.argv[1])
`;

let dir = '';
interface Peaks {
  resident: number[];
  proportional: number[];
}
const noPeaks = (): Peaks => ({ resident: [], proportional: [] });
let peaks = { ours: noPeaks(), rival: noPeaks() };

async function makeModel(): Promise<void> {
  dir = await mkdtemp(join(tmpdir(), 'edgewright-bench-'));
  const block = randomFillSync(Buffer.alloc(WEIGHT_BYTES));
  const data = await open(join(dir, 'weights.bin'), 'wx');
  try {
    for (let i = 0; i < WEIGHTS; i++) {
      block.writeUInt32LE(i, 0);
      await data.writeFile(block);
    }
    await data.sync();
  } finally {
    await data.close();
  }
  const value = (name: string) => ({
    name,
    metadataProps: [],
    type: { tensorType: { elemType: DataType.float32, shape: { dim: [{ dimParam: 'batch' }, { dimValue: BigInt(SIDE) }] } } },
  });
  const weight = (i: number) => ({
    ...makeTensor(`w${i}`, 'float32', [SIDE, SIDE], new Float32Array()),
    rawData: undefined,
    dataLocation: 1,
    externalData: Object.entries({ location: 'weights.bin', offset: String(i * WEIGHT_BYTES), length: String(WEIGHT_BYTES) }).map(([key, said]) => ({
      key,
      value: said,
    })),
  });
  const each = Array.from({ length: WEIGHTS }, (_, i) => i);
  const model: ModelProto = {
    irVersion: 9n,
    producerName: 'edgewright bench',
    opsetImport: [{ domain: '', version: 17n }],
    metadataProps: [],
    trainingInfo: [],
    functions: [],
    graph: {
      name: 'bench',
      node: each.map((i) => makeNode('MatMul', [`x${i}`, `w${i}`], [`x${i + 1}`], { name: `product ${i}` })),
      initializer: each.map(weight),
      input: [value('x0')],
      output: [value(`x${WEIGHTS}`)],
      valueInfo: [],
      quantizationAnnotation: [],
      sparseInitializer: [],
      metadataProps: [],
    },
  };
  await writeModel(model, join(dir, 'model.onnx'));
}

/** One command and all that it starts; the most memory that they had together goes to `into`, in bytes. */
async function timed(file: string, args: string[], env: Record<string, string>, into: Peaks): Promise<{ seconds: number; stdout: string }> {
  const began = performance.now();
  const running = run(file, args, { timeout: TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024, env: { ...process.env, ...env } });
  const pid = running.child.pid ?? 0;
  const [resident, proportional] = [watchTree(pid), watchTree(pid, 'proportional')];
  try {
    const { stdout } = await running;
    return { seconds: (performance.now() - began) / 1000, stdout };
  } finally {
    into.resident.push(resident.stop());
    into.proportional.push(proportional.stop());
  }
}

async function ours(): Promise<number> {
  // As `npm run edgewright` sets it.
  const env = { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(ROOT, 'node_modules', '.edgewright-cache'), EDGEWRIGHT_HOME: join(dir, 'home') };
  const { seconds, stdout } = await timed(
    process.execPath,
    [join(ROOT, 'app', 'cli', 'main.ts'), 'inspect', join(dir, 'model.onnx'), '--json'],
    env,
    peaks.ours,
  );
  const report = JSON.parse(stdout) as { parameters: number };
  if (report.parameters !== WEIGHTS * SIDE * SIDE) throw new Error(`inspect counted ${report.parameters} parameters`);
  return seconds;
}

const rival = async (): Promise<number> => (await timed(PYTHON, ['-c', THEIRS, join(dir, 'model.onnx')], {}, peaks.rival)).seconds;

const megabytes = (bytes: readonly number[]) => `${Math.round(median(bytes) / 1e6)} MB`;

export const inspectContest: Contest = {
  name: 'inspect of a model with 2 GiB of external data, a whole process',
  rivalName: 'Python onnx.load and onnx.checker',
  unit: 's',
  missing: async () => {
    if (process.platform !== 'linux') return 'it counts memory as Linux shows it';
    if ((await freeBytes(tmpdir())) < NEEDED_BYTES) return `${tmpdir()} has not the ${Math.round(NEEDED_BYTES / 1e6)} MB it needs`;
    return run(PYTHON, ['-c', 'import onnx'], { timeout: TIMEOUT_MS }).then(
      () => undefined,
      () => `${PYTHON} has no onnx; name one that has with EDGEWRIGHT_PYTHON`,
    );
  },
  prepare: async () => {
    await makeModel();
    await ours();
    await rival();
    peaks = { ours: noPeaks(), rival: noPeaks() };
  },
  ours,
  rival,
  notes: () => [
    `peak memory of the command and its reader together, shared pages by parts: ${megabytes(peaks.ours.proportional)} against ${megabytes(peaks.rival.proportional)}`,
    `shared pages counted for each: ${megabytes(peaks.ours.resident)} against ${megabytes(peaks.rival.resident)}; medians; goals: 0.2 × the time, 200 MB`,
  ],
  close: async () => {
    if (dir) await rm(dir, { recursive: true, force: true });
  },
};
