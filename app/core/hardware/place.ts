/** Where the program runs, and which of ONNX Runtime's providers its npm package brings there. */

export interface Place {
  platform: string;
  arch: string;
}

/** Providers onnxruntime-node has for each platform and architecture, best first. Source: the files of onnxruntime-node 1.30.0 and its README. */
const SHIPPED: Record<string, readonly string[]> = {
  'linux-x64': ['cuda', 'tensorrt', 'webgpu', 'cpu'],
  'linux-arm64': ['cpu'],
  'win32-x64': ['dml', 'webgpu', 'cpu'],
  'win32-arm64': ['dml', 'webgpu', 'cpu'],
  'darwin-arm64': ['coreml', 'webgpu', 'cpu'],
};

export function shippedProviders(platform: string, arch: string): readonly string[] {
  return SHIPPED[`${platform}-${arch}`] ?? [];
}

/** `Linux on arm64` */
export function placeName({ platform, arch }: Place): string {
  return `${{ linux: 'Linux', win32: 'Windows', darwin: 'macOS' }[platform] ?? platform} on ${arch}`;
}
