/**
 * Making a model ready to be quantized: ONNX Runtime's basic optimizations fold constants and batch normalizations, so that
 * fewer nodes are in the way, and write down the types of all values.
 */
import { dirname, resolve } from 'node:path';
import { embedExternalData, type OnnxModel, readModel, writeModel } from '#core/onnx';

/** Writes the model at `outputPath` as ONNX Runtime sees it after its basic graph optimizations. */
export type Optimize = (modelPath: string, outputPath: string, options: { signal?: AbortSignal }) => Promise<void>;

/** The mark that ONNX Runtime's own tools leave on a prepared model, and look for. */
const PREPARED = { key: 'onnx.quant.pre_process', value: 'onnxruntime.quant' };

export function isPrepared(model: OnnxModel): boolean {
  return model.metadataProps.some((entry) => entry.key === PREPARED.key && entry.value === PREPARED.value);
}

/**
 * @param path where the prepared model is to be, its weights inside
 * @returns the prepared model
 */
export async function prepareModel(modelPath: string, path: string, optimize: Optimize, options: { signal?: AbortSignal } = {}): Promise<OnnxModel> {
  await optimize(modelPath, path, options);
  // External data is still named as it was: beside the original, not beside the optimized file.
  const model = await embedExternalData({ ...(await readModel(path)), dir: dirname(resolve(modelPath)) });
  model.metadataProps.push({ ...PREPARED });
  await writeModel(model, path, options);
  return readModel(path);
}
