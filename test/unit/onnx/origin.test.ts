import { describe, expect, it } from 'vitest';
import { originOf, makeAttribute, makeNode, type ModelProto, readModel } from '#core/onnx';
import { fixture, model, value } from './models.ts';

const strings = (name: string, texts: string[]) => ({
  ...makeAttribute(name, { ints: [] }),
  type: 8,
  strings: texts.map((text) => new TextEncoder().encode(text)),
});

function signed(producerName: string, producerVersion: string, parts: Parameters<typeof model>[0], more: Partial<ModelProto> = {}): ModelProto {
  return model({ input: [value('x')], output: [value('y')], ...parts }, { producerName, producerVersion, ...more });
}

const tree = (mode: string, name = 'TreeEnsembleClassifier') => ({
  node: [makeNode('TreeEnsembleClassifier', ['x'], ['y'], { name, domain: 'ai.onnx.ml', attribute: [strings('nodes_modes', [mode, 'LEAF'])] })],
});

describe('originOf', () => {
  const cases: [string, ModelProto, { framework: string; exporter: string; frameworkVersion?: string; exporterVersion?: string }][] = [
    [
      'PyTorch by TorchDynamo, by its names',
      signed('pytorch', '2.9.0', { node: [makeNode('Conv', ['x'], ['y'], { name: 'node_Conv_96' })] }),
      { framework: 'PyTorch', exporter: 'torch.onnx (TorchDynamo)', frameworkVersion: '2.9.0' },
    ],
    [
      'PyTorch by TorchDynamo, by its scopes',
      signed('pytorch', '2.6.0', {
        node: [{ ...makeNode('Conv', ['x'], ['y'], { name: 'conv' }), metadataProps: [{ key: 'pkg.torch.onnx.name_scopes', value: "['', 'conv']" }] }],
      }),
      { framework: 'PyTorch', exporter: 'torch.onnx (TorchDynamo)' },
    ],
    [
      'PyTorch by TorchScript',
      signed('pytorch', '2.3.1', { node: [makeNode('Conv', ['x', 'onnx::Conv_12'], ['/c/Conv_output_0'], { name: '/c/Conv' })] }),
      { framework: 'PyTorch', exporter: 'torch.onnx (TorchScript)', frameworkVersion: '2.3.1', exporterVersion: '2.3.1' },
    ],
    [
      'an old PyTorch',
      signed('pytorch', '1.7', { name: 'torch-jit-export', node: [makeNode('Conv', ['x'], ['y'], { name: 'Conv_0' })] }),
      { framework: 'PyTorch', exporter: 'torch.onnx (TorchScript)' },
    ],
    ['a PyTorch that leaves no trace', signed('pytorch', '2.0', { node: [makeNode('Relu', ['x'], ['y'])] }), { framework: 'PyTorch', exporter: 'torch.onnx' }],
    [
      'Keras',
      signed('tf2onnx', '1.17.0 abc123', { node: [makeNode('Conv', ['x'], ['y'], { name: 'sequential/conv2d/Conv2D' })] }),
      { framework: 'Keras (TensorFlow)', exporter: 'tf2onnx', exporterVersion: '1.17.0' },
    ],
    [
      'TensorFlow',
      signed('tf2onnx', '1.16.1', { node: [makeNode('MatMul', ['x'], ['y'], { name: 'StatefulPartitionedCall/MatMul' })] }),
      { framework: 'TensorFlow', exporter: 'tf2onnx' },
    ],
    [
      'TFLite',
      signed('tf2onnx', '1.17.0', { node: [makeNode('Conv', ['x'], ['y'], { name: 'model/relu/Relu;model/conv/Conv2D' })] }),
      { framework: 'TensorFlow Lite', exporter: 'tf2onnx' },
    ],
    ['scikit-learn', signed('skl2onnx', '1.20.0', tree('BRANCH_LEQ')), { framework: 'scikit-learn', exporter: 'skl2onnx', exporterVersion: '1.20.0' }],
    [
      'a pipeline with LightGBM',
      signed('skl2onnx', '1.20.0', tree('BRANCH_LEQ', 'LgbmClassifier')),
      { framework: 'scikit-learn with LightGBM', exporter: 'skl2onnx' },
    ],
    ['a pipeline with XGBoost', signed('skl2onnx', '1.20.0', tree('BRANCH_LT')), { framework: 'scikit-learn with XGBoost', exporter: 'skl2onnx' }],
    ['LightGBM', signed('OnnxMLTools', '1.16.0', tree('BRANCH_LEQ', 'LgbmClassifier')), { framework: 'LightGBM', exporter: 'onnxmltools' }],
    ['XGBoost', signed('OnnxMLTools', '1.16.0', tree('BRANCH_LT')), { framework: 'XGBoost', exporter: 'onnxmltools' }],
    [
      'what onnxmltools took from elsewhere',
      signed('OnnxMLTools', '1.16.0', { node: [makeNode('Scaler', ['x'], ['y'])] }),
      { framework: 'unknown', exporter: 'onnxmltools' },
    ],
    ['another exporter', signed('PaddlePaddle', '', {}), { framework: 'PaddlePaddle', exporter: 'Paddle2ONNX' }],
    [
      'a quantized PyTorch model',
      signed('onnx.quantize', '0.1.0', { node: [makeNode('Conv', ['x'], ['y'], { name: 'node_Conv_96' })] }),
      { framework: 'PyTorch', exporter: 'torch.onnx (TorchDynamo)' },
    ],
    ['an optimized TensorFlow model', signed('onnxruntime', '1.30', { name: 'tf2onnx', node: [] }), { framework: 'TensorFlow', exporter: 'tf2onnx' }],
    ['one nobody signed', signed('', '', { node: [makeNode('Relu', ['x'], ['y'])] }), { framework: 'unknown', exporter: 'unknown' }],
    ['one with a name nobody knows', signed('pytorch-like', '1', { node: [makeNode('Relu', ['x'], ['y'])] }), { framework: 'unknown', exporter: 'unknown' }],
  ];
  it.each(cases)('%s', (_what, proto, expected) => {
    const origin = originOf(proto);
    expect(origin).toMatchObject(expected);
    expect(origin.evidence.length).toBeGreaterThan(0);
  });

  it('says Hugging Face only where a config.json says so', () => {
    const bert = signed('pytorch', '2.3.1', { node: [makeNode('MatMul', ['x'], ['y'], { name: '/encoder/MatMul' })] });
    expect(originOf(bert, { transformers: '4.57.0' })).toMatchObject({
      framework: 'Hugging Face Transformers (PyTorch)',
      frameworkVersion: '4.57.0',
      exporter: 'Hugging Face optimum',
    });
    expect(originOf(bert).framework).toBe('PyTorch');
  });

  it('knows real files', async () => {
    expect(originOf(await readModel(fixture('digits/model.onnx')))).toMatchObject({ framework: 'PyTorch', exporter: 'torch.onnx (TorchDynamo)' });
    expect(originOf(await readModel(fixture('quantized/static_minmax_s8s8_pc.onnx')))).toMatchObject({ framework: 'PyTorch' });
  });

  it('shows a producer that would forge lines in a safe form', () => {
    const { evidence } = originOf(signed('a\nb\u202e', '', {}));
    expect(evidence.join('')).not.toMatch(/[\n\u202e]/);
  });
});
