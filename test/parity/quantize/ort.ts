/** ONNX Runtime in the test's own process: what a runner does for the program. */
import type { QuantizeRuntime } from '#core/quantize';
import type { Tensor } from '#core/datasets';

process.env.ORT_DISABLE_TELEMETRY = '1';
// onnxruntime-node 1.30 takes Float16Array for float16 where it exists, but not for the outputs it makes itself.
Reflect.deleteProperty(globalThis, 'Float16Array');
const ort = await import('onnxruntime-node');

type OrtTensor = InstanceType<typeof ort.Tensor>;

const toOrt = (tensor: Tensor): OrtTensor => new ort.Tensor(tensor.type as 'float32', tensor.data as Float32Array, tensor.dims);
const fromOrt = (tensor: OrtTensor): Tensor => ({ type: tensor.type as Tensor['type'], dims: [...tensor.dims], data: tensor.data });

export const runtime: QuantizeRuntime = {
  async open(modelPath) {
    const session = await ort.InferenceSession.create(modelPath, { graphOptimizationLevel: 'disabled', intraOpNumThreads: 1, logSeverityLevel: 3 });
    return {
      run: async (feeds, outputs) => {
        const inputs = Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, toOrt(tensor)]));
        const answers = await session.run(inputs, [...outputs]);
        return Object.fromEntries(Object.entries(answers).map(([name, tensor]) => [name, fromOrt(tensor)]));
      },
      close: () => session.release(),
    };
  },
  async optimize(modelPath, outputPath) {
    const session = await ort.InferenceSession.create(modelPath, {
      graphOptimizationLevel: 'basic',
      optimizedModelFilePath: outputPath,
      intraOpNumThreads: 1,
      logSeverityLevel: 3,
    });
    await session.release();
  },
};

/** Runs a model with every optimization on. */
export async function runModel(modelPath: string, feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> {
  const session = await ort.InferenceSession.create(modelPath, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const answers = await session.run(Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, toOrt(tensor)])));
  await session.release();
  return Object.fromEntries(Object.entries(answers).map(([name, tensor]) => [name, fromOrt(tensor)]));
}
