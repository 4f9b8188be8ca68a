/**
 * A tensor in memory: ONNX element type, dimensions, elements in row-major order. float16 holds the raw 16 bits of each
 * number, bool one byte (0 or 1) each; that is how they cross to the runner and into ONNX Runtime.
 */
import { EdgewrightError } from '#contract';
import { MAX_RANK } from './limits.ts';
import { roundHalfEven } from './rounding.ts';

export type NumericData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

export interface Tensor {
  type: ElementType;
  dims: number[];
  data: NumericData | string[];
}

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const;

export type NumericType = keyof typeof ARRAYS;
export type ElementType = NumericType | 'string';

/** Types whose elements stand for real numbers, not for indices or flags. */
const FLOAT_TYPES: ReadonlySet<string> = new Set(['float16', 'float32', 'float64']);

export function isElementType(type: string): type is ElementType {
  return type === 'string' || Object.hasOwn(ARRAYS, type);
}

export function isFloatType(type: string): boolean {
  return FLOAT_TYPES.has(type);
}

/** Bytes of one element; strings have none that is fixed. */
export function elementBytes(type: NumericType): number {
  return ARRAYS[type].BYTES_PER_ELEMENT;
}

/** Number of elements; 1 for a scalar. Throws when a dimension is not a whole number ≥ 0 or the product is not exact. */
export function elementCount(dims: readonly number[]): number {
  let count = 1;
  for (const dim of dims) {
    if (!Number.isSafeInteger(dim) || dim < 0) throw tensorError('tensor.dims-wrong', 'A dimension is not a whole number of 0 or more.', `${dims}`);
    count *= dim;
  }
  if (!Number.isSafeInteger(count) || dims.length > MAX_RANK) throw tensorError('tensor.dims-wrong', 'The dimensions are too many or too large.', `${dims}`);
  return count;
}

/** A new zero-filled array for `count` elements of a numeric type. */
export function newData(type: NumericType, count: number): NumericData {
  return new ARRAYS[type](count);
}

/**
 * Makes a tensor and checks it: the data is of the type's array class and as long as the dims say.
 * @throws tensor.data-wrong, tensor.dims-wrong (input)
 */
export function makeTensor(type: ElementType, dims: readonly number[], data: NumericData | string[]): Tensor {
  const count = elementCount(dims);
  const fits = type === 'string' ? Array.isArray(data) : data instanceof ARRAYS[type];
  if (!fits || data.length !== count) {
    throw tensorError(
      'tensor.data-wrong',
      'The data of a tensor does not fit its type and dimensions.',
      `${data.length} elements`,
      `${type} of ${dims.join(' x ') || 'one element'}`,
    );
  }
  return { type, dims: [...dims], data };
}

/** A float32 tensor from plain numbers. */
export function float32Tensor(dims: readonly number[], values: ArrayLike<number>): Tensor {
  return makeTensor('float32', dims, Float32Array.from(values));
}

/** The little-endian bytes of a numeric tensor, uncopied. */
export function tensorBytes(tensor: Tensor): Uint8Array {
  const { data } = tensor;
  if (Array.isArray(data)) throw tensorError('tensor.type-wrong', 'A string tensor has no plain bytes.', 'string');
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** A numeric tensor over `bytes`; copied only when they do not begin at a multiple of the element size. */
export function tensorFromBytes(type: NumericType, dims: readonly number[], bytes: Uint8Array): Tensor {
  const count = elementCount(dims);
  const size = elementBytes(type);
  if (bytes.byteLength !== count * size) {
    throw tensorError('tensor.data-wrong', 'The data of a tensor is not as long as its dimensions say.', `${bytes.byteLength} bytes`, `${count * size} bytes`);
  }
  const aligned = bytes.byteOffset % size === 0 ? bytes : Uint8Array.from(bytes);
  return { type, dims: [...dims], data: new ARRAYS[type](aligned.buffer as ArrayBuffer, aligned.byteOffset, count) };
}

/**
 * Every element as a double: what metrics and comparisons compute with. Whole numbers beyond 2^53 lose their last bits.
 * @throws tensor.type-wrong for strings (input)
 */
export function toNumbers(tensor: Tensor): Float64Array {
  const { data } = tensor;
  if (Array.isArray(data)) throw tensorError('tensor.type-wrong', 'Numbers were expected.', 'strings', 'a numeric tensor');
  const out = new Float64Array(data.length);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) for (let i = 0; i < out.length; i++) out[i] = Number(data[i]);
  else if (tensor.type === 'float16') for (let i = 0; i < out.length; i++) out[i] = halfToNumber(data[i] ?? 0);
  else out.set(data);
  return out;
}

/** Rows `from` (inclusive) to `to` (exclusive) of the first axis; numeric data is a view, not a copy. */
export function sliceRows(tensor: Tensor, from: number, to: number): Tensor {
  const rows = tensor.dims[0] ?? 0;
  const per = rows === 0 ? 0 : tensor.data.length / rows;
  const [a, b] = [from * per, to * per];
  return {
    type: tensor.type,
    dims: [to - from, ...tensor.dims.slice(1)],
    data: Array.isArray(tensor.data) ? tensor.data.slice(a, b) : tensor.data.subarray(a, b),
  };
}

/** Joins tensors of one type along the first axis; all other dimensions must be the same. */
export function concatRows(parts: readonly Tensor[]): Tensor {
  const first = parts[0];
  if (!first) throw tensorError('tensor.data-wrong', 'There is nothing to join.', 'no tensors');
  const rest = first.dims.slice(1);
  let rows = 0;
  for (const part of parts) {
    if (part.type !== first.type || part.dims.length !== first.dims.length || part.dims.slice(1).some((d, i) => d !== rest[i])) {
      throw tensorError(
        'tensor.dims-wrong',
        'Batches of one output differ in more than their first dimension.',
        `${part.type} ${part.dims}`,
        `${first.type} ${first.dims}`,
      );
    }
    rows += part.dims[0] ?? 0;
  }
  if (parts.length === 1) return first;
  if (first.type === 'string')
    return makeTensor(
      'string',
      [rows, ...rest],
      parts.flatMap((p) => p.data as string[]),
    );
  const bytes = Buffer.concat(parts.map(tensorBytes));
  return tensorFromBytes(first.type, [rows, ...rest], bytes);
}

/** A tensor of another element type with the same values, rounded as IEEE and C casts do. */
export function castTensor(tensor: Tensor, type: NumericType): Tensor {
  if (tensor.type === type) return tensor;
  const values = toNumbers(tensor);
  const data = newData(type, values.length);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) for (let i = 0; i < values.length; i++) data[i] = BigInt(Math.trunc(values[i] ?? 0));
  else if (type === 'float16') for (let i = 0; i < values.length; i++) data[i] = numberToHalf(values[i] ?? 0);
  else if (type === 'bool') for (let i = 0; i < values.length; i++) data[i] = values[i] === 0 ? 0 : 1;
  else data.set(values);
  return { type, dims: [...tensor.dims], data };
}

const scratch = new DataView(new ArrayBuffer(8));

/** The number that the 16 bits of an IEEE binary16 stand for. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The bits of the IEEE binary16 nearest to a number, ties to even, as numpy rounds a double. */
export function numberToHalf(value: number): number {
  scratch.setFloat64(0, value);
  const sign = scratch.getUint8(0) & 0x80 ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return sign | 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  // Below 2^-14 the step is 2^-24; above it is 2^-10 of the power of two below the number.
  const exponent = size < 2 ** -14 ? -14 : Math.floor(Math.log2(size));
  const exact = 2 ** exponent > size && exponent > -14 ? exponent - 1 : exponent;
  const steps = roundHalfEven(size / 2 ** (exact - 10));
  if (size < 2 ** -14) return sign | steps;
  // A carry out of the fraction runs into the exponent by itself.
  return sign | (((exact + 15) << 10) + (steps - 1024));
}

function tensorError(code: string, message: string, found: string, expected?: string): EdgewrightError {
  return new EdgewrightError({ code, message, found, ...(expected !== undefined && { expected }), owner: 'input' });
}
