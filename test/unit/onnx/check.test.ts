import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkStructure, DataType, makeAttribute, makeNode, makeTensor, type ModelProto } from '#core/onnx';
import { fixture, functionProto, graph, model, saved, small, tempDir, value } from './models.ts';

const weight = () => makeTensor('w', 'float32', [4, 3], new Float32Array(12));
const check = async (proto: ModelProto | Uint8Array) => checkStructure(await saved(proto));
const relu = (from: string, to: string, name = `${from}-${to}`) => makeNode('Relu', [from], [to], { name });
const branch = (node: Parameters<typeof graph>[0], key: string) => ({ ...makeAttribute(key, { int: 0 }), i: undefined, type: 5, g: graph(node) });

describe('sound models', () => {
  it('accepts a real one without a warning', async () => {
    expect(await checkStructure(fixture('digits/model.onnx'))).toMatchObject({
      warnings: [],
      stages: [{ name: 'bounds' }, { name: 'structure', outcome: 'passed' }],
    });
  });

  it('accepts subgraphs that read from around them', async () => {
    const then = branch({ node: [makeNode('Add', ['x', 'w'], ['t'])], output: [value('t')] }, 'then_branch');
    const otherwise = branch({ node: [makeNode('Sub', ['x', 'w'], ['e'])], output: [value('e')] }, 'else_branch');
    const proto = model({
      node: [makeNode('If', ['c'], ['y'], { attribute: [then, otherwise] })],
      input: [value('x'), value('c', [], DataType.bool)],
      output: [value('y')],
      initializer: [makeTensor('w', 'float32', [4], new Float32Array(4))],
    });
    expect((await check(proto)).warnings).toEqual([]);
  });

  it('accepts names that mean something to JavaScript', async () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
    const nodes = names.map((name, i) => relu(i === 0 ? 'x' : (names[i - 1] ?? ''), name));
    expect((await check(model({ node: nodes, input: [value('x')], output: [value('hasOwnProperty')] }))).warnings).toEqual([]);
  });

  it('accepts the same operator set named twice, as one exporter does', async () => {
    const proto = small(
      {},
      {
        opsetImport: [
          { domain: '', version: 17n },
          { domain: 'ai.onnx', version: 17n },
        ],
      },
    );
    expect((await check(proto)).warnings).toEqual([]);
  });
});

describe('warnings', () => {
  const codes = async (proto: ModelProto) => (await check(proto)).warnings.map((warning) => warning.code);
  it('warns of nodes that are not in order', async () => {
    expect(await codes(small({ nodes: [relu('a', 'y'), makeNode('MatMul', ['x', 'w'], ['a'])] }))).toEqual(['graph.unsorted']);
  });
  it('warns of weights that are not numbers', async () => {
    expect(
      await codes(
        small({
          initializers: [
            makeTensor(
              'w',
              'float32',
              [4, 3],
              Float32Array.from({ length: 12 }, (_, i) => (i === 7 ? Number.NaN : i)),
            ),
          ],
        }),
      ),
    ).toEqual(['weights.not-finite']);
    expect(await codes(small({ initializers: [weight(), makeTensor('h', 'float16', [2], Uint16Array.of(0x7c00, 1))] }))).toEqual(['weights.not-finite']);
    expect(await codes(small({ initializers: [weight(), makeTensor('d', 'float64', [2], Float64Array.of(1, Number.NEGATIVE_INFINITY))] }))).toEqual([
      'weights.not-finite',
    ]);
  });
  it('warns of names that look like something else, and shows them safely', async () => {
    const { warnings } = await check(small({ nodes: [makeNode('MatMul', ['x', 'w'], ['a'], { name: 'a\u202e\u0000\u001b[31m' }), relu('a', 'y')] }));
    expect(warnings.map((warning) => warning.code)).toEqual(['names.suspicious']);
    expect(JSON.stringify(warnings)).not.toMatch(/\u202e|\\u0000|\\u001b/);
  });
  it('counts beyond the first twenty instead of listing thousands', async () => {
    const nodes = Array.from({ length: 100 }, (_, i) => makeNode('Relu', [i === 0 ? 'x' : `v${i - 1}`], [`v${i}`], { name: `<b>${i}</b>` }));
    const { warnings } = await check(model({ node: nodes, input: [value('x')], output: [value('v99')] }));
    expect(warnings).toHaveLength(21);
    expect(warnings.at(-1)?.message).toContain('80 more');
  });
});

describe('refusals', () => {
  const product = () => makeNode('MatMul', ['x', 'w'], ['a'], { name: 'product' });
  const cases: [string, ModelProto, RegExp][] = [
    ['model.missing-value', small({ nodes: [makeNode('MatMul', ['x', 'absent'], ['y'], { name: 'product' })] }), /'product'.*'absent'/],
    ['model.missing-value', small({ outputs: [value('absent')] }), /'absent'/],
    ['model.cycle', small({ nodes: [makeNode('Add', ['x', 'b'], ['a'], { name: 'n1' }), relu('a', 'b'), relu('b', 'y')] }), /wait for each other/],
    ['model.cycle', small({ nodes: [relu('y', 'y')] }), /wait for each other/],
    ['model.duplicate-value', small({ nodes: [product(), relu('x', 'a'), relu('a', 'y')] }), /'a'/],
    ['model.duplicate-value', small({ nodes: [relu('x', 'w'), relu('w', 'y')] }), /'w'/],
    ['model.duplicate-value', model({ node: [relu('x', 'y')], input: [value('x'), value('x')], output: [value('y')] }), /'x'/],
    ['model.duplicate-initializer', small({ initializers: [weight(), weight()] }), /'w'/],
    [
      'model.duplicate-node',
      small({ nodes: [makeNode('MatMul', ['x', 'w'], ['a'], { name: 'same' }), makeNode('Relu', ['a'], ['y'], { name: 'same' })] }),
      /'same'/,
    ],
    [
      'model.duplicate-attribute',
      small({ nodes: [makeNode('Softmax', ['x'], ['y'], { attribute: [makeAttribute('axis', { int: 0 }), makeAttribute('axis', { int: 1 })] })] }),
      /'axis'/,
    ],
    ['model.no-outputs', small({ outputs: [] }), /no outputs/],
    ['model.unknown-op', small({ nodes: [makeNode('MatMull', ['x', 'w'], ['y'], { name: 'mm' })] }), /'mm'.*MatMull/],
    ['model.unknown-op', small({ nodes: [makeNode('SuperGelu', ['x'], ['y'], { domain: 'com.example' })] }), /com\.example\.SuperGelu/],
    ['model.unknown-op', small({ nodes: [makeNode('Gelu', ['x'], ['y'])] }), /operator set 17/],
    ['model.bad-signature', small({ nodes: [makeNode('MatMul', ['x'], ['y'])] }), /inputs/],
    ['model.bad-signature', small({ nodes: [makeNode('Relu', ['x'], ['y', 'z'])] }), /outputs/],
    ['model.no-opset', small({}, { opsetImport: [] }), /operator set/],
    ['model.opset-too-new', small({}, { opsetImport: [{ domain: '', version: 99n }] }), /99/],
    [
      'model.duplicate-opset',
      small(
        {},
        {
          opsetImport: [
            { domain: '', version: 13n },
            { domain: '', version: 17n },
          ],
        },
      ),
      /two versions/,
    ],
    ['model.ir-version', small({}, { irVersion: 99n }), /version/],
    ['model.no-graph', { ...small(), graph: undefined }, /no graph/],
    ['model.bad-type', small({ initializers: [{ ...weight(), dataType: 250 }] }), /'w'/],
    ['model.bad-type', model({ node: [relu('x', 'y')], input: [value('x', [1], 250)], output: [value('y')] }), /'x'/],
    ['model.bad-dims', small({ initializers: [{ ...weight(), dims: [-4n, 3n] }] }), /'w'/],
    ['model.tensor-length', small({ initializers: [{ ...weight(), dims: [4n, 4n] }] }), /'w'/],
    ['model.tensor-unclear', small({ initializers: [{ ...weight(), floatData: new Uint8Array(48) }] }), /'w'/],
    ['model.missing-name', small({ initializers: [weight(), makeTensor('', 'float32', [0], new Float32Array())] }), /no name/],
  ];
  it.each(cases)('%s', async (code, proto, message) => {
    await expect(check(proto)).rejects.toMatchObject({ code, owner: 'input', message: expect.stringMatching(message) });
  });

  it('finds what is wrong inside a subgraph', async () => {
    const then = branch({ node: [makeNode('Add', ['x', 'absent'], ['t'], { name: 'inner' })], output: [value('t')] }, 'then_branch');
    const otherwise = branch({ node: [], output: [value('x')] }, 'else_branch');
    const proto = model({
      node: [makeNode('If', ['c'], ['y'], { name: 'choice', attribute: [then, otherwise] })],
      input: [value('x'), value('c', [], DataType.bool)],
      output: [value('y')],
    });
    await expect(check(proto)).rejects.toMatchObject({ code: 'model.missing-value', message: expect.stringMatching(/'inner'.*'choice'.*'absent'/) });
  });

  it('refuses functions that call each other', async () => {
    const fn = (name: string, calls: string) => functionProto(name, [makeNode(calls, ['a'], ['b'], { domain: 'local' })]);
    const proto = small({ nodes: [makeNode('One', ['x'], ['y'], { domain: 'local' })] }, { functions: [fn('One', 'Two'), fn('Two', 'One')] });
    await expect(check(proto)).rejects.toMatchObject({ code: 'model.recursive-function' });
  });
});

describe('files that are something else', () => {
  it.each([
    ['an HTML page', '<!DOCTYPE html><html><body>404</body></html>'],
    ['a JSON document', '{"error": "not found"}'],
    ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n'],
    ['a ZIP archive', Buffer.from([0x50, 0x4b, 3, 4, 20, 0, 0, 0])],
    ['a Python pickle', Buffer.from([0x80, 4, 0x95, 0, 0])],
    ['a TensorFlow Lite model', Buffer.concat([Buffer.from([28, 0, 0, 0]), Buffer.from('TFL3')])],
    ['an HDF5 file', Buffer.from([0x89, 0x48, 0x44, 0x46, 13, 10])],
    ['a program', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1])],
  ])('says it is %s', async (what, content) => {
    const path = join(await tempDir(), 'model.onnx');
    await writeFile(path, content);
    await expect(checkStructure(path)).rejects.toMatchObject({
      code: 'model.not-onnx',
      owner: 'input',
      found: expect.stringContaining(what),
      hint: expect.any(String),
    });
  });

  it('tells an empty file, plain bytes, a folder and no file apart', async () => {
    const dir = await tempDir();
    await writeFile(join(dir, 'empty.onnx'), '');
    await writeFile(join(dir, 'plain.onnx'), Buffer.from([0x08, 0x80]));
    await mkdir(join(dir, 'folder.onnx'));
    await expect(checkStructure(join(dir, 'empty.onnx'))).rejects.toMatchObject({ code: 'model.empty' });
    await expect(checkStructure(join(dir, 'plain.onnx'))).rejects.toMatchObject({ code: 'model.truncated' });
    await expect(checkStructure(join(dir, 'folder.onnx'))).rejects.toMatchObject({ code: 'usage.not-a-file' });
    await expect(checkStructure(join(dir, 'absent.onnx'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('stops when it is told to', async () => {
    await expect(checkStructure(fixture('digits/model.onnx'), { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
  });
});
