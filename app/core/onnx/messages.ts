/**
 * The messages of an ONNX file as TypeScript sees them (https://onnx.ai/onnx/repo-docs/IR.html). int64 fields are bigint;
 * repeated fields are always arrays; an absent singular field is undefined. Field numbers are in `tables.ts`.
 */
import type { Bytes } from './wire-reader.ts';

export interface StringEntry {
  key?: string | undefined;
  value?: string | undefined;
}

export interface OperatorSet {
  domain?: string | undefined;
  version?: bigint | undefined;
}

export interface TensorSegment {
  begin?: bigint | undefined;
  end?: bigint | undefined;
}

export interface TensorProto {
  dims: bigint[];
  dataType?: number | undefined;
  segment?: TensorSegment | undefined;
  /** The number fields hold protobuf's packed bytes; `tensorData` decodes them. */
  floatData?: Bytes | undefined;
  int32Data?: Bytes | undefined;
  stringData: Uint8Array[];
  int64Data?: Bytes | undefined;
  name?: string | undefined;
  rawData?: Bytes | undefined;
  doubleData?: Bytes | undefined;
  uint64Data?: Bytes | undefined;
  docString?: string | undefined;
  externalData: StringEntry[];
  dataLocation?: number | undefined;
  metadataProps: StringEntry[];
}

export interface SparseTensorProto {
  values?: TensorProto | undefined;
  indices?: TensorProto | undefined;
  dims: bigint[];
}

export interface Dimension {
  dimValue?: bigint | undefined;
  dimParam?: string | undefined;
  denotation?: string | undefined;
}

export interface TensorShape {
  dim: Dimension[];
}

export interface TensorType {
  elemType?: number | undefined;
  shape?: TensorShape | undefined;
}

export interface SequenceType {
  elemType?: TypeProto | undefined;
}

export interface MapType {
  keyType?: number | undefined;
  valueType?: TypeProto | undefined;
}

export interface OpaqueType {
  domain?: string | undefined;
  name?: string | undefined;
}

export interface TypeProto {
  tensorType?: TensorType | undefined;
  sequenceType?: SequenceType | undefined;
  mapType?: MapType | undefined;
  denotation?: string | undefined;
  opaqueType?: OpaqueType | undefined;
  sparseTensorType?: TensorType | undefined;
  optionalType?: SequenceType | undefined;
}

export interface ValueInfo {
  name?: string | undefined;
  type?: TypeProto | undefined;
  docString?: string | undefined;
  metadataProps: StringEntry[];
}

export interface Attribute {
  name?: string | undefined;
  f?: number | undefined;
  i?: bigint | undefined;
  s?: Uint8Array | undefined;
  t?: TensorProto | undefined;
  g?: Graph | undefined;
  floats: number[];
  ints: bigint[];
  strings: Uint8Array[];
  tensors: TensorProto[];
  graphs: Graph[];
  docString?: string | undefined;
  tp?: TypeProto | undefined;
  typeProtos: TypeProto[];
  type?: number | undefined;
  refAttrName?: string | undefined;
  sparseTensor?: SparseTensorProto | undefined;
  sparseTensors: SparseTensorProto[];
}

/** How a tensor is divided along one dimension. */
export interface SimpleShardedDim {
  dimValue?: bigint | undefined;
  dimParam?: string | undefined;
  numShards?: bigint | undefined;
}

export interface ShardedDim {
  axis?: bigint | undefined;
  simpleSharding: SimpleShardedDim[];
}

export interface IntListEntry {
  key?: bigint | undefined;
  value: bigint[];
}

export interface ShardingSpec {
  tensorName?: string | undefined;
  device: bigint[];
  indexToDeviceGroupMap: IntListEntry[];
  shardedDim: ShardedDim[];
}

/** Where a node runs among several devices; since IR version 11. */
export interface NodeDeviceConfiguration {
  configurationId?: string | undefined;
  shardingSpec: ShardingSpec[];
  pipelineStage?: number | undefined;
}

/** A set of devices that nodes may be spread over; since IR version 11. */
export interface DeviceConfiguration {
  name?: string | undefined;
  numDevices?: number | undefined;
  device: string[];
}

export interface Node {
  input: string[];
  output: string[];
  name?: string | undefined;
  opType?: string | undefined;
  attribute: Attribute[];
  docString?: string | undefined;
  domain?: string | undefined;
  overload?: string | undefined;
  metadataProps: StringEntry[];
  /** Absent in nodes that were made before there were any. */
  deviceConfigurations?: NodeDeviceConfiguration[] | undefined;
}

export interface QuantizationAnnotation {
  tensorName?: string | undefined;
  quantParameterTensorNames: StringEntry[];
}

export interface Graph {
  node: Node[];
  name?: string | undefined;
  initializer: TensorProto[];
  docString?: string | undefined;
  input: ValueInfo[];
  output: ValueInfo[];
  valueInfo: ValueInfo[];
  quantizationAnnotation: QuantizationAnnotation[];
  sparseInitializer: SparseTensorProto[];
  metadataProps: StringEntry[];
}

export interface TrainingInfo {
  initialization?: Graph | undefined;
  algorithm?: Graph | undefined;
  initializationBinding: StringEntry[];
  updateBinding: StringEntry[];
}

export interface FunctionProto {
  name?: string | undefined;
  input: string[];
  output: string[];
  attribute: string[];
  node: Node[];
  docString?: string | undefined;
  opsetImport: OperatorSet[];
  domain?: string | undefined;
  attributeProto: Attribute[];
  valueInfo: ValueInfo[];
  overload?: string | undefined;
  metadataProps: StringEntry[];
}

export interface ModelProto {
  irVersion?: bigint | undefined;
  producerName?: string | undefined;
  producerVersion?: string | undefined;
  domain?: string | undefined;
  modelVersion?: bigint | undefined;
  docString?: string | undefined;
  graph?: Graph | undefined;
  opsetImport: OperatorSet[];
  metadataProps: StringEntry[];
  trainingInfo: TrainingInfo[];
  functions: FunctionProto[];
  configuration?: DeviceConfiguration[] | undefined;
}
