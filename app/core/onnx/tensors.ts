/** Elements of tensors: reading them from wherever they lie, and making new ones. */
import { readBytes } from './bulk.ts';
import { DataType, rawLength, type TypeName, typeFacts, typeName } from './data-types.ts';
import { refuse, shown } from './errors.ts';
import { isExternal, resolveExternal } from './external.ts';
import { MAX_ELEMENTS } from './limits.ts';
import type { TensorProto } from './messages.ts';
import { type Bytes, WireReader } from './wire-reader.ts';

export type TensorValues =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | string[];

/** Dimensions as numbers. @throws model.bad-dims when one is negative or the product is beyond counting */
export function tensorDims(tensor: { dims: readonly bigint[]; name?: string | undefined }): number[] {
  const bad = (found: string) =>
    refuse('model.bad-dims', `The dimensions of tensor ${shown(tensor.name ?? '')} cannot be right.`, {
      expected: 'numbers of at least 0 whose product can be counted',
      found,
    });
  const text = () => `[${tensor.dims.slice(0, 16).join(', ')}]`;
  let product = 1n;
  for (const dim of tensor.dims) {
    if (dim < 0n) throw bad(text());
    product *= dim;
    // Checked at each step: a product that wrapped around would look small again.
    if (dim > BigInt(MAX_ELEMENTS) || product > BigInt(MAX_ELEMENTS)) throw bad(text());
  }
  return tensor.dims.map(Number);
}

export function elementCount(tensor: { dims: readonly bigint[]; name?: string | undefined }): number {
  return tensorDims(tensor).reduce((product, dim) => product * dim, 1);
}

/**
 * Where the raw little-endian elements of a tensor lie; undefined when they are in one of the typed fields.
 * @throws model.tensor-length when they are not as many as the dimensions say, model.external-*
 */
export async function rawBytes(dir: string, tensor: TensorProto): Promise<Bytes | undefined> {
  const facts = requireType(tensor);
  const needed = facts.bits === 0 ? undefined : rawLength(facts.bits, elementCount(tensor));
  if (isExternal(tensor)) {
    if (facts.bits === 0) throw refuse('model.external-unclear', `Tensor ${shown(tensor.name ?? '')} holds text, which cannot lie in an external file.`);
    return resolveExternal(dir, tensor, needed);
  }
  if (tensor.rawData === undefined) return undefined;
  if (facts.bits === 0) throw refuse('model.tensor-length', `Tensor ${shown(tensor.name ?? '')} holds text, which has no raw form.`);
  if (tensor.rawData.length !== needed) throw wrongLength(tensor, `${needed} bytes`, `${tensor.rawData.length} bytes`);
  return tensor.rawData;
}

function requireType(tensor: TensorProto) {
  const facts = typeFacts(tensor.dataType);
  if (!facts)
    throw refuse('model.bad-type', `Tensor ${shown(tensor.name ?? '')} has an element type that does not exist.`, { found: String(tensor.dataType ?? 'none') });
  return facts;
}

function wrongLength(tensor: TensorProto, expected: string, found: string) {
  return refuse('model.tensor-length', `Tensor ${shown(tensor.name ?? '')} does not hold as many elements as its dimensions say.`, {
    expected: `${expected} for ${typeName(tensor.dataType)}[${tensor.dims.slice(0, 16).join(', ')}]`,
    found,
  });
}

/**
 * All elements of a tensor, in row-major order. bool is Uint8Array of 0 and 1; float16 and bfloat16 are their bits in a
 * Uint16Array; the float8 types their bits in a Uint8Array; types below a byte stay packed, low bits first, in a Uint8Array.
 * @param dir the model's folder, for external data
 */
export async function tensorData(dir: string, tensor: TensorProto): Promise<TensorValues> {
  const facts = requireType(tensor);
  const raw = await rawBytes(dir, tensor);
  if (raw !== undefined) return fromRaw(facts.name, await readBytes(raw));
  if (facts.field === 'stringData') {
    const count = elementCount(tensor);
    if (tensor.stringData.length !== count) throw wrongLength(tensor, `${count} strings`, `${tensor.stringData.length}`);
    return tensor.stringData.map((bytes) => Buffer.from(bytes).toString('utf8'));
  }
  const packed = tensor[facts.field];
  return fromField(tensor, facts.name, packed === undefined ? new Uint8Array() : await readBytes(packed));
}

const RAW_VIEWS: Partial<Record<TypeName, new (buffer: ArrayBuffer, offset: number, length: number) => TensorValues>> = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  complex64: Float32Array,
  complex128: Float64Array,
};

const ELEMENT_BYTES: Partial<Record<TypeName, number>> = {
  float32: 4,
  float64: 8,
  int8: 1,
  int16: 2,
  uint16: 2,
  float16: 2,
  bfloat16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  complex64: 4,
  complex128: 8,
};

function fromRaw(name: TypeName, bytes: Uint8Array): TensorValues {
  const View = RAW_VIEWS[name];
  // Copied: the bytes may lie at any address, and callers may change what they get. All machines we run on are little-endian.
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return View ? new View(copy.buffer, 0, copy.length / (ELEMENT_BYTES[name] ?? 1)) : copy;
}

/** Elements from one of the typed fields, whose packed bytes are given. */
function fromField(tensor: TensorProto, name: TypeName, packed: Uint8Array): TensorValues {
  const count = elementCount(tensor);
  if (name === 'float32' || name === 'complex64' || name === 'float64' || name === 'complex128') {
    const numbers = name.startsWith('complex') ? count * 2 : count;
    const bytes = numbers * (name === 'float32' || name === 'complex64' ? 4 : 8);
    if (packed.length !== bytes) throw wrongLength(tensor, `${bytes} bytes`, `${packed.length} bytes`);
    return fromRaw(name, packed);
  }
  const facts = requireType(tensor);
  // Small types share elements of int32_data: 4-bit ones two to a byte, one byte an entry.
  const entries = facts.bits < 8 ? rawLength(facts.bits, count) : count;
  // Each varint takes at least a byte: refuse before anything of the declared size is allocated.
  if (packed.length < entries) throw wrongLength(tensor, `${entries} numbers`, `${packed.length} bytes`);
  const values = emptyOf(name, entries);
  const reader = new WireReader({ data: packed });
  let read = 0;
  for (; reader.pos < packed.length; read++) {
    const value = reader.varint64(packed.length);
    if (read >= entries) throw wrongLength(tensor, `${entries} numbers`, 'more');
    if (values instanceof BigInt64Array || values instanceof BigUint64Array) values[read] = value;
    else values[read] = Number(BigInt.asIntN(64, value));
  }
  if (read !== entries) throw wrongLength(tensor, `${entries} numbers`, `${read}`);
  return values;
}

function emptyOf(name: TypeName, length: number) {
  switch (name) {
    case 'int64':
      return new BigInt64Array(length);
    case 'uint64':
      return new BigUint64Array(length);
    case 'uint32':
      return new Uint32Array(length);
    case 'int32':
      return new Int32Array(length);
    case 'int16':
      return new Int16Array(length);
    case 'uint16':
    case 'float16':
    case 'bfloat16':
      return new Uint16Array(length);
    case 'int8':
      return new Int8Array(length);
    default:
      return new Uint8Array(length);
  }
}

/**
 * A tensor that holds its elements as raw data (strings: as string data).
 * @param dims numbers of elements along each axis; [] is a scalar
 */
export function makeTensor(name: string, type: TypeName, dims: readonly number[], data: Exclude<TensorValues, string[]> | string[]): TensorProto {
  const tensor: TensorProto = { dims: dims.map(BigInt), dataType: DataType[type], name, stringData: [], externalData: [], metadataProps: [] };
  if (Array.isArray(data)) tensor.stringData = data.map((text) => new TextEncoder().encode(text));
  else tensor.rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  return tensor;
}
