/** What this machine can run, and why not. */
export { type CpuInfo, cpuInfo } from './cpu-info.ts';
export { type DetectOptions, detectHardware, recordMachine } from './detect.ts';
export { onnxRuntimeInstall } from './live-machine.ts';
export { type Proof, proveProvider } from './prove.ts';
export { PROVIDER_NAMES, providerShortName } from './provider-names.ts';
export { withLoaderReason } from './words.ts';
export { MAX_RECORDING_BYTES } from './limits.ts';
export { parseRecording, readRecording, type Recording, RecordingSchema } from './recording.ts';
