import { describe, expect, it } from 'vitest';
import { InspectResultSchema } from '#contract';
import { inspectModel, makeNode } from '#core/onnx';
import { fixture, model, saved, value } from './models.ts';

describe('inspectModel', () => {
  it('says what a PyTorch model is', async () => {
    const result = InspectResultSchema.parse(await inspectModel(fixture('digits/model.onnx')));
    expect(result).toMatchObject({
      inputs: [{ name: 'image', type: 'float32', dims: ['batch', 1, 8, 8] }],
      outputs: [{ name: 'logits', type: 'float32', dims: ['batch', 10] }],
      opsets: { 'ai.onnx': 18 },
      irVersion: 10,
      nodes: 17,
      parameters: 14822,
      bytes: 62315,
      framework: 'PyTorch',
      precision: { float32: 59272, int64: 32 },
      ops: { Add: 2, Conv: 6, Gemm: 1, ReduceMean: 1, Relu: 6, Reshape: 1 },
      warnings: [],
    });
  });

  it('still names the framework after a quantizer signed over it', async () => {
    const result = await inspectModel(fixture('quantized/dynamic_s8_pt.onnx'));
    expect(result.producer).toBe('onnx.quantize 0.1.0');
    expect(result.precision['int8']).toBeGreaterThan(14000);
  });

  it('warns of old operator sets and open dimensions, and keeps odd names apart from JavaScript', async () => {
    const proto = model(
      { node: [makeNode('Relu', ['__proto__'], ['constructor'])], input: [value('__proto__', ['batch', 'time'])], output: [value('constructor')] },
      { opsetImport: [{ domain: '', version: 9n }], metadataProps: [{ key: '__proto__', value: 'x' }] },
    );
    const result = await inspectModel(await saved(proto));
    expect(result.warnings.map((warning) => warning.code)).toEqual(['opset.old', 'shape.dynamic']);
    expect(Object.keys(result.metadata)).toEqual(['__proto__']);
    expect(result.ops).toEqual({ Relu: 1 });
  });
});
