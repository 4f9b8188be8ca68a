/** Types and dimensions followed through the graph; what callers decide; sparse tensors. */
import { describe, expect, it } from 'vitest';
import { type Attribute, checkStructure, DataType, type Graph, makeAttribute, makeNode, makeTensor, type TensorProto } from '#core/onnx';
import { model, saved, value } from './models.ts';

const check = async (...given: Parameters<typeof model>) => checkStructure(await saved(model(...given)));
const floats = (name: string, dims: number[]) => makeTensor(name, 'float32', dims, new Float32Array(dims.reduce((a, b) => a * b, 1)));
const ints = (name: string, values: number[]) => makeTensor(name, 'int64', [values.length], BigInt64Array.from(values, BigInt));

/** One node `n` that reads x of the given dimensions, and tensors. */
function one(op: string, x: (number | string)[], others: TensorProto[] = [], attribute: Attribute[] = []): Partial<Graph> {
  return {
    node: [makeNode(op, ['x', ...others.map((tensor) => tensor.name ?? '')], ['y'], { name: 'n', attribute })],
    input: [value('x', x)],
    output: [value('y', [])].map((info) => ({ ...info, type: undefined })),
    initializer: others,
  };
}

describe('dimensions', () => {
  it.each<[string, Partial<Graph>, RegExp]>([
    ['a product whose rows are not as many as its columns', one('MatMul', ['batch', 4], [floats('w', [8, 4])]), /multiplies \[\?, 4\] by \[8, 4\]/],
    ['a product of one number', one('MatMul', ['batch', 4], [floats('w', [])]), /single number/],
    ['a matrix with three axes', one('Gemm', [1, 2, 4], [floats('w', [4, 3])]), /\[1, 2, 4\] for a matrix/],
    ['a turned matrix that does not fit', one('Gemm', [1, 4], [floats('w', [4, 3])], [makeAttribute('transB', { int: 1 })]), /\[1, 4\] by \[3, 4\]/],
    ['a bias that cannot be stretched', one('Gemm', [1, 4], [floats('w', [4, 3]), floats('c', [5])]), /adds \[5\]/],
    ['a sum that cannot be stretched', one('Add', [1, 4], [floats('b', [3])]), /stretch \[1, 4\] and \[3\]/],
    ['parts that cannot be joined', one('Concat', [1, 4], [floats('k', [1, 5])], [makeAttribute('axis', { int: 0 })]), /joins \[1, 4\] and \[1, 5\]/],
    ['an axis that is not there', one('Softmax', [1, 4], [], [makeAttribute('axis', { int: 7 })]), /axis/],
    ['a shape of another size', one('Reshape', [1, 4], [ints('s', [3, 5])]), /\[1, 4\] the shape \[3, 5\]/],
    ['a shape with two open sizes', one('Reshape', ['n', 4], [ints('s', [-1, -1])]), /cannot be/],
    ['an order of other axes', one('Transpose', [1, 4], [], [makeAttribute('perm', { ints: [2, 0, 1] })]), /2 axes in an order of 3/],
    ['weights for other channels', one('Conv', [1, 5, 8, 8], [floats('w', [3, 2, 3, 3])]), /channels of \[1, 5, 8, 8\]/],
    ['weights with other axes', one('Conv', [1, 2, 8], [floats('w', [3, 2, 3, 3])]), /slides weights/],
    ['groups of unequal size', one('Conv', [1, 4, 8, 8], [floats('w', [3, 2, 3, 3])], [makeAttribute('group', { int: 2 })]), /3 channels into 2 groups/],
    ['a bias for other channels', one('Conv', [1, 2, 8, 8], [floats('w', [3, 2, 3, 3]), floats('b', [9])]), /adds \[9\]/],
    [
      'a window that is not that of the weights',
      one('Conv', [1, 2, 8, 8], [floats('w', [3, 2, 3, 3])], [makeAttribute('kernel_shape', { ints: [5, 5] })]),
      /window/,
    ],
    ['a window larger than the image', one('Conv', [1, 2, 2, 2], [floats('w', [3, 2, 3, 3])]), /window of 3 over 2/],
    [
      'steps for other axes',
      one('MaxPool', [1, 2, 8, 8], [], [makeAttribute('kernel_shape', { ints: [2, 2] }), makeAttribute('strides', { ints: [1] })]),
      /'strides'/,
    ],
    [
      'numbers for other channels',
      one(
        'BatchNormalization',
        [1, 2, 3, 3],
        ['s', 'b', 'm', 'v'].map((name) => floats(name, [5])),
      ),
      /5 numbers/,
    ],
  ])('refuses %s', async (_what, parts, message) => {
    await expect(check(parts)).rejects.toMatchObject({ code: 'model.bad-shape', owner: 'input', message: expect.stringMatching(message) });
    await expect(check(parts)).rejects.toMatchObject({ message: expect.stringContaining("Node 'n' (") });
  });

  it('follows sizes through a small network, and names the node where they stop fitting', async () => {
    const parts = (rows: number): Partial<Graph> => ({
      node: [
        makeNode('Conv', ['x', 'w'], ['c'], { name: 'conv', attribute: [makeAttribute('pads', { ints: [1, 1, 1, 1] })] }),
        makeNode('MaxPool', ['c'], ['p'], {
          name: 'pool',
          attribute: [makeAttribute('kernel_shape', { ints: [2, 2] }), makeAttribute('strides', { ints: [2, 2] })],
        }),
        makeNode('Relu', ['p'], ['r'], { name: 'relu' }),
        makeNode('Flatten', ['r'], ['f'], { name: 'flat' }),
        makeNode('Gemm', ['f', 'd'], ['y'], { name: 'dense' }),
      ],
      input: [value('x', ['batch', 1, 8, 8])],
      output: [value('y', ['batch', 10])],
      initializer: [floats('w', [4, 1, 3, 3]), floats('d', [rows, 10])],
    });
    expect((await check(parts(64))).warnings).toEqual([]);
    await expect(check(parts(100))).rejects.toMatchObject({ message: expect.stringContaining("'dense'"), expected: '64 rows in the second' });
  });

  it('leaves alone what is open', async () => {
    expect((await check(one('MatMul', ['batch', 'features'], [floats('w', [8, 4])]))).warnings).toEqual([]);
    expect((await check(one('Reshape', ['n', 4], [ints('s', [0, -1, 2])]))).warnings).toEqual([]);
    expect((await check(one('Add', ['n', 'm'], [floats('b', [3])]))).warnings).toEqual([]);
  });

  it('takes negative sizes of inputs for open ones, as exporters write them', async () => {
    const { warnings } = await check(one('Relu', [-1, 4]));
    expect(warnings.map((warning) => warning.code)).toEqual(['shape.negative']);
  });
});

describe('types', () => {
  const two = (op: string, type: number): Partial<Graph> => ({
    node: [makeNode(op, ['x', 'i'], ['y'], { name: 'n' })],
    input: [value('x'), value('i', [1], type)],
    output: [value('y')],
  });

  it.each<[string, Partial<Graph>]>([
    ['two that must be one', two('Add', DataType.int64)],
    [
      'one the operator does not take',
      { node: [makeNode('Relu', ['s'], ['y'], { name: 'n' })], input: [value('s', [1], DataType.string)], output: [value('y')] },
    ],
    [
      'a wrong one declared for an output',
      { node: [makeNode('Relu', ['x'], ['y'], { name: 'n' })], input: [value('x')], output: [value('y', [1], DataType.int64)] },
    ],
    [
      'a wrong one declared in between',
      {
        node: [makeNode('Relu', ['x'], ['n']), makeNode('Relu', ['n'], ['y'])],
        input: [value('x')],
        output: [value('y')],
        valueInfo: [value('n', [1], DataType.int64)],
      },
    ],
    [
      'one that a cast made another',
      {
        node: [
          makeNode('Cast', ['x'], ['i'], { attribute: [makeAttribute('to', { int: DataType.int64 })] }),
          makeNode('Add', ['x', 'i'], ['y'], { name: 'n' }),
        ],
        input: [value('x')],
        output: [value('y')],
      },
    ],
  ])('refuses %s', async (_what, parts) => {
    await expect(check(parts)).rejects.toMatchObject({ code: 'model.type-mismatch', message: expect.stringMatching(/'n'|'y'/) });
  });

  it('refuses an input without a type, and an initializer that is not what the input of its name is declared as', async () => {
    await expect(check({ node: [makeNode('Relu', ['x'], ['y'])], input: [{ name: 'x', metadataProps: [] }], output: [value('y')] })).rejects.toMatchObject({
      code: 'model.missing-type',
    });
    for (const declared of [value('w', [9, 9]), value('w', [4, 3], DataType.int64)]) {
      const parts = { ...one('MatMul', [1, 4], [floats('w', [4, 3])]), input: [value('x'), declared] };
      await expect(check(parts)).rejects.toMatchObject({ code: 'model.initializer-mismatch', message: expect.stringContaining("'w'") });
    }
  });
});

describe('sizes that callers decide', () => {
  const filled = (shape: string, nodes: Graph['node'] = []): Partial<Graph> => ({
    node: [...nodes, makeNode('ConstantOfShape', [shape], ['y'], { name: 'fill' })],
    input: [value('x', ['a', 'b']), value('shape', [3], DataType.int64)],
    output: [value('y', ['p', 'q', 'r'])],
  });

  it('warns of a tensor as large as the values of an input say, directly or after some steps', async () => {
    for (const parts of [filled('shape'), filled('double', [makeNode('Add', ['shape', 'shape'], ['double'])])]) {
      const { warnings } = await check(parts);
      expect(warnings).toMatchObject([{ code: 'graph.size-from-input', where: "'fill'", message: expect.stringContaining('Whoever calls the model') }]);
    }
  });

  it('does not of one that goes by the dimensions of an input', async () => {
    expect((await check(filled('s', [makeNode('Shape', ['x'], ['s'])]))).warnings).toEqual([]);
  });
});

describe('sparse tensors', () => {
  const sparse = (indices: number[], dims = [1, 4], perIndex = false): Partial<Graph> => {
    const rows = perIndex ? indices.length / dims.length : indices.length;
    const list = makeTensor('', 'int64', perIndex ? [rows, dims.length] : [rows], BigInt64Array.from(indices, BigInt));
    return {
      node: [makeNode('Add', ['x', 's'], ['y'])],
      input: [value('x')],
      output: [value('y')],
      sparseInitializer: [{ values: makeTensor('s', 'float32', [2], Float32Array.of(1, 2)), indices: list, dims: dims.map(BigInt) }],
    };
  };

  it('takes indices in one number or in one an axis', async () => {
    expect((await check(sparse([0, 3]))).warnings).toEqual([]);
    expect((await check(sparse([0, 0, 0, 3], [1, 4], true))).warnings).toEqual([]);
  });

  it.each([
    ['beyond the end', sparse([0, 4])],
    ['below 0', sparse([-1, 0])],
    ['beyond one axis', sparse([0, 0, 1, 3], [1, 4], true)],
    ['of another number', sparse([0, 1, 2])],
  ])('refuses indices %s', async (_what, parts) => {
    await expect(check(parts)).rejects.toMatchObject({ code: 'model.bad-sparse', message: expect.stringContaining("'s'") });
  });
});
