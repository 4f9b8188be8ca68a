/** Models that look odd and are sound: none of them may be refused. */
import { AttributeType, DataType, makeAttribute, makeNode, makeTensor } from '#core/onnx';
import { functionProto } from '../../../unit/onnx/models.ts';
import { bool, bytes, floats, graph, ints, type Many, node, of, open, specimen, value } from './specimen.ts';

const relu = () => [node('Relu', ['x'], ['y'])];
const square = () =>
  floats(
    'w',
    [4, 4],
    Float32Array.from({ length: 16 }, (_, i) => i / 16),
  );
const product = () => [node('MatMul', ['x', 'w'], ['y'])];
const branch = (name: string, op: string, from: string) => graph({ node: [makeNode(op, [from, 'w'], [name])], output: [open(name)] });

export const ODD: Many = [
  specimen('a weight that is an input too, as IR 3 has it', 'taken', () =>
    of({ nodes: product(), weights: [square()], inputs: [value('x'), value('w', [4, 4])], ir: 3, opset: 7 }),
  ),
  specimen('a weight with a default in IR 10', 'taken', () => of({ nodes: product(), weights: [square()], inputs: [value('x'), value('w', [4, 4])] })),
  specimen('operator set 7 and IR 3', 'taken', () =>
    of({
      nodes: [node('Gemm', ['x', 'w', 'c'], ['y'])],
      weights: [square(), floats('c', [4], [0, 1, 2, 3])],
      inputs: [value('x'), value('w', [4, 4]), value('c', [4])],
      opset: 7,
      ir: 3,
    }),
  ),
  specimen('the standard set by its long name', 'taken', () =>
    of({ nodes: [node('Relu', ['x'], ['y'], {}, 'ai.onnx')], more: { opsetImport: [{ domain: 'ai.onnx', version: 21n }] } }),
  ),
  specimen('outputs that nobody wants left out by an empty name', 'sound', () =>
    of({
      nodes: [node('LSTM', ['x', 'w', 'r'], ['', 'h', ''], { hidden_size: 2 }), node('Identity', ['h'], ['y'])],
      weights: [floats('w', [1, 8, 4], new Float32Array(32).fill(0.1)), floats('r', [1, 8, 2], new Float32Array(16).fill(0.1))],
      inputs: [value('x', [2, 1, 4])],
    }),
  ),
  specimen('inputs in the middle left out by an empty name', 'sound', () =>
    of({ nodes: [node('Clip', ['x', '', 'top'], ['y'])], weights: [floats('top', [], [1])] }),
  ),
  specimen('a mask of dropout that nobody reads', 'sound', () => of({ nodes: [node('Dropout', ['x'], ['y', 'mask'])] })),
  specimen('dimensions of size nothing', 'taken', () =>
    of({ nodes: [node('Concat', ['x', 'none'], ['y'], { axis: 0 })], weights: [floats('none', [0, 4], [])] }),
  ),
  specimen('an input of nothing', 'taken', () => of({ nodes: relu(), inputs: [value('x', [0, 4])] })),
  specimen('a number without dimensions', 'sound', () => of({ nodes: [node('Mul', ['x', 'half'], ['y'])], weights: [floats('half', [], [0.5])] })),
  specimen('names in other scripts', 'taken', () =>
    of({
      nodes: [makeNode('Relu', ['入力'], ['αβγ'], { name: 'слой 1' }), makeNode('Neg', ['αβγ'], ['خروجی'])],
      inputs: [value('入力')],
      outputs: [open('خروجی')],
    }),
  ),
  specimen('names of symbols and spaces', 'taken', () =>
    of({
      nodes: [makeNode('Relu', ['x:0'], ['a/b c;d[0]']), makeNode('Neg', ['a/b c;d[0]'], ['StatefulPartitionedCall:0'])],
      inputs: [value('x:0')],
      outputs: [open('StatefulPartitionedCall:0')],
    }),
  ),
  specimen('nodes without names', 'sound', () =>
    of({ nodes: [makeNode('Relu', ['x'], ['a']), makeNode('Relu', ['a'], ['b']), makeNode('Relu', ['b'], ['y'])] }),
  ),
  specimen('branches that read what lies around them', 'sound', () =>
    of({
      nodes: [
        node('ReduceSum', ['x'], ['sum'], { keepdims: 0 }),
        node('Greater', ['sum', 'zero'], ['on']),
        node('Neg', ['x'], ['n']),
        node('If', ['on'], ['y'], { then_branch: branch('t', 'MatMul', 'n'), else_branch: branch('e', 'MatMul', 'x') }),
      ],
      weights: [square(), floats('zero', [], [0])],
    }),
  ),
  specimen('branches that give a value one name', 'taken', () =>
    of({
      nodes: [node('If', ['on'], ['y'], { then_branch: branch('same', 'MatMul', 'x'), else_branch: branch('same', 'MatMul', 'x') })],
      weights: [square(), bool('on', true)],
    }),
  ),
  specimen('a loop that reads what lies around it', 'taken', () =>
    of({
      nodes: [
        node('Loop', ['trips', 'on', 'x'], ['y'], {
          body: graph({
            node: [node('MatMul', ['state', 'w'], ['next']), makeNode('Identity', ['c'], ['c2'])],
            input: [value('i', [], 7), value('c', [], 9), open('state')],
            output: [value('c2', [], 9), open('next')],
          }),
        }),
      ],
      weights: [square(), ints('trips', [], [3]), bool('on', true)],
    }),
  ),
  specimen('training information', 'taken', () =>
    of({
      nodes: relu(),
      more: { trainingInfo: [{ algorithm: graph({ node: [node('Relu', ['x'], ['z'])], output: [open('z')] }), initializationBinding: [], updateBinding: [] }] },
    }),
  ),
  specimen('an operator set that nobody uses', 'taken', () => of({ nodes: relu(), domains: { 'com.microsoft': 1, 'ai.onnx.ml': 3, 'made.up': 7 } })),
  specimen('a weight that nobody uses', 'taken', () => of({ nodes: relu(), weights: [square()] })),
  specimen('a node that nobody reads', 'taken', () => of({ nodes: [...relu(), node('Neg', ['x'], ['unread'])] })),
  specimen('an output that is a weight', 'taken', () => of({ nodes: relu(), weights: [square()], outputs: [open('y'), value('w', [4, 4])] })),
  specimen('an output that is an input', 'taken', () => of({ nodes: relu(), outputs: [open('y'), value('x')] })),
  specimen('only constants', 'taken', () => of({ nodes: [node('Constant', [], ['y'], { value: floats('', [2], [1, 2]) })], inputs: [] })),
  specimen('text in and text out', 'taken', () =>
    of({
      nodes: [node('StringNormalizer', ['x'], ['y'], { case_change_action: 'LOWER' })],
      inputs: [value('x', [1], DataType.string)],
      outputs: [open('y', DataType.string)],
    }),
  ),
  specimen('a sequence out', 'taken', () =>
    of({
      nodes: [node('SplitToSequence', ['x'], ['y'], { axis: 1 })],
      outputs: [{ name: 'y', type: { sequenceType: { elemType: { tensorType: { elemType: DataType.float32 } } } }, metadataProps: [] }],
    }),
  ),
  specimen('a value that may be missing', 'taken', () => of({ nodes: [node('Optional', ['x'], ['o']), node('OptionalGetElement', ['o'], ['y'])] })),
  specimen('4-bit weights', 'taken', () =>
    of({
      nodes: [node('DequantizeLinear', ['q', 's'], ['w'], { axis: 0, block_size: 2 }), node('MatMul', ['x', 'w'], ['y'])],
      weights: [makeTensor('q', 'int4', [4, 4], new Uint8Array(8).fill(0x21)), floats('s', [2, 4], new Float32Array(8).fill(0.5))],
    }),
  ),
  specimen('8-bit floats', 'taken', () =>
    of({
      nodes: [node('Cast', ['q'], ['w'], { to: 1 }), node('MatMul', ['x', 'w'], ['y'])],
      weights: [makeTensor('q', 'float8e4m3fn', [4, 4], new Uint8Array(16).fill(0x38))],
    }),
  ),
  specimen('weights in the field for floats', 'taken', () =>
    of({ nodes: product(), weights: [{ ...square(), rawData: undefined, floatData: new Uint8Array(new Float32Array(16).fill(0.25).buffer) }] }),
  ),
  specimen('quantized and back', 'sound', () =>
    of({
      nodes: [node('QuantizeLinear', ['x', 's', 'z'], ['q']), node('DequantizeLinear', ['q', 's', 'z'], ['y'])],
      weights: [floats('s', [], [0.1]), bytes('z', 'uint8', [], [128])],
    }),
  ),
  specimen('what is said of a value in the middle is less than is known', 'taken', () =>
    of({
      nodes: [node('Relu', ['x'], ['m']), node('Neg', ['m'], ['y'])],
      graph: { valueInfo: [{ name: 'm', type: { tensorType: { elemType: 1, shape: { dim: [{ dimParam: 'n' }, {}] } } }, metadataProps: [] }] },
    }),
  ),
  specimen('a function with an attribute of its own', 'taken', () =>
    of({
      nodes: [makeNode('Scaled', ['x'], ['y'], { domain: 'mine', attribute: [makeAttribute('axis', { int: 1 })] })],
      domains: { mine: 1 },
      more: {
        functions: [
          functionProto(
            'Scaled',
            [
              makeNode('Softmax', ['a'], ['b'], {
                attribute: [{ ...makeAttribute('axis', { int: 0 }), i: undefined, type: AttributeType.int, refAttrName: 'axis' }],
              }),
            ],
            { domain: 'mine', attribute: ['axis'], opsetImport: [{ domain: '', version: 21n }] },
          ),
        ],
      },
    }),
  ),
  specimen('every dimension open', 'taken', () => of({ nodes: relu(), inputs: [value('x', ['batch', 'anything', 'else'])] })),
  specimen('an input without a shape', 'taken', () => of({ nodes: relu(), inputs: [open('x')] })),
  specimen('a description and metadata with line breaks', 'taken', () =>
    of({ nodes: relu(), more: { docString: 'first line\nsecond line\ttabbed', metadataProps: [{ key: 'names', value: "{0: 'a',\n 1: 'b'}" }] } }),
  ),
  specimen('a thousand nodes that read one value', 'taken', () =>
    of({
      nodes: [
        ...Array.from({ length: 1_000 }, (_, i) => makeNode('Relu', ['x'], [`v${i}`])),
        makeNode(
          'Sum',
          Array.from({ length: 1_000 }, (_, i) => `v${i}`),
          ['y'],
        ),
      ],
    }),
  ),
];
