/**
 * The element type of every value of a graph. Exporters and ONNX Runtime write most of them down; the rest is passed on from
 * inputs to outputs here. Only types are needed to quantize, never shapes.
 */
import { DataType, findAttribute, type Graph, intAttribute, type Node, normalDomain } from '#core/onnx';
import { MAX_TYPE_PASSES } from './limits.ts';

/** Which input an output takes its type from (0 where not listed), or the type it always has. */
const FIXED: Record<string, number> = {
  Shape: DataType.int64,
  Size: DataType.int64,
  ArgMax: DataType.int64,
  ArgMin: DataType.int64,
  NonZero: DataType.int64,
  NonMaxSuppression: DataType.int64,
  Equal: DataType.bool,
  Greater: DataType.bool,
  GreaterOrEqual: DataType.bool,
  Less: DataType.bool,
  LessOrEqual: DataType.bool,
  And: DataType.bool,
  Or: DataType.bool,
  Xor: DataType.bool,
  Not: DataType.bool,
  IsNaN: DataType.bool,
  IsInf: DataType.bool,
  MatMulInteger: DataType.int32,
  ConvInteger: DataType.int32,
};

const FROM_INPUT: Record<string, number> = { Where: 1, OneHot: 2, CastLike: 1, DequantizeLinear: 1 };

/** Operators whose second output is not of the type of the first. */
const SECOND_OUTPUT: Record<string, number> = { TopK: DataType.int64, MaxPool: DataType.int64, Dropout: DataType.bool, LayerNormalization: DataType.float32 };

export function elementTypes(graph: Graph): Map<string, number> {
  const types = new Map<string, number>();
  for (const info of [...graph.valueInfo, ...graph.output, ...graph.input]) {
    const type = info.type?.tensorType?.elemType;
    if (info.name && type) types.set(info.name, type);
  }
  for (const tensor of graph.initializer) if (tensor.name && tensor.dataType) types.set(tensor.name, tensor.dataType);
  for (let pass = 0; pass < MAX_TYPE_PASSES; pass++) {
    const before = types.size;
    for (const node of graph.node) passOn(node, types);
    if (types.size === before) break;
  }
  return types;
}

function passOn(node: Node, types: Map<string, number>): void {
  node.output.forEach((name, index) => {
    if (name === '' || types.has(name)) return;
    const type = outputType(node, index, types);
    if (type !== undefined && type !== 0) types.set(name, type);
  });
}

function outputType(node: Node, index: number, types: ReadonlyMap<string, number>): number | undefined {
  if (normalDomain(node.domain) !== '') return undefined;
  const op = node.opType ?? '';
  if (index === 1 && SECOND_OUTPUT[op] !== undefined) return SECOND_OUTPUT[op];
  const fixed = FIXED[op];
  if (fixed !== undefined) return fixed;
  switch (op) {
    case 'Cast':
      return intAttribute(node, 'to', 0);
    case 'Constant':
      return constantType(node);
    case 'ConstantOfShape':
      return findAttribute(node, 'value')?.t?.dataType ?? DataType.float32;
    case 'RandomNormal':
    case 'RandomUniform':
      return intAttribute(node, 'dtype', DataType.float32);
    case 'QuantizeLinear':
      return types.get(node.input[2] ?? '') ?? DataType.uint8;
    case 'If':
    case 'Loop':
    case 'Scan':
      return undefined;
    default:
      return types.get(node.input[FROM_INPUT[op] ?? 0] ?? '');
  }
}

function constantType(node: Node): number | undefined {
  const tensor = findAttribute(node, 'value')?.t;
  if (tensor) return tensor.dataType;
  if (findAttribute(node, 'value_float') || findAttribute(node, 'value_floats')) return DataType.float32;
  if (findAttribute(node, 'value_int') || findAttribute(node, 'value_ints')) return DataType.int64;
  if (findAttribute(node, 'value_string') || findAttribute(node, 'value_strings')) return DataType.string;
  return undefined;
}
