import { createWriteStream } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ModelReportSchema } from '#contract';
import {
  AttributeType,
  DataType,
  externalizeModel,
  makeAttribute,
  makeNode,
  makeTensor,
  type ModelProto,
  readModel,
  reportOnFile,
  type TensorProto,
} from '#core/onnx';
import { fixture, functionProto, graph, model, saved, small, value } from './models.ts';

const report = async (proto: ModelProto, dir?: string) => ModelReportSchema.parse(await reportOnFile(await saved(proto, dir), { largest: 20 }));
const codes = async (proto: ModelProto) => (await report(proto)).warnings.map((warning) => warning.code);

describe('the report', () => {
  it('says where the bytes of a model are', async () => {
    const result = ModelReportSchema.parse(await reportOnFile(fixture('digits/model.onnx'), { largest: 3 }));
    expect(result.tensors).toMatchObject({ count: 16, bytes: 59304 });
    expect(result.tensors.largest.map(({ name, bytes }) => [name, bytes])).toEqual([
      ['net.2.0.weight', 41472],
      ['net.3.pw.0.weight', 9216],
      ['net.1.pw.0.weight', 2304],
    ]);
    expect(result.weightsByOp[0]).toMatchObject({ op: 'Conv', nodes: 6 });
    expect(result.weightsByOp.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(59304);
    expect(result.origin).toMatchObject({ framework: 'PyTorch', exporter: 'torch.onnx (TorchDynamo)' });
    expect(result.warnings).toEqual([]);
  });

  it('counts functions, subgraphs, sparse tensors and what else a model may carry', async () => {
    const inner = graph({ node: [makeNode('Neg', ['x'], ['t'])], output: [value('t')] });
    const branch = { ...makeAttribute('then_branch', { int: 0 }), i: undefined, g: inner, type: AttributeType.graph };
    const fn = functionProto('Twice', [makeNode('Add', ['a', 'a'], ['b'])], { overload: 'float', opsetImport: [{ domain: '', version: 17n }] });
    const result = await report(
      model(
        {
          node: [
            makeNode('If', ['c'], ['t'], { attribute: [branch, { ...branch, name: 'else_branch' }] }),
            { ...makeNode('Twice', ['t'], ['y'], { domain: 'local' }), overload: 'float' },
          ],
          input: [value('c', [], DataType.bool), value('x')],
          output: [value('y')],
          sparseInitializer: [
            { values: makeTensor('s', 'float32', [1], Float32Array.of(1)), indices: makeTensor('', 'int64', [1], BigInt64Array.of(0n)), dims: [4n] },
          ],
          quantizationAnnotation: [{ tensorName: 'x', quantParameterTensorNames: [] }],
        },
        { functions: [fn], trainingInfo: [{ initializationBinding: [], updateBinding: [] }] },
      ),
    );
    expect(result).toMatchObject({
      nodes: 5,
      functions: [{ name: 'Twice', domain: 'local', overload: 'float', nodes: 1 }],
      subgraphs: { count: 2, nodes: 2 },
      sparseInitializers: 1,
      quantizationAnnotations: 1,
      trainingInfo: 1,
    });
    expect(result.warnings.map(({ code }) => code)).toEqual(['shape.batch-one', 'model.training']);
  });

  it('names external files, what is missing of them, and never looks outside the folder', async () => {
    const path = await saved(small({ initializers: [makeTensor('w', 'float32', [4, 300], new Float32Array(1200))] }));
    await externalizeModel(await readModel(path), path);
    const there = await reportOnFile(path, { largest: 1 });
    expect(there.external).toMatchObject({ files: [{ location: 'model.onnx.data', tensors: 1, bytes: 4800 }], bytes: 4800, missing: 0 });
    expect(there.warnings.map(({ code }) => code)).toEqual(['shape.batch-one', 'external.data']);
    await rm(`${path}.data`);
    const gone = await reportOnFile(path, { largest: 1 });
    expect(gone.external).toMatchObject({ missing: 1, files: [{ problem: expect.stringContaining('not there') }] });
    expect(gone.warnings.map(({ code }) => code)).toContain('external.unusable');
    const outside: TensorProto = {
      ...makeTensor('w', 'float32', [4, 3], new Float32Array()),
      rawData: undefined,
      dataLocation: 1,
      externalData: [{ key: 'location', value: '../../etc/passwd' }],
    };
    expect((await report(small({ initializers: [outside] }))).external.files[0]?.problem).toMatch(/outside/);
  });

  it('reads the version of transformers from a config.json beside the model, and nothing else from it', async () => {
    const path = await saved(small({}, { producerName: 'pytorch' }));
    await writeFile(join(dirname(path), 'config.json'), JSON.stringify({ transformers_version: '4.57.1', architectures: ['Bert'] }));
    expect((await reportOnFile(path, { largest: 0 })).origin).toMatchObject({ exporter: 'Hugging Face optimum', frameworkVersion: '4.57.1' });
    for (const other of ['[]', 'null', '{"transformers_version": 4}', 'not json', '']) {
      await writeFile(join(dirname(path), 'config.json'), other);
      expect((await reportOnFile(path, { largest: 0 })).origin.framework).toBe('PyTorch');
    }
  });

  it('stays small and sound whatever a model names', async () => {
    const long = 'x'.repeat(100_000);
    const result = await report(
      model(
        {
          node: Array.from({ length: 3_000 }, (_, i) => makeNode(`Op${i}`, ['x'], [`y${i}`], { domain: 'com.example' })),
          input: [value(long), ...Array.from({ length: 3_000 }, (_, i) => value(`in${i}`, [2 ** 62, long]))],
          output: [value('y0')],
        },
        { metadataProps: Array.from({ length: 3_000 }, (_, i) => ({ key: `k${i}`, value: long })), docString: long, modelVersion: -(2n ** 63n) },
      ),
    );
    expect(JSON.stringify(result).length).toBeLessThan(6_000_000);
    expect(result.inputs).toHaveLength(1000);
    expect(result.inputs[1]?.dims[0]).toBe('4611686018427387904');
  });
});

describe('warnings, each with what to do', () => {
  const typed = (type: 'float16' | 'bfloat16' | 'float8e5m2' | 'int64', data: Uint16Array | Uint8Array | BigInt64Array) =>
    small({ initializers: [makeTensor('w', type, [4, 3], data)] });
  const cases: [string, ModelProto, string[]][] = [
    ['a sound model', small({ outputs: [value('y', ['n', 3])] }), ['shape.batch-one']],
    [
      'an old operator set',
      model({ node: [makeNode('Relu', ['x'], ['y'])], input: [value('x', ['n', 4])], output: [value('y')] }, { opsetImport: [{ version: 9n }] }),
      ['opset.old'],
    ],
    ['an operator set of the future', model({ input: [value('x', ['n', 4])], output: [value('x')] }, { opsetImport: [{ version: 99n }] }), ['opset.too-new']],
    ['a format of the future', model({ input: [value('x', ['n', 4])], output: [value('x')] }, { irVersion: 14n }), ['ir.too-new']],
    ['open dimensions', model({ node: [makeNode('Relu', ['x'], ['y'])], input: [value('x', ['batch', 'time', 4])], output: [value('y')] }), ['shape.dynamic']],
    ['half precision', typed('float16', new Uint16Array(12)), ['shape.batch-one', 'precision.half']],
    ['bfloat16', typed('bfloat16', new Uint16Array(12)), ['shape.batch-one', 'precision.half']],
    ['float8', typed('float8e5m2', new Uint8Array(12)), ['shape.batch-one', 'precision.rare']],
    ['integers', typed('int64', new BigInt64Array(12)), ['shape.batch-one']],
    ['an unknown operator', model({ node: [makeNode('Frobnicate', ['x'], ['y'])], input: [value('x', ['n', 4])], output: [value('y')] }), ['op.unknown']],
    ['an operator of a later set', model({ node: [makeNode('Gelu', ['x'], ['y'])], input: [value('x', ['n', 4])], output: [value('y')] }), ['op.unknown']],
    [
      'weights that are no numbers',
      small({ initializers: [makeTensor('w', 'float32', [4, 3], new Float32Array(12).fill(Number.NaN))] }),
      ['weights.not-finite', 'shape.batch-one'],
    ],
  ];
  it.each(cases)('%s', async (_what, proto, expected) => {
    const { warnings } = await report(proto);
    expect(warnings.map(({ code }) => code)).toEqual(expected);
    for (const warning of warnings) expect(warning.hint).toMatch(/\w/);
  });

  it('counts what there is too much of', async () => {
    const proto = model({
      node: Array.from({ length: 50 }, (_, i) => makeNode(`Nope${i}`, ['x'], [`y${i}`])),
      input: [value('x', ['n'])],
      output: [value('y0')],
    });
    const found = await codes(proto);
    expect(found.filter((code) => code === 'op.unknown')).toHaveLength(21);
  });
});

it('reads of a large file only what tells', async () => {
  // 300 MB of weights inside, sparse on disk: reading them would take far longer than a test may.
  const weight = makeTensor('w', 'uint8', [300, 1_000_000], new Uint8Array());
  const path = await saved(small({ initializers: [{ ...weight, rawData: undefined, dataLocation: 1, externalData: [{ key: 'location', value: 'w.bin' }] }] }));
  const stream = createWriteStream(join(dirname(path), 'w.bin'), { start: 299_999_999 });
  await new Promise((resolve) => stream.end('x', () => resolve(undefined)));
  expect((await reportOnFile(path, { largest: 1 })).external.bytes).toBe(300_000_000);
});
