/** Zeroes, and counts that do not fit, where the code of an operator divides or trusts. */
import { bytes, Float, floats, Floats, HUGE, image, int32, ints, type Many, node, of, one, open, specimen, value } from './specimen.ts';

const ML = { 'ai.onnx.ml': 3 };
const MS = { 'com.microsoft': 1 };

export const TRAPS: Many = [
  specimen('whole numbers divided by nothing', 'bounded', () =>
    of({ nodes: [node('Cast', ['x'], ['i'], { to: 7 }), node('Div', ['i', 'z'], ['y'])], weights: [ints('z', [], [0])], outputs: [open('y', 7)] }),
  ),
  specimen('the smallest number divided by -1', 'bounded', () =>
    of({ nodes: [node('Div', ['m', 'n'], ['y'])], weights: [ints('m', [1], [-(2n ** 63n)]), ints('n', [1], [-1])], outputs: [open('y', 7)] }),
  ),
  specimen('the rest of a division by nothing', 'bounded', () =>
    of({ nodes: [node('Mod', ['m', 'n'], ['y'])], weights: [ints('m', [1], [7]), ints('n', [1], [0])], outputs: [open('y', 7)] }),
  ),
  specimen('shifted by 200 bits', 'bounded', () =>
    of({
      nodes: [node('BitShift', ['m', 'n'], ['y'], { direction: 'LEFT' })],
      weights: [bytes('m', 'uint8', [1], [7]), bytes('n', 'uint8', [1], [200])],
      outputs: [open('y', 2)],
    }),
  ),
  specimen('convolution in no groups', 'reject', () => one('Conv', ['x', 'w'], { group: 0 }, [floats('w', [1, 1, 2, 2], [1, 1, 1, 1])], image()), /the Conv/),
  specimen(
    'convolution in strides of nothing',
    'reject',
    () => one('Conv', ['x', 'w'], { strides: [0, 0] }, [floats('w', [1, 1, 2, 2], [1, 1, 1, 1])], image()),
    /the Conv/,
  ),
  specimen('convolution dilated by nothing', 'bounded', () =>
    one('Conv', ['x', 'w'], { dilations: [0, 0] }, [floats('w', [1, 1, 2, 2], [1, 1, 1, 1])], image()),
  ),
  specimen('convolution with a kernel of nothing', 'bounded', () => one('Conv', ['x', 'w'], {}, [floats('w', [1, 1, 0, 0], [])], image())),
  specimen('pooled over nothing', 'reject', () => one('MaxPool', ['x'], { kernel_shape: [0, 0] }, [], image()), /the MaxPool/),
  specimen(
    'pooled in strides of nothing',
    'reject',
    () => one('AveragePool', ['x'], { kernel_shape: [2, 2], strides: [0, 0] }, [], image()),
    /the AveragePool/,
  ),
  specimen('pooled over padding alone', 'bounded', () => one('AveragePool', ['x'], { kernel_shape: [1, 1], pads: [5, 5, 5, 5] }, [], image())),
  specimen('blocks of nothing', 'reject', () => one('SpaceToDepth', ['x'], { blocksize: 0 }, [], image()), /the SpaceToDepth/),
  specimen('depth in blocks of nothing', 'reject', () => one('DepthToSpace', ['x'], { blocksize: 0 }, [], image()), /the DepthToSpace/),
  specimen('normalized over no neighbours', 'bounded', () => one('LRN', ['x'], { size: 0 }, [], image())),
  specimen('split into no parts', 'reject', () => one('Split', ['x'], { num_outputs: 0 }), /the Split/),
  specimen('the top -1 of 4', 'bounded', () => of({ nodes: [node('TopK', ['x', 'k'], ['y', 'which'])], weights: [ints('k', [1], [-1])] })),
  specimen('the top 10^12 of 4', 'bounded', () => of({ nodes: [node('TopK', ['x', 'k'], ['y', 'which'])], weights: [ints('k', [1], [HUGE])] })),
  specimen('gathered far outside', 'bounded', () => one('Gather', ['x', 'i'], { axis: 1 }, [ints('i', [1], [2 ** 40])])),
  specimen('scattered far outside', 'bounded', () => one('ScatterND', ['x', 'i', 'u'], {}, [ints('i', [1, 2], [9, 2 ** 40]), floats('u', [1], [1])])),
  specimen('sliced in steps of nothing', 'bounded', () =>
    one('Slice', ['x', 'a', 'b', 'c', 'd'], {}, [ints('a', [1], [0]), ints('b', [1], [4]), ints('c', [1], [1]), ints('d', [1], [0])]),
  ),
  specimen('reshaped to what does not fit', 'bounded', () => one('Reshape', ['x', 's'], {}, [ints('s', [2], [-1, 3])])),
  specimen('reshaped to two unknowns', 'bounded', () => one('Reshape', ['x', 's'], {}, [ints('s', [2], [-1, -1])])),
  specimen('a spectrum in steps of nothing', 'bounded', () =>
    one('STFT', ['x', 'step', '', 'n'], {}, [ints('step', [], [0]), ints('n', [], [4])], { inputs: [value('x', [1, 16, 1])] }),
  ),
  specimen('a spectrum of length nothing', 'bounded', () => one('DFT', ['x', 'n'], {}, [ints('n', [], [0])], { opset: 20, inputs: [value('x', [1, 16, 1])] })),
  specimen('a memory cell of no size', 'bounded', () =>
    of({
      nodes: [node('LSTM', ['x', 'w', 'r'], ['y'], { hidden_size: 0 })],
      weights: [floats('w', [1, 0, 4], []), floats('r', [1, 0, 0], [])],
      inputs: [value('x', [2, 1, 4])],
    }),
  ),
  specimen('a memory cell with weights of another', 'bounded', () =>
    of({
      nodes: [node('LSTM', ['x', 'w', 'r'], ['y'], { hidden_size: 5 })],
      weights: [floats('w', [1, 8, 4], new Float32Array(32)), floats('r', [1, 8, 2], new Float32Array(16))],
      inputs: [value('x', [2, 1, 4])],
    }),
  ),
  specimen(
    'quantized with a zero point of another type',
    'reject',
    () => one('QuantizeLinear', ['x', 's', 'z'], {}, [floats('s', [], [1]), ints('z', [], [0])], { outputs: [open('y', 7)] }),
    /the QuantizeLinear/,
  ),
  specimen('dequantized with as many scales as it pleases', 'bounded', () =>
    one('DequantizeLinear', ['q', 's', 'z'], { axis: 0 }, [
      bytes('q', 'uint8', [2, 4], [1, 2, 3, 4, 5, 6, 7, 8]),
      floats('s', [7], new Float32Array(7).fill(1)),
      bytes('z', 'uint8', [7], [0, 0, 0, 0, 0, 0, 0]),
    ]),
  ),
  specimen('dequantized in blocks of nothing', 'bounded', () =>
    one('DequantizeLinear', ['q', 's'], { axis: 1, block_size: 0 }, [bytes('q', 'int8', [2, 4], [1, 2, 3, 4, 5, 6, 7, 8]), floats('s', [2, 1], [1, 1])]),
  ),
  specimen(
    'quantized convolution with scales missing',
    'reject',
    () =>
      one(
        'QLinearConv',
        ['q', 's', 'z', 'w'],
        {},
        [bytes('q', 'uint8', [1, 1, 2, 2], [1, 2, 3, 4]), floats('s', [], [1]), bytes('z', 'uint8', [], [0]), bytes('w', 'uint8', [1, 1, 1, 1], [1])],
        { outputs: [open('y', 2)] },
      ),
    /the QLinearConv/,
  ),
  specimen('4-bit weights with fewer blocks than said', 'bounded', () =>
    one(
      'MatMulNBits',
      ['x', 'b', 's'],
      { K: 4096, N: 4096, bits: 4, block_size: 32 },
      [bytes('b', 'uint8', [1, 1, 16], new Array<number>(16).fill(1)), floats('s', [1], [1])],
      { domain: 'com.microsoft', domains: MS },
    ),
  ),
  specimen('attention with no heads', 'bounded', () =>
    one('Attention', ['x', 'w', 'b'], { num_heads: 0 }, [floats('w', [4, 12], new Float32Array(48)), floats('b', [12], new Float32Array(12))], {
      domain: 'com.microsoft',
      domains: MS,
      inputs: [value('x', [1, 2, 4])],
    }),
  ),
  specimen('a tree that goes round', 'reject', () => tree({ nodes_truenodeids: [0, 0, 0], nodes_falsenodeids: [0, 0, 0] }), /TreeEnsemble/),
  specimen('a tree that leads nowhere', 'bounded', () => tree({ nodes_truenodeids: [1, 0, 0], nodes_falsenodeids: [77, 0, 0] })),
  specimen('a tree that looks at a feature far outside', 'bounded', () => tree({ nodes_featureids: [1_000_000_000, 0, 0] })),
  specimen('a tree that looks at a feature before the first', 'bounded', () => tree({ nodes_featureids: [-1_000_000, 0, 0] })),
  specimen('a tree whose lists differ in length', 'reject', () => tree({ nodes_values: new Floats([0.5]) }), /TreeEnsemble/),
  specimen('a tree that answers for a target far outside', 'bounded', () => tree({ target_ids: [0, 1_000_000_000] })),
  specimen('a tree of 2^40 targets', 'bounded', () => tree({ n_targets: 2 ** 40 })),
  specimen('a linear classifier with too few coefficients', 'bounded', () =>
    of({
      nodes: [
        node(
          'LinearClassifier',
          ['x'],
          ['l', 'y'],
          {
            coefficients: new Floats([1]),
            intercepts: new Floats([0]),
            classlabels_ints: Array.from({ length: 1_000 }, (_, i) => i),
            post_transform: 'SOFTMAX',
          },
          'ai.onnx.ml',
        ),
      ],
      domains: ML,
    }),
  ),
  specimen('support vectors that are not there', 'bounded', () =>
    of({
      nodes: [
        node(
          'SVMRegressor',
          ['x'],
          ['y'],
          {
            kernel_type: 'RBF',
            n_supports: 1_000_000,
            coefficients: new Floats([1]),
            support_vectors: new Floats([1, 2, 3, 4]),
            kernel_params: new Floats([0.1, 0, 3]),
            rho: new Floats([0]),
          },
          'ai.onnx.ml',
        ),
      ],
      domains: ML,
    }),
  ),
  specimen('scaled by fewer numbers than there are', 'bounded', () =>
    one('Scaler', ['x'], { offset: new Floats([0, 0]), scale: new Floats([1]) }, [], { domain: 'ai.onnx.ml', domains: ML }),
  ),
  specimen('labels with more keys than answers', 'bounded', () =>
    of({
      nodes: [node('Cast', ['x'], ['i'], { to: 7 }), node('LabelEncoder', ['i'], ['y'], { keys_int64s: [1, 2, 3, 4], values_int64s: [1] }, 'ai.onnx.ml')],
      domains: ML,
      outputs: [open('y', 7)],
    }),
  ),
  specimen('pools of n-grams that lie about where they begin', 'bounded', () =>
    of({
      nodes: [
        node('Cast', ['x'], ['i'], { to: 7 }),
        node('TfIdfVectorizer', ['i'], ['y'], {
          mode: 'TF',
          min_gram_length: 1,
          max_gram_length: 2,
          max_skip_count: 0,
          ngram_counts: [0, 900],
          ngram_indexes: [0, 2 ** 31],
          pool_int64s: [1, 2, 3, 4],
        }),
      ],
    }),
  ),
  specimen('boxes kept that are no boxes', 'bounded', () =>
    of({
      nodes: [node('NonMaxSuppression', ['b', 's', 'm'], ['y'])],
      weights: [floats('b', [1, 2, 4], [Number.NaN, 0, 1, 1, 0, 0, Number.POSITIVE_INFINITY, 1]), floats('s', [1, 1, 2], [1, 1]), ints('m', [1], [2n ** 62n])],
      inputs: [],
      outputs: [open('y', 7)],
    }),
  ),
  specimen('regions of no size', 'bounded', () =>
    of({
      nodes: [node('RoiAlign', ['x', 'r', 'b'], ['y'], { output_height: 0, output_width: 0, sampling_ratio: 0 })],
      weights: [floats('r', [1, 4], [0, 0, -1, Number.NaN]), ints('b', [1], [999])],
      ...image(),
    }),
  ),
  specimen('rows to image with blocks that do not fit', 'bounded', () =>
    one('Col2Im', ['x', 'n', 'm'], {}, [ints('n', [2], [HUGE, HUGE]), ints('m', [2], [1, 1])], { inputs: [value('x', [1, 4, 4])] }),
  ),
  specimen('an axis of 2^31', 'bounded', () => one('Softmax', ['x'], { axis: 2 ** 31 })),
  specimen('an axis far below the first', 'bounded', () => one('Softmax', ['x'], { axis: -9_999 })),
  specimen('cumulated along an axis that is no axis', 'bounded', () => one('CumSum', ['x', 'a'], {}, [int32('a', [], [-7])])),
  specimen('an epsilon that is no number', 'bounded', () =>
    of({ nodes: [node('LayerNormalization', ['x', 'g'], ['y'], { epsilon: new Float(Number.NaN) })], weights: [floats('g', [4], [1, 1, 1, 1])] }),
  ),
];

/** A tree of one split and two leaves, with something of it changed. */
function tree(changed: Parameters<typeof node>[3]) {
  const sound = {
    n_targets: 1,
    nodes_treeids: [0, 0, 0],
    nodes_nodeids: [0, 1, 2],
    nodes_featureids: [0, 0, 0],
    nodes_modes: ['BRANCH_LEQ', 'LEAF', 'LEAF'],
    nodes_values: new Floats([0.5, 0, 0]),
    nodes_truenodeids: [1, 0, 0],
    nodes_falsenodeids: [2, 0, 0],
    target_treeids: [0, 0],
    target_nodeids: [1, 2],
    target_ids: [0, 0],
    target_weights: new Floats([1, 2]),
  };
  // Every node a branch where it is to go round.
  const modes = changed && 'nodes_truenodeids' in changed && 'nodes_falsenodeids' in changed ? { nodes_modes: ['BRANCH_LEQ', 'BRANCH_LEQ', 'BRANCH_LEQ'] } : {};
  return of({ nodes: [node('TreeEnsembleRegressor', ['x'], ['y'], { ...sound, ...modes, ...changed }, 'ai.onnx.ml')], domains: ML });
}
