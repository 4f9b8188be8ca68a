/** Graphs that are too deep, too many, go round in circles, or say of themselves what is not so. */
import { AttributeType, DataType, type FunctionProto, type Graph, makeAttribute, makeNode, makeTensor, type Node } from '#core/onnx';
import { functionProto } from '../../../unit/onnx/models.ts';
import { bool, floats, graph, ints, type Many, node, of, open, specimen, value } from './specimen.ts';

/** An If in an If in an If …; the innermost gives x. */
function nested(depth: number): Graph {
  const body =
    depth === 0
      ? [node('Identity', ['x'], ['b0'])]
      : [
          node('If', ['on'], [`b${depth}`], {
            then_branch: nested(depth - 1),
            else_branch: graph({ node: [node('Identity', ['x'], [`e${depth}`])], output: [open(`e${depth}`)] }),
          }),
        ];
  return graph({ node: body, output: [open(`b${depth}`)] });
}

const deepIf = (depth: number) =>
  of({
    nodes: [node('If', ['on'], ['y'], { then_branch: nested(depth), else_branch: graph({ node: [node('Identity', ['x'], ['e'])], output: [open('e')] }) })],
    weights: [bool('on', true)],
  });

const fn = (name: string, body: Node[], more: Partial<FunctionProto> = {}) =>
  functionProto(name, body, {
    domain: 'mine',
    opsetImport: [
      { domain: '', version: 21n },
      { domain: 'mine', version: 1n },
    ],
    ...more,
  });
const call = (name: string, from = 'a', to = 'b') => makeNode(name, [from], [to], { domain: 'mine', name: `call of ${name}` });
const calling = (functions: FunctionProto[], first = functions[0]?.name ?? '') =>
  of({ nodes: [call(first, 'x', 'y')], domains: { mine: 1 }, more: { functions } });

function sparse(indices: number[], rank: number[], dims: number[], more: { indices?: undefined } = {}) {
  return of({
    nodes: [node('MatMul', ['x', 's'], ['y'])],
    graph: {
      sparseInitializer: [{ values: floats('s', [2], [1, 2]), indices: ints('', rank, indices), dims: dims.map(BigInt), ...more }],
    },
  });
}

const chain = (length: number, op = 'Relu') =>
  Array.from({ length }, (_, i) => makeNode(op, [i === 0 ? 'x' : `v${i}`], [i === length - 1 ? 'y' : `v${i + 1}`]));
const relu = [node('Relu', ['x'], ['y'])];

export const STRUCTURE: Many = [
  specimen('branches ten deep', 'taken', () => deepIf(10)),
  specimen('branches forty deep', 'bounded', () => deepIf(40)),
  specimen('branches four hundred deep', 'reject', () => deepIf(400)),
  specimen('two functions that call each other', 'reject', () => calling([fn('A', [call('B')]), fn('B', [call('A')])])),
  specimen('a circle of a thousand functions', 'reject', () => calling(Array.from({ length: 1_000 }, (_, i) => fn(`F${i}`, [call(`F${(i + 1) % 1_000}`)])))),
  specimen('a chain of a hundred functions', 'bounded', () =>
    calling([...Array.from({ length: 100 }, (_, i) => fn(`F${i}`, [call(`F${i + 1}`)])), fn('F100', [node('Relu', ['a'], ['b'])])]),
  ),
  specimen('functions that double forty times', 'reject', () =>
    calling([
      ...Array.from({ length: 40 }, (_, i) => fn(`F${i}`, [call(`F${i + 1}`, 'a', 'h'), call(`F${i + 1}`, 'h', 'b')])),
      fn('F40', [node('Relu', ['a'], ['b'])]),
    ]),
  ),
  specimen('a function that is not there', 'reject', () => calling([fn('A', [call('Nowhere')])]), /Nowhere/),
  specimen('one function twice', 'reject', () => calling([fn('A', [node('Relu', ['a'], ['b'])]), fn('A', [node('Neg', ['a'], ['b'])])])),
  specimen('a function in a branch of itself', 'reject', () =>
    calling([
      fn('A', [
        makeNode('If', ['on'], ['b'], {
          attribute: ['then_branch', 'else_branch'].map((branch) => ({
            ...makeAttribute(branch, { int: 0 }),
            i: undefined,
            type: AttributeType.graph,
            g: graph({ node: [call('A', 'a', 'z')], output: [open('z')] }),
          })),
        }),
      ]),
    ]),
  ),
  specimen('a function named like an operator', 'bounded', () =>
    of({ nodes: relu, more: { functions: [fn('Relu', [node('Neg', ['a'], ['b'])], { domain: '' })] } }),
  ),
  specimen('a sparse tensor with an index below zero', 'reject', () => sparse([-1, 1], [2], [4, 4]), /'s'/),
  specimen('a sparse tensor with an index beyond its end', 'reject', () => sparse([0, 16], [2], [4, 4]), /'s'/),
  specimen('a sparse tensor with an index of 2^62', 'reject', () => sparse([0, 2 ** 62], [2], [4, 4]), /'s'/),
  specimen('a sparse tensor whose indices go back', 'taken', () => sparse([5, 1], [2], [4, 4]), /'s'/),
  specimen('a sparse tensor with one index twice', 'reject', () => sparse([5, 5], [2], [4, 4]), /'s'/),
  specimen('a sparse tensor with more indices than values', 'reject', () => sparse([0, 1, 2], [3], [4, 4]), /'s'/),
  specimen('a sparse tensor with indices of a cube', 'reject', () => sparse([0, 0, 0, 1, 1, 1], [2, 3], [4, 4]), /'s'/),
  specimen('a sparse tensor of 2^80 elements', 'reject', () => sparse([0, 1], [2], [2 ** 40, 2 ** 40]), /'s'/),
  specimen('a sparse tensor of a hundred gigabytes', 'bounded', () => sparse([0, 1], [2], [4, 2 ** 33])),
  specimen('a sparse tensor without indices', 'reject', () => sparse([0, 1], [2], [4, 4], { indices: undefined })),
  specimen('a sparse tensor, by pairs of indices', 'taken', () => sparse([0, 1, 2, 3], [2, 2], [4, 4])),
  specimen('a hundred thousand nodes', 'bounded', () => of({ nodes: chain(100_000) })),
  specimen('half a million nodes that nobody reads', 'bounded', () =>
    of({ nodes: [...relu, ...Array.from({ length: 500_000 }, (_, i) => makeNode('Relu', ['x'], [`n${i}`]))] }),
  ),
  specimen('a hundred thousand inputs of one node', 'bounded', () =>
    of({
      nodes: [
        makeNode(
          'Sum',
          Array.from({ length: 100_000 }, () => 'x'),
          ['y'],
          { name: 'wide' },
        ),
      ],
    }),
  ),
  specimen('a hundred thousand outputs of one node', 'bounded', () =>
    of({
      nodes: [
        node(
          'Split',
          ['x'],
          Array.from({ length: 100_000 }, (_, i) => (i === 0 ? 'y' : `y${i}`)),
          { num_outputs: 100_000 },
        ),
      ],
    }),
  ),
  specimen('a million numbers in an attribute', 'bounded', () =>
    of({ nodes: [node('Transpose', ['x'], ['y'], { perm: Array.from({ length: 1_000_000 }, (_, i) => i) })] }),
  ),
  specimen(
    'a hundred thousand attributes',
    'reject',
    () =>
      of({
        nodes: [makeNode('Relu', ['x'], ['y'], { name: 'full', attribute: Array.from({ length: 100_000 }, (_, i) => makeAttribute(`a${i}`, { int: i })) })],
      }),
    /full/,
  ),
  specimen(
    'an attribute twice',
    'reject',
    () =>
      of({ nodes: [makeNode('Softmax', ['x'], ['y'], { name: 'twice', attribute: [makeAttribute('axis', { int: 0 }), makeAttribute('axis', { int: 1 })] })] }),
    /twice/,
  ),
  specimen('an attribute of two kinds at once', 'bounded', () =>
    of({ nodes: [makeNode('Softmax', ['x'], ['y'], { name: 'both', attribute: [{ ...makeAttribute('axis', { int: 1 }), f: 1, s: Buffer.from('x') }] })] }),
  ),
  specimen('a text of 60 MB in an attribute', 'bounded', () => of({ nodes: [node('Constant', [], ['t'], { value_string: 'x'.repeat(60_000_000) }), ...relu] })),
  specimen(
    'a reference to an attribute outside of any function',
    'reject',
    () =>
      of({
        nodes: [
          makeNode('Softmax', ['x'], ['y'], { name: 'refers', attribute: [{ ...makeAttribute('axis', { int: 1 }), i: undefined, refAttrName: 'outer' }] }),
        ],
      }),
    /refers/,
  ),
  specimen('operator set 0', 'reject', () => of({ nodes: relu, opset: 0 })),
  specimen('operator set -1', 'reject', () => of({ nodes: relu, opset: -1 })),
  specimen('operator set 2^40', 'reject', () => of({ nodes: relu, opset: 2 ** 40 })),
  specimen('one operator set in two versions', 'reject', () => of({ nodes: relu, domains: { 'ai.onnx': 7 } })),
  specimen('an operator of a set that is not named', 'taken', () => of({ nodes: [node('Gelu', ['x'], ['y'], {}, 'com.microsoft')] }), /Gelu/),
  specimen('an operator younger than the operator set', 'reject', () => of({ nodes: [node('Gelu', ['x'], ['y'])], opset: 13 }), /Gelu/),
  specimen(
    'an operator that was taken away',
    'reject',
    () => of({ nodes: [node('Upsample', ['x', 's'], ['y'])], weights: [floats('s', [2], [1, 2])], opset: 21 }),
    /Upsample/,
  ),
  specimen('an operator of nobody', 'reject', () => of({ nodes: [node('Steal', ['x'], ['y'], {}, 'evil')], domains: { evil: 1 } }), /Steal/),
  specimen('an operator that runs what another program compiled', 'reject', () =>
    of({
      nodes: [node('EPContext', ['x'], ['y'], { main_context: 1, embed_mode: 0, ep_cache_context: '../../evil.so', source: 'QNN' }, 'com.microsoft')],
      domains: { 'com.microsoft': 1 },
    }),
  ),
  specimen('an operator that runs Python', 'reject', () =>
    of({ nodes: [node('PythonOp', ['x'], ['y'], { func_name: 'os.system' }, 'com.microsoft')], domains: { 'com.microsoft': 1 } }),
  ),
  specimen('an input that is no tensor and never ends', 'bounded', () => {
    let type: NonNullable<ReturnType<typeof value>['type']> = { tensorType: { elemType: DataType.float32 } };
    for (let i = 0; i < 30; i++) type = { sequenceType: { elemType: type } };
    return of({ nodes: relu, inputs: [value('x'), { name: 'q', type, metadataProps: [] }] });
  }),
  specimen('an input of 2^60 elements', 'bounded', () => of({ nodes: relu, inputs: [value('x', [2 ** 30, 2 ** 30])] })),
  specimen('an input of a thousand dimensions', 'bounded', () =>
    of({
      nodes: relu,
      inputs: [
        value(
          'x',
          Array.from({ length: 1_000 }, () => 1),
        ),
      ],
    }),
  ),
  specimen('a name that is a function of every object', 'taken', () =>
    of({ nodes: [makeNode('Relu', ['x'], ['__proto__']), makeNode('Relu', ['__proto__'], ['y'])] }),
  ),
  specimen(
    'a weight in half a byte, one too few',
    'reject',
    () => of({ nodes: [node('Cast', ['q'], ['y'], { to: 1 })], weights: [{ ...makeTensor('q', 'int4', [5], Uint8Array.of(1, 2)) }] }),
    /'q'/,
  ),
];
