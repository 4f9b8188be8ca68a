/** Numbers about a tensor's elements, read in pieces of 1 MiB wherever they lie. */
import type { TensorStats } from '#contract';
import { streamBytes } from './bulk.ts';
import { type TypeName, typeFacts } from './data-types.ts';
import type { ModelIndex } from './graph-index.ts';
import type { IndexedTensor } from './graph-links.ts';
import { HISTOGRAM_STEPS } from './limits.ts';
import type { TensorProto } from './messages.ts';
import { smallFloatTable } from './small-floats.ts';
import { tensorRow } from './tensor-rows.ts';
import { elementCount, rawBytes } from './tensors.ts';
import { misnamed } from './view-errors.ts';

/** @throws usage.unknown-tensor */
export function tensorNamed(index: ModelIndex, id: string): IndexedTensor {
  const [graph, at] = id.split('.').map(Number);
  const row = index.tensors().find((tensor) => tensor.graph === graph && tensor.index === at);
  if (!row) throw misnamed('usage.unknown-tensor', `The model has no tensor ${id}.`, 'the id of a tensor');
  return row;
}

/**
 * Smallest, largest, mean, zeros and so on of a tensor's elements, twice read: the histogram needs the range first.
 * @throws model.external-*, model.tensor-length, model.bad-type when the elements are not there or not as many
 */
export async function tensorStats(index: ModelIndex, id: string, options: { signal?: AbortSignal } = {}): Promise<TensorStats> {
  const row = tensorNamed(index, id);
  const { tensor } = row;
  const facts = typeFacts(tensor.dataType);
  if (facts?.name === 'string') {
    const longestBytes = tensor.stringData.reduce((most, text) => Math.max(most, text.length), 0);
    return { tensor: tensorRow(row), text: { empty: tensor.stringData.filter((text) => text.length === 0).length, longestBytes } };
  }
  if (facts?.name.startsWith('complex')) return { tensor: tensorRow(row) };
  const sums = new Sums();
  for await (const chunk of elementsOf(index.model.dir, tensor)) {
    options.signal?.throwIfAborted();
    sums.add(chunk);
  }
  const histogram = new Array<number>(sums.finite > 0 ? HISTOGRAM_STEPS : 0).fill(0);
  if (sums.finite > 0) {
    const scale = HISTOGRAM_STEPS / (sums.max - sums.min || 1);
    for await (const chunk of elementsOf(index.model.dir, tensor)) {
      options.signal?.throwIfAborted();
      for (const value of chunk) {
        if (!Number.isFinite(value)) continue;
        const step = Math.min(HISTOGRAM_STEPS - 1, Math.floor((value - sums.min) * scale));
        histogram[step] = (histogram[step] ?? 0) + 1;
      }
    }
  }
  return { tensor: tensorRow(row), numbers: { ...sums.result(), histogram } };
}

/** Mean and spread by Welford's way over chunks, which stays exact for many large values. */
class Sums {
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  finite = 0;
  #mean = 0;
  #squares = 0;
  #zeros = 0;
  #nan = 0;
  #infinite = 0;

  add(chunk: Float64Array): void {
    let count = 0;
    let sum = 0;
    for (const value of chunk) {
      if (Number.isNaN(value)) this.#nan++;
      else if (!Number.isFinite(value)) this.#infinite++;
      else {
        if (value < this.min) this.min = value;
        if (value > this.max) this.max = value;
        if (value === 0) this.#zeros++;
        count++;
        sum += value;
      }
    }
    if (count === 0) return;
    const mean = sum / count;
    let squares = 0;
    for (const value of chunk) if (Number.isFinite(value)) squares += (value - mean) ** 2;
    const all = this.finite + count;
    const apart = mean - this.#mean;
    this.#squares += squares + (apart * apart * this.finite * count) / all;
    this.#mean += (apart * count) / all;
    this.finite = all;
  }

  result() {
    // Sums of finite float64 values can still be infinite, which JSON cannot carry.
    const number = (value: number) => (this.finite > 0 && Number.isFinite(value) ? value : null);
    return {
      min: number(this.min),
      max: number(this.max),
      mean: number(this.#mean),
      std: number(Math.sqrt(this.#squares / this.finite)),
      zeros: this.#zeros,
      notANumber: this.#nan,
      infinite: this.#infinite,
    };
  }
}

/**
 * The elements as numbers, in chunks; 64-bit integers lose what a double cannot hold.
 * @throws model.tensor-length when there are not as many as the dimensions say
 */
export async function* elementsOf(dir: string, tensor: TensorProto): AsyncGenerator<Float64Array> {
  const raw = await rawBytes(dir, tensor);
  const facts = typeFacts(tensor.dataType);
  if (!facts) return;
  const count = elementCount(tensor);
  let left = count;
  const decode = decoderOf(facts.name);
  const take = (values: Float64Array): Float64Array => {
    // Types below a byte fill their last byte with what is no element.
    const own = values.subarray(0, left);
    left -= own.length;
    return own;
  };
  if (raw !== undefined) {
    for await (const chunk of streamBytes(raw)) yield take(decode(chunk));
    return;
  }
  const packed = tensor[facts.field as 'floatData'];
  if (packed === undefined) return;
  if (facts.field === 'floatData' || facts.field === 'doubleData') {
    for await (const chunk of streamBytes(packed)) yield take(decode(chunk));
    return;
  }
  for await (const chunk of varints(streamBytes(packed))) yield take(fromEntries(facts.name, facts.bits, chunk));
}

/** 64-bit numbers of packed varints, however they are cut into pieces. */
async function* varints(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<BigInt64Array> {
  let value = 0n;
  let shift = 0n;
  for await (const piece of pieces) {
    const found = new BigInt64Array(piece.length);
    let count = 0;
    for (const byte of piece) {
      if (shift === 0n && byte < 0x80) {
        found[count++] = BigInt(byte);
        continue;
      }
      value |= BigInt(byte & 0x7f) << shift;
      shift += 7n;
      if (byte >= 0x80 && shift < 70n) continue;
      found[count++] = BigInt.asIntN(64, value);
      value = 0n;
      shift = 0n;
    }
    yield found.subarray(0, count);
  }
}

/** int32_data holds small types as bits, those below a byte several to an entry. */
function fromEntries(name: TypeName, bits: number, entries: BigInt64Array): Float64Array {
  if (name === 'uint64') return Float64Array.from(entries, (entry) => Number(BigInt.asUintN(64, entry)));
  if (name === 'int64' || bits > 16) return Float64Array.from(entries, Number);
  if (bits === 16) return decoderOf(name)(new Uint8Array(Uint16Array.from(entries, (entry) => Number(BigInt.asUintN(16, entry))).buffer));
  return decoderOf(name)(Uint8Array.from(entries, (entry) => Number(BigInt.asUintN(8, entry))));
}

type Decoder = (bytes: Uint8Array) => Float64Array;

/** From little-endian raw bytes to numbers. */
function decoderOf(name: TypeName): Decoder {
  const table = smallFloatTable(name);
  if (table && table.length > 256) return (bytes) => Float64Array.from(view(Uint16Array, bytes, 2), (bits) => table[bits] ?? Number.NaN);
  if (table && table.length === 256) return (bytes) => Float64Array.from(bytes, (bits) => table[bits] ?? Number.NaN);
  switch (name) {
    case 'float32':
      return (bytes) => Float64Array.from(view(Float32Array, bytes, 4));
    case 'float64':
      return (bytes) => view(Float64Array, bytes, 8);
    case 'int8':
      return (bytes) => Float64Array.from(view(Int8Array, bytes, 1));
    case 'int16':
      return (bytes) => Float64Array.from(view(Int16Array, bytes, 2));
    case 'uint16':
      return (bytes) => Float64Array.from(view(Uint16Array, bytes, 2));
    case 'int32':
      return (bytes) => Float64Array.from(view(Int32Array, bytes, 4));
    case 'uint32':
      return (bytes) => Float64Array.from(view(Uint32Array, bytes, 4));
    case 'int64':
      return (bytes) => Float64Array.from(view(BigInt64Array, bytes, 8), Number);
    case 'uint64':
      return (bytes) => Float64Array.from(view(BigUint64Array, bytes, 8), Number);
    case 'int4':
      return (bytes) => unpack(bytes, 4, (bits) => (bits << 28) >> 28);
    case 'uint4':
      return (bytes) => unpack(bytes, 4, (bits) => bits);
    case 'float4e2m1':
      return (bytes) => unpack(bytes, 4, (bits) => table?.[bits] ?? Number.NaN);
    case 'int2':
      return (bytes) => unpack(bytes, 2, (bits) => (bits << 30) >> 30);
    case 'uint2':
      return (bytes) => unpack(bytes, 2, (bits) => bits);
    default:
      return (bytes) => Float64Array.from(bytes);
  }
}

function view<T>(Type: new (buffer: ArrayBufferLike, offset: number, length: number) => T, bytes: Uint8Array, size: number): T {
  const aligned = bytes.byteOffset % size === 0 ? bytes : Uint8Array.from(bytes);
  return new Type(aligned.buffer, aligned.byteOffset, Math.floor(aligned.length / size));
}

/** Low bits first. */
function unpack(bytes: Uint8Array, bits: 2 | 4, value: (bits: number) => number): Float64Array {
  const each = 8 / bits;
  const mask = (1 << bits) - 1;
  const values = new Float64Array(bytes.length * each);
  for (let i = 0; i < values.length; i++) values[i] = value(((bytes[Math.floor(i / each)] ?? 0) >> ((i % each) * bits)) & mask);
  return values;
}
