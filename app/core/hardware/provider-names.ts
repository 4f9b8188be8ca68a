/** ONNX Runtime's long names for its providers, as profiles have them, and the short ones onnxruntime-node takes. */
const SHORT: Record<string, string> = {
  CPUExecutionProvider: 'cpu',
  CUDAExecutionProvider: 'cuda',
  TensorrtExecutionProvider: 'tensorrt',
  DmlExecutionProvider: 'dml',
  CoreMLExecutionProvider: 'coreml',
  WebGpuExecutionProvider: 'webgpu',
  OpenVINOExecutionProvider: 'openvino',
  QNNExecutionProvider: 'qnn',
  MIGraphXExecutionProvider: 'rocm',
  VitisAIExecutionProvider: 'vitisai',
};

/** The short names a person may ask for. */
export const PROVIDER_NAMES: readonly string[] = Object.values(SHORT);

export function providerShortName(long: string): string {
  return SHORT[long] ?? long;
}
