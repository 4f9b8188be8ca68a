/** Nodes that take much memory or time, asked for in few words. */
import { type Graph, makeNode, makeTensor, type Node, type TensorProto } from '#core/onnx';
import { bool, bytes, floats, graph, HUGE, image, ints, type Many, node, of, one, open, specimen, value } from './specimen.ts';

const loop = (body: Graph, trips: TensorProto | undefined, more: Node[] = []) =>
  of({ nodes: [node('Loop', [trips ? 'trips' : '', 'on', 'x'], ['y'], { body }), ...more], weights: [...(trips ? [trips] : []), bool('on', true)] });
const body = (nodes: Node[], to = 'next') =>
  graph({
    node: [...nodes, makeNode('Identity', ['cond'], ['cond_out'])],
    input: [value('i', [], 7), value('cond', [], 9), open('state')],
    output: [value('cond_out', [], 9), open(to)],
  });

export const BOMBS: Many = [
  specimen('a constant of 4 TB, made while loading', 'bounded', () =>
    of({
      nodes: [node('ConstantOfShape', ['n'], ['big']), node('ReduceSum', ['big'], ['s']), node('Add', ['x', 's'], ['y'])],
      weights: [ints('n', [1], [HUGE])],
    }),
  ),
  specimen('a constant of 2^64 elements', 'bounded', () => one('ConstantOfShape', ['n'], {}, [ints('n', [2], [2 ** 32, 2 ** 32])])),
  specimen('expanded to a terabyte', 'bounded', () => one('Expand', ['x', 'n'], {}, [ints('n', [3], [500_000, 500_000, 4])], { inputs: [value('x', [1])] })),
  specimen('tiled a million times a million', 'bounded', () => one('Tile', ['x', 'n'], {}, [ints('n', [2], [1_000_000, 1_000_000])])),
  specimen('a range of 10^12', 'bounded', () =>
    of({
      nodes: [node('Range', ['a', 'b', 'c'], ['r']), node('ReduceSum', ['r'], ['s']), node('Cast', ['s'], ['f'], { to: 1 }), node('Add', ['x', 'f'], ['y'])],
      weights: [ints('a', [], [0]), ints('b', [], [HUGE]), ints('c', [], [1])],
    }),
  ),
  specimen('a range in steps of nothing', 'bounded', () =>
    one('Range', ['a', 'b', 'c'], {}, [ints('a', [], [0]), ints('b', [], [9]), ints('c', [], [0])], { outputs: [open('y', 7)] }),
  ),
  specimen('padded by 10^9 on every side', 'bounded', () => one('Pad', ['x', 'p'], {}, [ints('p', [4], [1e9, 1e9, 1e9, 1e9])])),
  specimen('padded by less than nothing', 'bounded', () => one('Pad', ['x', 'p'], {}, [ints('p', [4], [-9, -9, -9, -9])])),
  specimen('enlarged a million times each way', 'bounded', () => one('Resize', ['x', '', 's'], {}, [floats('s', [4], [1, 1, 1e6, 1e6])], image())),
  specimen('enlarged not a number of times', 'bounded', () =>
    one('Resize', ['x', '', 's'], {}, [floats('s', [4], [1, 1, Number.NaN, Number.POSITIVE_INFINITY])], image()),
  ),
  specimen('one-hot of 10^12', 'bounded', () =>
    of({ nodes: [node('Cast', ['x'], ['i'], { to: 7 }), node('OneHot', ['i', 'd', 'v'], ['y'])], weights: [ints('d', [], [HUGE]), floats('v', [2], [0, 1])] }),
  ),
  specimen('an outer product of six letters', 'bounded', () =>
    one('Einsum', ['x', 'x', 'x', 'x', 'x', 'x'], { equation: 'a,b,c,d,e,f->abcdef' }, [], { inputs: [value('x', [300])] }),
  ),
  specimen('an equation of 100,000 letters', 'bounded', () => one('Einsum', ['x'], { equation: `${'a'.repeat(100_000)}->a` })),
  specimen('random numbers, 4 TB of them', 'bounded', () =>
    of({ nodes: [node('RandomNormal', [], ['r'], { shape: [1_000_000, 1_000_000] }), node('ReduceSum', ['r'], ['s']), node('Add', ['x', 's'], ['y'])] }),
  ),
  specimen('drawn 10^9 times', 'bounded', () => one('Multinomial', ['x'], { sample_size: 1_000_000_000 }, [], { outputs: [open('y', 6)] })),
  specimen('a window of 10^12', 'bounded', () => one('HannWindow', ['n'], {}, [ints('n', [], [HUGE])])),
  specimen('transposed convolution in strides of 10^9', 'bounded', () =>
    one('ConvTranspose', ['x', 'w'], { strides: [1_000_000_000, 1_000_000_000] }, [floats('w', [1, 1, 2, 2], [1, 1, 1, 1])], image()),
  ),
  specimen('doubled fifty times', 'bounded', () =>
    of({
      nodes: Array.from({ length: 50 }, (_, i) =>
        makeNode('Concat', [i === 0 ? 'x' : `v${i}`, i === 0 ? 'x' : `v${i}`], [i === 49 ? 'y' : `v${i + 1}`], {
          name: `double ${i}`,
          attribute: node('Concat', [], [], { axis: 0 }).attribute,
        }),
      ),
    }),
  ),
  specimen('a Kronecker product by multiplication, twelve times', 'bounded', () =>
    of({
      nodes: Array.from({ length: 12 }, (_, i) => [
        makeNode('Unsqueeze', [i === 0 ? 'x' : `v${i}`, 'zero'], [`u${i}`]),
        makeNode('Mul', [`u${i}`, 'col'], [i === 11 ? 'y' : `v${i + 1}`]),
      ]).flat(),
      weights: [ints('zero', [1], [0]), floats('col', [16, 1, 1], new Float32Array(16).fill(1))],
    }),
  ),
  specimen('a loop without end', 'bounded', () => loop(body([node('Identity', ['state'], ['next'])]), undefined)),
  specimen('a loop of 2^63 - 1 turns', 'bounded', () => loop(body([node('Identity', ['state'], ['next'])]), ints('trips', [], [2n ** 63n - 1n]))),
  specimen('a loop that grows', 'bounded', () => loop(body([node('Concat', ['state', 'state'], ['next'], { axis: 0 })]), ints('trips', [], [60]))),
  specimen('a loop in a loop in a loop', 'bounded', () => {
    const inner = (depth: number): Graph =>
      body(
        depth === 0
          ? [node('Identity', ['state'], ['next'])]
          : [
              makeNode('Loop', ['trips', 'cond', 'state'], ['next'], {
                name: `loop ${depth}`,
                attribute: node('Loop', [], [], { body: inner(depth - 1) }).attribute,
              }),
            ],
      );
    return loop(inner(4), ints('trips', [], [100_000]));
  }),
  specimen('a loop that never has a turn', 'taken', () => loop(body([node('Identity', ['state'], ['next'])]), ints('trips', [], [0]))),
  specimen('a loop of minus one turns', 'taken', () => loop(body([node('Identity', ['state'], ['next'])]), ints('trips', [], [-1]))),
  specimen('a sequence of a million pieces', 'bounded', () =>
    of({
      nodes: [
        node('Expand', ['x', 'n'], ['big']),
        node('SplitToSequence', ['big'], ['q'], { axis: 0, keepdims: 1 }),
        node('ConcatFromSequence', ['q'], ['y'], { axis: 0 }),
      ],
      weights: [ints('n', [2], [1_000_000, 4])],
    }),
  ),
  specimen('text joined to itself thirty times', 'bounded', () =>
    of({
      nodes: Array.from({ length: 30 }, (_, i) => makeNode('StringConcat', [i === 0 ? 't' : `v${i}`, i === 0 ? 't' : `v${i}`], [i === 29 ? 'y' : `v${i + 1}`])),
      weights: [makeTensor('t', 'string', [1], ['x'.repeat(1_000)])],
      outputs: [open('y', 8)],
    }),
  ),
  specimen('a pattern that tries everything', 'bounded', () =>
    of({
      nodes: [node('RegexFullMatch', ['t'], ['y'], { pattern: '(a+)+(b|a+)*$' })],
      weights: [makeTensor('t', 'string', [1], [`${'a'.repeat(100_000)}!`])],
      outputs: [open('y', 9)],
    }),
  ),
  specimen('a mel matrix of 10^9 bins', 'bounded', () =>
    one('MelWeightMatrix', ['a', 'b', 'c', 'd', 'e'], {}, [
      ints('a', [], [1e9]),
      ints('b', [], [1e9]),
      ints('c', [], [16_000]),
      floats('d', [], [0]),
      floats('e', [], [8_000]),
    ]),
  ),
  specimen('an image that is none', 'bounded', () =>
    one(
      'ImageDecoder',
      ['b'],
      {},
      [
        bytes(
          'b',
          'uint8',
          [64],
          Array.from({ length: 64 }, (_, i) => i),
        ),
      ],
      { outputs: [open('y', 2)] },
    ),
  ),
];
