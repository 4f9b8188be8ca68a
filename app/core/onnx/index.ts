/** ONNX models: read with their weights left on disk, inspected, checked without running them, changed and written. */
export { AttributeType, findAttribute, floatAttribute, intAttribute, makeAttribute, makeNode, subgraphs, textAttribute } from './attributes.ts';
export { readBytes, streamBytes } from './bulk.ts';
export { checkStructure, type StructureCheck } from './check.ts';
export { safeText, shown } from './errors.ts';
export { DataType, type TypeName, typeName } from './data-types.ts';
export { embedExternalData } from './embed.ts';
export { type Externalized, type ExternalizeOptions, externalizeModel } from './externalize.ts';
export { ModelIndex } from './graph-index.ts';
export { nodePage, outlineOf, tensorPage } from './graph-view.ts';
export { externalFiles, inspectModel } from './inspect.ts';
export type {
  Attribute,
  Dimension,
  FunctionProto,
  Graph,
  ModelProto,
  Node,
  OperatorSet,
  StringEntry,
  TensorProto,
  TypeProto,
  ValueInfo,
} from './messages.ts';
export { normalDomain, type OnnxModel, opsetsOf, parseModel, readModel, serializeModel, writeModel } from './model.ts';
export { isOperatorName } from './operators.ts';
export { neighbourhoodOf } from './neighbourhood.ts';
export { nodeDetail } from './node-detail.ts';
export { originOf } from './origin.ts';
export { checkStructureApart, ModelReader, withReader } from './reader.ts';
export { reportOn, reportOnFile } from './report.ts';
export { tensorStats } from './tensor-stats.ts';
export { elementCount, makeTensor, rawBytes, tensorData, tensorDims, type TensorValues } from './tensors.ts';
export type { Bytes, FileRange } from './wire-reader.ts';
