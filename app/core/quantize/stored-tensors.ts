/** Constants in the form the reference quantizer stores them in: parameters in the typed fields, weights as raw data. */
import { DataType, makeTensor, type TensorProto } from '#core/onnx';
import type { IntegerType } from './rules.ts';

function empty(name: string, dataType: number, dims: readonly number[]): TensorProto {
  return { name, dataType, dims: dims.map(BigInt), stringData: [], externalData: [], metadataProps: [] };
}

/** float32 numbers in `float_data`. */
export function floatTensor(name: string, dims: readonly number[], values: ArrayLike<number>): TensorProto {
  return { ...empty(name, DataType.float32, dims), floatData: new Uint8Array(Float32Array.from(values).buffer) };
}

/** Whole numbers in `int32_data` or, for int64, `int64_data`. */
export function integerTensor(name: string, type: IntegerType | 'int32' | 'int64', dims: readonly number[], values: readonly number[]): TensorProto {
  const packed = Uint8Array.from(values.flatMap((value) => varint(BigInt.asUintN(64, BigInt(value)))));
  const tensor = empty(name, DataType[type], dims);
  return type === 'int64' ? { ...tensor, int64Data: packed } : { ...tensor, int32Data: packed };
}

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return bytes;
}

export function rawTensor(
  name: string,
  type: IntegerType | 'int32' | 'float32',
  dims: readonly number[],
  values: Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Float32Array,
): TensorProto {
  return makeTensor(name, type, dims, values);
}
