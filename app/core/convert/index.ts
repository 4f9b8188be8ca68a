/** From a framework's file to ONNX, by that framework's own exporter, kept in a sandbox. */
export { checkTrusted, type Conversion, convertSource } from './convert.ts';
export { type SourceKind, sourceKind } from './source-kind.ts';
