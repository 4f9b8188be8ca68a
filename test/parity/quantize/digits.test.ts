/** The digits model against Python onnxruntime.quantization 1.30: the same nodes, the same bytes in every initializer. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkStructure } from '#core/onnx';
import { argmax, readNpz, type Tensor } from '#core/datasets';
import { quantizeModel } from '#core/quantize';
import { runModel, runtime } from './ort.ts';
import { compare, SAME, VARIANTS } from './reference.ts';

const fixtures = join(import.meta.dirname, '..', '..', 'fixtures');
const model = join(fixtures, 'digits', 'model.onnx');
const calibration = join(fixtures, 'digits', 'calibration.npz');
const dir = await mkdtemp(join(tmpdir(), 'edgewright-parity-'));

describe('digits, quantized', () => {
  it.each(Object.entries(VARIANTS))('%s equals the reference', async (name, options) => {
    const outputPath = join(dir, `${name}.onnx`);
    // The references were calibrated with the first 128 samples in batches of 16.
    const result = await quantizeModel({ modelPath: model, outputPath, calibration, samples: 128, batch: 16, ...options }, runtime);
    expect(result.warnings).toEqual([]);
    expect(await compare(outputPath, join(fixtures, 'quantized', `${name}.onnx`))).toEqual(SAME);
    expect((await checkStructure(outputPath)).warnings).toEqual([]);
  });

  it('gives the same scales without preparing, in any batch size', async () => {
    const outputPath = join(dir, 'odd.onnx');
    await quantizeModel(
      { modelPath: model, outputPath, calibration, samples: 128, batch: 7, prepare: false, variant: 'int8-static', perChannel: true },
      runtime,
    );
    expect(await compare(outputPath, join(fixtures, 'quantized', 'static_minmax_s8s8_pc.onnx'))).toEqual(SAME);
  });

  it('still reads digits: what it answers agrees with the labels', async () => {
    const test = await readNpz(join(fixtures, 'digits', 'test.npz'));
    const image = test.get('in_image') as Tensor;
    const labels = [...((test.get('label') as Tensor).data as BigInt64Array)].map(Number);
    for (const name of ['dynamic_s8_pt', 'static_minmax_s8s8_pc']) {
      const { logits } = await runModel(join(dir, `${name}.onnx`), { image });
      const right = labels.filter((label, i) => argmax((logits?.data as Float32Array).subarray(i * 10, i * 10 + 10)) === label).length;
      expect(right / labels.length).toBeGreaterThan(0.95);
    }
  });
});
