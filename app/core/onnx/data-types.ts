/** The element types of ONNX tensors: number, name, and how many bits one element takes in raw data. */

export const DataType = {
  undefined: 0,
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  complex64: 14,
  complex128: 15,
  bfloat16: 16,
  float8e4m3fn: 17,
  float8e4m3fnuz: 18,
  float8e5m2: 19,
  float8e5m2fnuz: 20,
  uint4: 21,
  int4: 22,
  float4e2m1: 23,
  float8e8m0: 24,
  uint2: 25,
  int2: 26,
} as const;

export type TypeName = keyof typeof DataType;

interface TypeFacts {
  name: TypeName;
  /** Bits of one element in raw_data; 0 for strings, which have no raw form. */
  bits: number;
  /** The field that holds the elements when there is no raw_data. */
  field: 'floatData' | 'int32Data' | 'int64Data' | 'uint64Data' | 'doubleData' | 'stringData';
}

const BITS: Partial<Record<TypeName, number>> = {
  float32: 32,
  uint8: 8,
  int8: 8,
  uint16: 16,
  int16: 16,
  int32: 32,
  int64: 64,
  bool: 8,
  float16: 16,
  float64: 64,
  uint32: 32,
  uint64: 64,
  complex64: 64,
  complex128: 128,
  bfloat16: 16,
  float8e4m3fn: 8,
  float8e4m3fnuz: 8,
  float8e5m2: 8,
  float8e5m2fnuz: 8,
  uint4: 4,
  int4: 4,
  float4e2m1: 4,
  float8e8m0: 8,
  uint2: 2,
  int2: 2,
};

const FIELDS: Partial<Record<TypeName, TypeFacts['field']>> = {
  float32: 'floatData',
  complex64: 'floatData',
  float64: 'doubleData',
  complex128: 'doubleData',
  int64: 'int64Data',
  uint32: 'uint64Data',
  uint64: 'uint64Data',
  string: 'stringData',
};

const FACTS = new Map<number, TypeFacts>(
  (Object.entries(DataType) as [TypeName, number][])
    .filter(([name]) => name !== 'undefined')
    .map(([name, number]) => [number, { name, bits: BITS[name] ?? 0, field: FIELDS[name] ?? 'int32Data' }]),
);

/** undefined for a number that is no element type we know. */
export function typeFacts(dataType: number | undefined): TypeFacts | undefined {
  return dataType === undefined ? undefined : FACTS.get(dataType);
}

/** `float32`, `int8` … ; `unknown(250)` for a number that is no element type. */
export function typeName(dataType: number | undefined): string {
  return typeFacts(dataType)?.name ?? (dataType ? `unknown(${dataType})` : 'undefined');
}

/** Bytes that `elements` of this type take in raw data; several small elements share a byte. */
export function rawLength(bits: number, elements: number): number {
  return Math.ceil((elements * bits) / 8);
}
