/**
 * Static int8 quantization of the sample model, calibration included: ours against Python's onnxruntime.quantization, each as a
 * whole process. Needs a Python with onnxruntime and onnx; name it with EDGEWRIGHT_PYTHON.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Contest } from './contest.ts';

const run = promisify(execFile);
const SAMPLE = join(import.meta.dirname, '..', '..', 'assets', 'sample-bundle');
const PYTHON = process.env.EDGEWRIGHT_PYTHON ?? 'python3';
const TIMEOUT_MS = 300_000;

const THEIRS = `
import sys, numpy as np, onnxruntime.quantization as q
from onnxruntime.quantization.shape_inference import quant_pre_process
model, data, out = sys.argv[1:4]
x = np.load(data)['in_image']
class Reader(q.CalibrationDataReader):
    def __init__(self): self.i = 0
    def get_next(self):
        if self.i >= len(x): return None
        self.i += 16
        return {'image': x[self.i - 16:self.i]}
quant_pre_process(model, out + '.prepared', skip_symbolic_shape=True)
q.quantize_static(out + '.prepared', out, Reader(), per_channel=True)
`;

async function inTemp(work: (dir: string) => Promise<unknown>): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), 'edgewright-bench-'));
  try {
    const began = performance.now();
    await work(dir);
    return (performance.now() - began) / 1000;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

export const quantizeContest: Contest = {
  name: 'int8-static of the sample model, a whole process',
  rivalName: 'Python onnxruntime.quantization',
  unit: 's',
  missing: () =>
    run(PYTHON, ['-c', 'import onnxruntime.quantization, onnx'], { timeout: TIMEOUT_MS }).then(
      () => undefined,
      () => `${PYTHON} has no onnxruntime and onnx; name one that has with EDGEWRIGHT_PYTHON`,
    ),
  ours: () =>
    inTemp((dir) =>
      run(
        process.execPath,
        [join(import.meta.dirname, 'quantize-once.ts'), join(SAMPLE, 'model.onnx'), join(SAMPLE, 'calibration.npz'), join(dir, 'out.onnx')],
        { timeout: TIMEOUT_MS },
      ),
    ),
  rival: () =>
    inTemp((dir) => run(PYTHON, ['-c', THEIRS, join(SAMPLE, 'model.onnx'), join(SAMPLE, 'calibration.npz'), join(dir, 'out.onnx')], { timeout: TIMEOUT_MS })),
};
