/**
 * The two updates the demo ships after the first version: a good one, and one that fails only in the field.
 * The bad one looks up a code for each digit in a table that is one row short. Its golden set happens to hold no nine, so
 * it passes every check before activation, and then fails on real requests: the kind of fault only a watch can find.
 */
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { argmax, goldenCases, readNpz, sliceRows, concatRows, type Tensor, toNumbers, writeNpz } from '#core/datasets';
import { DataType, makeAttribute, makeNode, makeTensor, readModel, writeModel } from '#core/onnx';

/** The digit that the short table has no row for. */
export const MISSING_DIGIT = 9;

/** Copies the sample bundle's source to `dir` under another version. */
export async function writeGoodUpdate(sampleDir: string, dir: string, version: string): Promise<void> {
  await cp(sampleDir, dir, { recursive: true });
  const path = join(dir, 'edgewright.yaml');
  await writeFile(path, (await readFile(path, 'utf8')).replace(/^version: .*$/m, `version: ${version}`));
}

export async function writeBadUpdate(sampleDir: string, dir: string, version: string): Promise<void> {
  await writeGoodUpdate(sampleDir, dir, version);
  const modelPath = join(dir, 'model.onnx');
  const model = await readModel(modelPath);
  const { graph } = model;
  graph.initializer.push(
    makeTensor(
      'digit_codes',
      'int64',
      [MISSING_DIGIT],
      BigInt64Array.from({ length: MISSING_DIGIT }, (_, i) => BigInt(100 + i)),
    ),
  );
  graph.node.push(
    makeNode('ArgMax', ['logits'], ['best'], { name: 'best_digit', attribute: [makeAttribute('axis', { int: 1 }), makeAttribute('keepdims', { int: 0 })] }),
    makeNode('Gather', ['digit_codes', 'best'], ['code'], { name: 'look_up_code', attribute: [makeAttribute('axis', { int: 0 })] }),
  );
  graph.output.push({
    name: 'code',
    type: { tensorType: { elemType: DataType.int64, shape: { dim: [{ dimParam: 'batch' }] } } },
    metadataProps: [],
  });
  await writeModel(model, modelPath);
  await dropDigitFromGolden(join(dir, 'golden.npz'));
}

/** A golden set without the missing digit: how such a fault gets through in practice. */
async function dropDigitFromGolden(path: string): Promise<void> {
  const arrays = await readNpz(path);
  const { outputs, samples } = goldenCases(arrays);
  const logits = outputs.logits;
  if (!logits) return;
  const scores = toNumbers(logits);
  const classes = scores.length / samples;
  const keep = Array.from({ length: samples }, (_, i) => i).filter((i) => argmax(scores.subarray(i * classes, (i + 1) * classes)) !== MISSING_DIGIT);
  const kept = (tensor: Tensor) => concatRows(keep.map((i) => sliceRows(tensor, i, i + 1)));
  await writeNpz(path, new Map([...arrays].map(([name, tensor]) => [name, kept(tensor)])));
}
