/** Attributes, signatures, subgraphs and functions: what ONNX Runtime 1.30 refuses is refused here, with the node named. */
import { describe, expect, it } from 'vitest';
import {
  AttributeType,
  type Attribute,
  checkStructure,
  DataType,
  type FunctionProto,
  type Graph,
  makeAttribute,
  makeNode,
  makeTensor,
  type Node,
} from '#core/onnx';
import { functionProto, graph, model, saved, small, value } from './models.ts';

const node = (opType: string, attribute: Attribute[] = [], input = ['x']) => makeNode(opType, input, ['y'], { name: 'n', attribute });
const check = async (...given: Parameters<typeof model>) => checkStructure(await saved(model(...given)));
const image = value('x', [1, 2, 8, 8]);
const kernel = () => makeTensor('w', 'float32', [3, 2, 3, 3], new Float32Array(54));
const conv = (...attribute: Attribute[]) => ({ node: [node('Conv', attribute, ['x', 'w'])], input: [image], output: [value('y')], initializer: [kernel()] });
const plain = (...nodes: Node[]) => ({ node: nodes, input: [value('x')], output: [value('y')] });
const typed = (name: string, type: number, more: Partial<Attribute>): Attribute => ({ ...makeAttribute(name, { int: 0 }), i: undefined, type, ...more });

describe('attributes', () => {
  it.each<[string, Partial<Graph>]>([
    ['one the operator does not have', plain(node('LeakyRelu', [makeAttribute('slope', { float: 1 })]))],
    ['one of another type', plain(node('LeakyRelu', [makeAttribute('alpha', { int: 1 })]))],
    ['one that says another type than it holds', plain(node('LeakyRelu', [{ ...makeAttribute('alpha', { float: 1 }), type: AttributeType.int }]))],
    ['one that does not say its type', plain(node('LeakyRelu', [{ ...makeAttribute('alpha', { float: 1 }), type: undefined }]))],
    ['one with two values', plain(node('LeakyRelu', [{ ...makeAttribute('alpha', { float: 1 }), i: 1n }]))],
    ['one without a name', plain(node('LeakyRelu', [{ ...makeAttribute('', { float: 1 }) }]))],
    ['one that is needed and not there', plain(node('Cast'))],
    ['a type that does not exist', plain(node('Cast', [makeAttribute('to', { int: 99 })]))],
    ['an order of axes that is none', plain(node('Transpose', [makeAttribute('perm', { ints: [0, 0] })]))],
    ['steps of 0', conv(makeAttribute('strides', { ints: [0, 0] }))],
    ['a window of negative size', conv(makeAttribute('kernel_shape', { ints: [-3, 3] }))],
    ['padding below 0', conv(makeAttribute('pads', { ints: [-1, 0, 0, 0] }))],
    ['no groups', conv(makeAttribute('group', { int: 0 }))],
    ['a way of padding that does not exist', conv(makeAttribute('auto_pad', { text: 'FOO' }))],
    ['a constant without a value', plain(makeNode('Constant', [], ['y'], { name: 'n' }))],
    [
      'a constant with two',
      plain(makeNode('Constant', [], ['y'], { name: 'n', attribute: [makeAttribute('value_int', { int: 1 }), makeAttribute('value_float', { float: 1 })] })),
    ],
    ['a parameter outside a function', plain(node('LeakyRelu', [{ ...makeAttribute('alpha', { float: 0 }), f: undefined, refAttrName: 'a' }]))],
  ])('refuses %s', async (_what, parts) => {
    await expect(check(parts)).rejects.toMatchObject({ code: 'model.bad-attribute', owner: 'input', message: expect.stringContaining("Node 'n' (") });
  });

  it('takes notes that programs leave for themselves, empty lists, and numbers that writers leave out', async () => {
    const note = makeAttribute('__note', { int: 1 });
    const zero = typed('alpha', AttributeType.float, {});
    expect((await check(plain(node('LeakyRelu', [note, zero])))).warnings).toEqual([]);
    const axes = typed('axes', AttributeType.ints, {});
    expect((await check(plain(node('Squeeze', [axes])), { opsetImport: [{ domain: '', version: 11n }] })).warnings).toEqual([]);
  });

  it('judges by the operator set the model asks for', async () => {
    const parts = plain(node('Clip', [makeAttribute('min', { float: 0 })]));
    expect((await check(parts, { opsetImport: [{ domain: '', version: 10n }] })).warnings).toEqual([]);
    await expect(check(parts, { opsetImport: [{ domain: '', version: 11n }] })).rejects.toMatchObject({ code: 'model.bad-attribute' });
  });
});

describe('signatures', () => {
  it.each<[string, Partial<Graph>]>([
    ['an input that is needed left out', plain(node('Add', [], ['x', '']))],
    ['an output that is always given left out', plain(makeNode('Relu', ['x'], [''], { name: 'n' }), node('Relu'))],
    ['none where there must be one', plain(node('Sum', [], []))],
  ])('refuses %s', async (_what, parts) => {
    await expect(check(parts)).rejects.toMatchObject({ code: 'model.bad-signature', message: expect.stringContaining("'n'") });
  });

  it('takes inputs left out in the middle and outputs left out at the end', async () => {
    const parts = { ...plain(node('Clip', [], ['x', '', 'top'])), initializer: [makeTensor('top', 'float32', [], Float32Array.of(6))] };
    expect((await check(parts)).warnings).toEqual([]);
    expect((await check(plain(makeNode('Dropout', ['x'], ['y', ''])), { opsetImport: [{ domain: '', version: 10n }] })).warnings).toEqual([]);
  });
});

describe('subgraphs', () => {
  const relu = (from: string, to: string) => makeNode('Relu', [from], [to]);
  const give = (name: string, nodes: Node[] = [relu('x', name)], more: Partial<Graph> = {}) => graph({ node: nodes, output: [value(name)], ...more });
  const branch = (key: string, g: Graph) => typed(key, AttributeType.graph, { g });
  const ifElse = (then: Graph, otherwise = give('e'), before: Node[] = []) => ({
    node: [...before, makeNode('If', ['c'], ['y'], { name: 'choice', attribute: [branch('then_branch', then), branch('else_branch', otherwise)] })],
    input: [value('x'), value('c', [], DataType.bool)],
    output: [value('y')],
  });
  const body = (g: Partial<Graph> = {}) =>
    graph({
      node: [makeNode('Identity', ['go'], ['again']), relu('v', 'next')],
      input: [value('i', [], DataType.int64), value('go', [], DataType.bool), value('v')],
      output: [value('again', [], DataType.bool), value('next')],
      ...g,
    });
  const loop = (g: Graph, input = ['', 'c', 'x'], output = ['y']) => ({
    node: [makeNode('Loop', input, output, { name: 'loop', attribute: [branch('body', g)] })],
    input: [value('x'), value('c', [], DataType.bool)],
    output: [value('y')],
  });

  it.each<[string, string, Partial<Graph>]>([
    ['a branch with an input', 'model.bad-subgraph', ifElse(give('t', [relu('q', 't')], { input: [value('q')] }))],
    ['branches with different outputs', 'model.bad-subgraph', ifElse(graph({ node: [relu('x', 't'), relu('x', 'u')], output: [value('t'), value('u')] }))],
    ['a branch that hands on a value from around it', 'model.outer-output', ifElse(give('x', []))],
    ['a branch that writes a value from around it', 'model.duplicate-value', ifElse(give('x'))],
    ['a branch that writes what a node before wrote', 'model.duplicate-value', ifElse(give('h'), give('e'), [relu('x', 'h')])],
    ['a branch whose nodes are out of order', 'model.unsorted', ifElse(give('t', [relu('h', 't'), relu('x', 'h')]))],
    ['a branch that reads what its own node gives', 'model.cycle', ifElse(give('t', [relu('y', 't')]))],
    ['a loop that carries less than its body takes', 'model.bad-subgraph', loop(body(), ['', 'c'])],
    ['a loop that gives more than its body', 'model.bad-subgraph', loop(body(), ['', 'c', 'x'], ['y', 'z'])],
    ['a loop whose body does not say whether to go on', 'model.bad-subgraph', loop(body({ output: [value('next')] }))],
    ['a loop that leaves out what it carries', 'model.bad-subgraph', loop(body(), ['', 'c', ''])],
  ])('refuses %s', async (_what, code, parts) => {
    await expect(check(parts)).rejects.toMatchObject({ code });
  });

  it('takes what may be: names of outer values for inputs, a state handed on, values of later nodes in the outermost graph', async () => {
    expect((await check(loop(body()))).warnings).toEqual([]);
    expect(
      (
        await check(
          loop(
            body({
              input: [value('i', [], DataType.int64), value('go', [], DataType.bool), value('x')],
              node: [makeNode('Identity', ['go'], ['again']), relu('x', 'next')],
            }),
          ),
        )
      ).warnings,
    ).toEqual([]);
    expect(
      (await check(loop(body({ node: [makeNode('Identity', ['go'], ['again'])], output: [value('again', [], DataType.bool), value('v')] })))).warnings,
    ).toEqual([]);
  });
});

describe('functions', () => {
  const relu = (from = 'a', to = 'b') => makeNode('Relu', [from], [to], { name: 'inner' });
  const call = (name: string, from = 'x', to = 'y', attribute: Attribute[] = []) => makeNode(name, [from], [to], { domain: 'local', name: 'call', attribute });
  const using = (functions: FunctionProto[], nodes = [call('F')]) => checkStructure2({ nodes }, functions);
  const checkStructure2 = async (parts: Parameters<typeof small>[0], functions: FunctionProto[]) =>
    checkStructure(
      await saved(
        small(
          { ...parts, outputs: [value('y')] },
          {
            functions,
            opsetImport: [
              { domain: '', version: 17n },
              { domain: 'local', version: 1n },
            ],
          },
        ),
      ),
    );

  it.each<[string, string, FunctionProto[], Node[]?]>([
    ['a call with too many inputs', 'model.bad-signature', [functionProto('F', [relu()])], [makeNode('F', ['x', 'x'], ['y'], { domain: 'local' })]],
    ['a call with too many outputs', 'model.bad-signature', [functionProto('F', [relu()])], [makeNode('F', ['x'], ['y', 'z'], { domain: 'local' })]],
    ['a body that reads a value of the graph', 'model.missing-value', [functionProto('F', [relu('x')])]],
    ['a body that does not give its output', 'model.missing-value', [functionProto('F', [relu('a', 'c')])]],
    ['a body out of order', 'model.unsorted', [functionProto('F', [relu('c', 'b'), makeNode('Relu', ['a'], ['c'])])]],
    [
      'an attribute that the operator in the body does not have',
      'model.bad-attribute',
      [functionProto('F', [makeNode('Relu', ['a'], ['b'], { attribute: [makeAttribute('zz', { int: 1 })] })])],
    ],
    ['two of one name', 'model.duplicate-function', [functionProto('F', [relu()]), functionProto('F', [relu()])]],
    ['two inputs of one name', 'model.bad-function', [functionProto('F', [relu()], { input: ['a', 'a'] })]],
    ['one that nobody calls and that calls itself', 'model.recursive-function', [functionProto('F', [relu()]), functionProto('G', [call('G', 'a', 'b')])]],
  ])('refuses %s', async (_what, code, functions, nodes) => {
    await expect(using(functions, nodes)).rejects.toMatchObject({ code, owner: 'input' });
  });

  it('refuses a few that grow to more nodes than any memory holds', async () => {
    const doubling = Array.from({ length: 60 }, (_, i) => functionProto(`F${i}`, [call(`F${i + 1}`, 'a', 'm'), call(`F${i + 1}`, 'm', 'b')]));
    await expect(using([...doubling, functionProto('F60', [relu()])], [call('F0')])).rejects.toMatchObject({
      code: 'model.too-complex',
      message: expect.stringContaining('grows'),
    });
  });

  it('follows a chain of calls as long as there are functions', async () => {
    const chain = Array.from({ length: 20_000 }, (_, i) => functionProto(`F${i}`, [call(`F${i + 1}`, 'a', 'b')]));
    expect((await using([...chain, functionProto('F20000', [relu()])], [call('F0')])).warnings).toEqual([]);
  });

  it('takes parameters with and without a value at the call, and does not judge what nobody calls', async () => {
    const leaky = makeNode('LeakyRelu', ['a'], ['b'], { attribute: [{ ...makeAttribute('alpha', { float: 0 }), f: undefined, refAttrName: 'alpha' }] });
    const parametric = functionProto('F', [leaky], { attribute: ['alpha'] });
    expect((await using([parametric], [call('F', 'x', 'y', [makeAttribute('alpha', { float: 0.5 })])])).warnings).toEqual([]);
    expect((await using([parametric])).warnings).toEqual([]);
    const { warnings } = await using([functionProto('F', [relu()]), functionProto('G', [makeNode('NoSuch', ['a'], ['b'])])]);
    expect(warnings.map((warning) => warning.code)).toEqual(['function.unused']);
  });

  it('warns of one that has the name of a standard operator', async () => {
    const { warnings } = await checkStructure2({ nodes: [makeNode('Relu', ['x'], ['y'])] }, [
      functionProto('Relu', [makeNode('Neg', ['a'], ['b'])], { domain: '' }),
    ]);
    expect(warnings.map((warning) => warning.code)).toContain('function.shadows');
  });
});
