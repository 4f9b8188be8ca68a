import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { float32Tensor, type Tensor } from '#core/datasets';
import { checkStructure, DataType, makeAttribute, makeNode, makeTensor, type ModelProto, readModel } from '#core/onnx';
import { quantizeModel, type QuantizeRequest } from '#core/quantize';
import { runModel, runtime } from '../../parity/quantize/ort.ts';
import { graph, model, saved, value } from '../onnx/models.ts';

const samples = new Map([
  [
    'in_x',
    float32Tensor(
      [8, 4],
      Array.from({ length: 32 }, (_, i) => Math.sin(i)),
    ),
  ],
]);
const floats = (name: string, dims: number[], make: (i: number) => number = (i) => Math.cos(i * 1.7)) =>
  makeTensor(
    name,
    'float32',
    dims,
    Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => make(i)),
  );

async function quantize(proto: ModelProto, more: Partial<QuantizeRequest> = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'edgewright-quantize-test-'));
  const modelPath = await saved(proto, dir);
  const outputPath = join(dir, 'out', 'quantized.onnx');
  const result = await quantizeModel({ modelPath, outputPath, variant: 'int8-static', calibration: samples, prepare: false, ...more }, runtime);
  return { result, outputPath, modelPath, quantized: await readModel(outputPath) };
}

const x = value('x', ['batch', 4]);
const y = value('y', ['batch', 4]);
const ops = (proto: { graph: { node: { opType?: string | undefined }[] } }) => proto.graph.node.map((node) => node.opType ?? '');
const batch = (): Record<string, Tensor> => ({ x: samples.get('in_x') as Tensor });

/** Both models on the same input: how far apart, as a share of the largest value. */
async function distance(a: string, b: string, feeds = batch()): Promise<number> {
  const [p, q] = [(await runModel(a, feeds))['y']?.data as Float32Array, (await runModel(b, feeds))['y']?.data as Float32Array];
  const largest = Math.max(...p.map(Math.abs));
  return Math.max(...p.map((v, i) => Math.abs(v - (q[i] ?? Number.NaN)))) / largest;
}

describe('static quantization', () => {
  const twoLayers = () =>
    model({
      node: [
        makeNode('MatMul', ['x', 'w1'], ['a'], { name: 'one' }),
        makeNode('Relu', ['a'], ['b'], { name: 'relu' }),
        makeNode('Gemm', ['b', 'w2', 'bias'], ['y'], { name: 'two' }),
      ],
      input: [x],
      output: [y],
      initializer: [floats('w1', [4, 4]), floats('w2', [4, 4]), floats('bias', [4])],
    });

  it.each([true, false])('stays close to the original (per channel: %s)', async (perChannel) => {
    const { outputPath, modelPath, quantized, result } = await quantize(twoLayers(), { perChannel });
    expect(await distance(modelPath, outputPath)).toBeLessThan(0.03);
    expect(ops(quantized)).not.toContain('Relu');
    expect(result.warnings.filter((warning) => warning.code !== 'quantize.type-unknown')).toEqual([]);
    expect((await checkStructure(outputPath)).warnings).toEqual([]);
    expect(quantized.graph.initializer.map((tensor) => tensor.name)).not.toContain('w1');
  });

  it('gives each reader of a shared bias its own', async () => {
    const proto = model({
      node: [makeNode('Gemm', ['x', 'w1', 'bias'], ['a'], { name: 'one' }), makeNode('Gemm', ['a', 'w2', 'bias'], ['y'], { name: 'two' })],
      input: [x],
      output: [y],
      initializer: [floats('w1', [4, 4]), floats('w2', [4, 4]), floats('bias', [4])],
    });
    const { quantized, outputPath, modelPath } = await quantize(proto);
    expect(quantized.graph.initializer.map((tensor) => tensor.name)).toEqual(expect.arrayContaining(['bias_quantized', 'bias0_quantized']));
    expect(await distance(modelPath, outputPath)).toBeLessThan(0.04);
  });

  it('leaves excluded nodes in float', async () => {
    const { quantized } = await quantize(twoLayers(), { exclude: ['two'] });
    expect(quantized.graph.initializer.map((tensor) => tensor.name)).toEqual(expect.arrayContaining(['w1_quantized', 'w2', 'bias']));
  });

  it('reads a value inside a subgraph in float, under its old name', async () => {
    const inner = (name: string, op: string) => ({
      ...makeAttribute(name, { int: 0 }),
      i: undefined,
      type: 5,
      g: graph({ node: [makeNode(op, ['a', 'a'], [`${name}_out`])], output: [value(`${name}_out`, ['batch', 4])] }),
    });
    const proto = model({
      node: [
        makeNode('MatMul', ['x', 'w1'], ['a'], { name: 'one' }),
        makeNode('If', ['c'], ['y'], { name: 'choice', attribute: [inner('then_branch', 'Add'), inner('else_branch', 'Mul')] }),
      ],
      input: [x],
      output: [y],
      initializer: [floats('w1', [4, 4]), makeTensor('c', 'bool', [], Uint8Array.of(1))],
    });
    for (const variant of ['int8-static', 'int8-dynamic'] as const) {
      const { outputPath, modelPath } = await quantize(proto, { variant });
      expect(await distance(modelPath, outputPath)).toBeLessThan(0.03);
    }
  });

  it('measures the whole calibration set in passes that hold one batch', async () => {
    const progress: string[] = [];
    const dir = await mkdtemp(join(tmpdir(), 'edgewright-quantize-test-'));
    await quantizeModel(
      { modelPath: await saved(twoLayers(), dir), outputPath: join(dir, 'q.onnx'), variant: 'int8-static', calibration: samples, batch: 3 },
      runtime,
      { onProgress: ({ step }) => progress.push(step) },
    );
    expect(progress).toEqual(expect.arrayContaining(['Calibrating: 1 of 3 batches', 'Calibrating: 3 of 3 batches', 'Done']));
  });
});

describe('dynamic quantization', () => {
  it('splits Gemm, stores weights as int8 and leaves a tied weight right', async () => {
    const transposed = [makeAttribute('transB', { int: 1 })];
    const proto = model({
      node: [makeNode('Gemm', ['x', 'w', 'bias'], ['a'], { name: 'one', attribute: transposed }), makeNode('MatMul', ['a', 'w'], ['y'], { name: 'two' })],
      input: [x],
      output: [y],
      initializer: [floats('w', [4, 4]), floats('bias', [4])],
    });
    const { quantized, outputPath, modelPath, result } = await quantize(proto, { variant: 'int8-dynamic' });
    expect(result.quantized).toBe(2);
    expect(ops(quantized).filter((op) => op === 'MatMulInteger')).toHaveLength(2);
    expect(await distance(modelPath, outputPath)).toBeLessThan(0.03);
  });

  it('brings a quantized table back to float for those who need it', async () => {
    const proto = model({
      node: [makeNode('Gather', ['table', 'i'], ['e'], { name: 'look up' }), makeNode('Relu', ['e'], ['y'], { name: 'relu' })],
      input: [value('i', ['n'], DataType.int64)],
      output: [value('y', ['n', 4])],
      initializer: [floats('table', [10, 4])],
    });
    const { quantized, outputPath, modelPath } = await quantize(proto, { variant: 'int8-dynamic' });
    expect(ops(quantized)).toEqual(['Gather', 'DequantizeLinear', 'Relu']);
    expect(await distance(modelPath, outputPath, { i: { type: 'int64', dims: [3], data: BigInt64Array.of(0n, 4n, 9n) } })).toBeLessThan(0.01);
  });
});

describe('what cannot be quantized', () => {
  const single = (weights = floats('w', [4, 4]), more: Partial<ModelProto> = {}) =>
    model({ node: [makeNode('MatMul', ['x', 'w'], ['y'], { name: 'one' })], input: [x], output: [y], initializer: [weights] }, more);

  it.each(['int8-static', 'int8-dynamic'] as const)('weights that are not numbers are refused, naming them (%s)', async (variant) => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const weights = floats('w', [4, 4], (i) => (i === 5 ? bad : i));
      await expect(quantize(single(weights), { variant, perChannel: bad !== bad })).rejects.toMatchObject({ code: 'quantize.not-finite', owner: 'input' });
    }
  });

  it('a model without anything to quantize is written as it is, with a warning', async () => {
    const proto = model({ node: [makeNode('Sin', ['x'], ['y'])], input: [x], output: [y] });
    for (const variant of ['int8-static', 'int8-dynamic'] as const) {
      const { result, quantized } = await quantize(proto, { variant });
      expect(result).toMatchObject({ quantized: 0, warnings: [{ code: 'quantize.nothing' }] });
      expect(quantized.producerName).toBe('test');
    }
  });

  it('an old operator set is named', async () => {
    const { result } = await quantize(single(undefined, { opsetImport: [{ domain: '', version: 9n }] }), { variant: 'int8-dynamic' });
    expect(result.warnings.map((warning) => warning.code)).toEqual(['quantize.opset-old', 'quantize.nothing']);
  });

  it('a missing or wrong calibration set is refused', async () => {
    const refused = async (calibration: ReadonlyMap<string, Tensor> | undefined, code: string) => {
      const dir = await mkdtemp(join(tmpdir(), 'edgewright-quantize-test-'));
      const request: QuantizeRequest = {
        modelPath: await saved(single(), dir),
        outputPath: join(dir, 'q.onnx'),
        variant: 'int8-static',
        prepare: false,
        ...(calibration && { calibration }),
      };
      await expect(quantizeModel(request, runtime)).rejects.toMatchObject({ code });
      expect(existsSync(join(dir, 'q.onnx'))).toBe(false);
    };
    await refused(undefined, 'quantize.no-calibration');
    await refused(new Map([['in_other', float32Tensor([2, 4], new Float32Array(8))]]), 'quantize.calibration-wrong');
    await refused(new Map([['in_x', float32Tensor([0, 4], new Float32Array())]]), 'quantize.no-samples');
    await refused(new Map([['in_x', float32Tensor([1, 4], [Number.NaN, 1, 1, 1])]]), 'quantize.not-finite');
  });

  it('int8 activations with uint8 weights are refused', async () => {
    await expect(quantize(single(), { activations: 'int8', weights: 'uint8' })).rejects.toMatchObject({ code: 'quantize.types' });
  });

  it('a cancelled run leaves nothing behind', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'edgewright-quantize-test-'));
    const controller = new AbortController();
    const request: QuantizeRequest = {
      modelPath: await saved(single(), dir),
      outputPath: join(dir, 'q.onnx'),
      variant: 'int8-static',
      calibration: samples,
      batch: 1,
      prepare: false,
    };
    const onProgress = ({ step }: { step: string }) => {
      if (step.startsWith('Calibrating')) controller.abort();
    };
    await expect(quantizeModel(request, runtime, { signal: controller.signal, onProgress })).rejects.toMatchObject({ name: 'AbortError' });
    expect(readdirSync(dir)).toEqual(['model.onnx']);
  });
});
