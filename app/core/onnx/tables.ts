/**
 * The field tables that drive the codec: field number and kind of every field of `messages.ts`, after the public ONNX
 * schema (IR version 14). Fields that are not listed, whatever comes next, stay unknown fields and survive a round trip
 * untouched.
 */
import type {
  Attribute,
  DeviceConfiguration,
  Dimension,
  FunctionProto,
  Graph,
  IntListEntry,
  MapType,
  ModelProto,
  Node,
  NodeDeviceConfiguration,
  OpaqueType,
  OperatorSet,
  QuantizationAnnotation,
  SequenceType,
  ShardedDim,
  ShardingSpec,
  SimpleShardedDim,
  SparseTensorProto,
  StringEntry,
  TensorProto,
  TensorSegment,
  TensorShape,
  TensorType,
  TrainingInfo,
  TypeProto,
  ValueInfo,
} from './messages.ts';

/**
 * `bulk` is a byte field that may be large and stays on disk; the `bulk…` number kinds are packed numbers kept in the
 * same way, and say how an unpacked number would be read.
 */
export type FieldKind = 'int64' | 'int32' | 'float' | 'text' | 'bytes' | 'message' | 'bulk' | 'bulk32' | 'bulk64' | 'bulkVarint';

export interface FieldSpec {
  number: number;
  kind: FieldKind;
  many: boolean;
  /** A list that is absent where the file has none of it: most models never do. */
  rare?: boolean;
  /** The table of a message field; a function, since messages contain each other. */
  table?: () => Table;
}

export interface Table {
  name: string;
  byKey: Readonly<Record<string, FieldSpec>>;
  byNumber: ReadonlyMap<number, { key: string; spec: FieldSpec }>;
  /** In the order protobuf writes them: by field number. */
  ordered: readonly { key: string; spec: FieldSpec }[];
  /** Keys of repeated fields that every decoded message has. */
  manyKeys: readonly string[];
}

/** A table that is known to describe T. */
export interface TableOf<T> extends Table {
  readonly describes?: T;
}

function define<T>(name: string, fields: { [K in keyof Required<T>]: FieldSpec }): TableOf<T> {
  const byKey: Record<string, FieldSpec> = fields;
  const ordered = Object.entries(byKey)
    .map(([key, spec]) => ({ key, spec }))
    .sort((a, b) => a.spec.number - b.spec.number);
  return {
    name,
    byKey,
    byNumber: new Map(ordered.map((field) => [field.spec.number, field])),
    ordered,
    manyKeys: ordered.filter((field) => field.spec.many && !field.spec.rare).map((field) => field.key),
  };
}

const one = (number: number, kind: FieldKind): FieldSpec => ({ number, kind, many: false });
const many = (number: number, kind: FieldKind): FieldSpec => ({ number, kind, many: true });
const child = (number: number, table: () => Table): FieldSpec => ({ number, kind: 'message', many: false, table });
const children = (number: number, table: () => Table): FieldSpec => ({ number, kind: 'message', many: true, table });

const rarely = (number: number, table: () => Table): FieldSpec => ({ ...children(number, table), rare: true });

const entries = (number: number) => children(number, () => stringEntryTable);

export const stringEntryTable: Table = define<StringEntry>('StringStringEntryProto', { key: one(1, 'text'), value: one(2, 'text') });
const operatorSetTable: Table = define<OperatorSet>('OperatorSetIdProto', { domain: one(1, 'text'), version: one(2, 'int64') });
const segmentTable: Table = define<TensorSegment>('TensorProto.Segment', { begin: one(1, 'int64'), end: one(2, 'int64') });

export const tensorTable: TableOf<TensorProto> = define<TensorProto>('TensorProto', {
  dims: many(1, 'int64'),
  dataType: one(2, 'int32'),
  segment: child(3, () => segmentTable),
  floatData: one(4, 'bulk32'),
  int32Data: one(5, 'bulkVarint'),
  stringData: many(6, 'bytes'),
  int64Data: one(7, 'bulkVarint'),
  name: one(8, 'text'),
  rawData: one(9, 'bulk'),
  doubleData: one(10, 'bulk64'),
  uint64Data: one(11, 'bulkVarint'),
  docString: one(12, 'text'),
  externalData: entries(13),
  dataLocation: one(14, 'int32'),
  metadataProps: entries(16),
});

const sparseTensorTable: Table = define<SparseTensorProto>('SparseTensorProto', {
  values: child(1, () => tensorTable),
  indices: child(2, () => tensorTable),
  dims: many(3, 'int64'),
});

const dimensionTable: Table = define<Dimension>('Dimension', { dimValue: one(1, 'int64'), dimParam: one(2, 'text'), denotation: one(3, 'text') });
const shapeTable: Table = define<TensorShape>('TensorShapeProto', { dim: children(1, () => dimensionTable) });
const tensorTypeTable: Table = define<TensorType>('TypeProto.Tensor', { elemType: one(1, 'int32'), shape: child(2, () => shapeTable) });
const sequenceTypeTable: Table = define<SequenceType>('TypeProto.Sequence', { elemType: child(1, () => typeTable) });
const mapTypeTable: Table = define<MapType>('TypeProto.Map', { keyType: one(1, 'int32'), valueType: child(2, () => typeTable) });
const opaqueTypeTable: Table = define<OpaqueType>('TypeProto.Opaque', { domain: one(1, 'text'), name: one(2, 'text') });

const typeTable: Table = define<TypeProto>('TypeProto', {
  tensorType: child(1, () => tensorTypeTable),
  sequenceType: child(4, () => sequenceTypeTable),
  mapType: child(5, () => mapTypeTable),
  denotation: one(6, 'text'),
  opaqueType: child(7, () => opaqueTypeTable),
  sparseTensorType: child(8, () => tensorTypeTable),
  optionalType: child(9, () => sequenceTypeTable),
});

const valueInfoTable: Table = define<ValueInfo>('ValueInfoProto', {
  name: one(1, 'text'),
  type: child(2, () => typeTable),
  docString: one(3, 'text'),
  metadataProps: entries(4),
});

const attributeTable: Table = define<Attribute>('AttributeProto', {
  name: one(1, 'text'),
  f: one(2, 'float'),
  i: one(3, 'int64'),
  s: one(4, 'bytes'),
  t: child(5, () => tensorTable),
  g: child(6, () => graphTable),
  floats: many(7, 'float'),
  ints: many(8, 'int64'),
  strings: many(9, 'bytes'),
  tensors: children(10, () => tensorTable),
  graphs: children(11, () => graphTable),
  docString: one(13, 'text'),
  tp: child(14, () => typeTable),
  typeProtos: children(15, () => typeTable),
  type: one(20, 'int32'),
  refAttrName: one(21, 'text'),
  sparseTensor: child(22, () => sparseTensorTable),
  sparseTensors: children(23, () => sparseTensorTable),
});

const simpleShardedDimTable: Table = define<SimpleShardedDim>('SimpleShardedDimProto', {
  dimValue: one(1, 'int64'),
  dimParam: one(2, 'text'),
  numShards: one(3, 'int64'),
});
const shardedDimTable: Table = define<ShardedDim>('ShardedDimProto', { axis: one(1, 'int64'), simpleSharding: children(2, () => simpleShardedDimTable) });
const intListEntryTable: Table = define<IntListEntry>('IntIntListEntryProto', { key: one(1, 'int64'), value: many(2, 'int64') });
const shardingSpecTable: Table = define<ShardingSpec>('ShardingSpecProto', {
  tensorName: one(1, 'text'),
  device: many(2, 'int64'),
  indexToDeviceGroupMap: children(3, () => intListEntryTable),
  shardedDim: children(4, () => shardedDimTable),
});
const nodeDeviceTable: Table = define<NodeDeviceConfiguration>('NodeDeviceConfigurationProto', {
  configurationId: one(1, 'text'),
  shardingSpec: children(2, () => shardingSpecTable),
  pipelineStage: one(3, 'int32'),
});
const deviceTable: Table = define<DeviceConfiguration>('DeviceConfigurationProto', {
  name: one(1, 'text'),
  numDevices: one(2, 'int32'),
  device: many(3, 'text'),
});

const nodeTable: Table = define<Node>('NodeProto', {
  input: many(1, 'text'),
  output: many(2, 'text'),
  name: one(3, 'text'),
  opType: one(4, 'text'),
  attribute: children(5, () => attributeTable),
  docString: one(6, 'text'),
  domain: one(7, 'text'),
  overload: one(8, 'text'),
  metadataProps: entries(9),
  deviceConfigurations: rarely(10, () => nodeDeviceTable),
});

const annotationTable: Table = define<QuantizationAnnotation>('TensorAnnotation', { tensorName: one(1, 'text'), quantParameterTensorNames: entries(2) });

const graphTable: Table = define<Graph>('GraphProto', {
  node: children(1, () => nodeTable),
  name: one(2, 'text'),
  initializer: children(5, () => tensorTable),
  docString: one(10, 'text'),
  input: children(11, () => valueInfoTable),
  output: children(12, () => valueInfoTable),
  valueInfo: children(13, () => valueInfoTable),
  quantizationAnnotation: children(14, () => annotationTable),
  sparseInitializer: children(15, () => sparseTensorTable),
  metadataProps: entries(16),
});

const trainingTable: Table = define<TrainingInfo>('TrainingInfoProto', {
  initialization: child(1, () => graphTable),
  algorithm: child(2, () => graphTable),
  initializationBinding: entries(3),
  updateBinding: entries(4),
});

const functionTable: Table = define<FunctionProto>('FunctionProto', {
  name: one(1, 'text'),
  input: many(4, 'text'),
  output: many(5, 'text'),
  attribute: many(6, 'text'),
  node: children(7, () => nodeTable),
  docString: one(8, 'text'),
  opsetImport: children(9, () => operatorSetTable),
  domain: one(10, 'text'),
  attributeProto: children(11, () => attributeTable),
  valueInfo: children(12, () => valueInfoTable),
  overload: one(13, 'text'),
  metadataProps: entries(14),
});

export const modelTable: TableOf<ModelProto> = define<ModelProto>('ModelProto', {
  irVersion: one(1, 'int64'),
  producerName: one(2, 'text'),
  producerVersion: one(3, 'text'),
  domain: one(4, 'text'),
  modelVersion: one(5, 'int64'),
  docString: one(6, 'text'),
  graph: child(7, () => graphTable),
  opsetImport: children(8, () => operatorSetTable),
  metadataProps: entries(14),
  trainingInfo: children(20, () => trainingTable),
  functions: children(25, () => functionTable),
  configuration: rarely(26, () => deviceTable),
});
