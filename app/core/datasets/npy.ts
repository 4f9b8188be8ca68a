/**
 * One numpy array (.npy): the format of numpy's `lib/format` documentation, versions 1 to 3. Nothing in it is ever
 * executed: object arrays (pickles) and structured types are refused, and sizes are checked before anything is allocated.
 */
import { endianness } from 'node:os';
import { EdgewrightError } from '#contract';
import { MAX_NPY_HEADER_BYTES } from './limits.ts';
import { type ElementType, elementBytes, elementCount, makeTensor, type NumericType, type Tensor, tensorBytes, tensorFromBytes } from './tensor.ts';

const MAGIC = Buffer.from('\x93NUMPY', 'latin1');

/** numpy's type letters and sizes, without byte order. */
const TYPES: Record<string, NumericType> = {
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
  i1: 'int8',
  u1: 'uint8',
  i2: 'int16',
  u2: 'uint16',
  i4: 'int32',
  u4: 'uint32',
  i8: 'int64',
  u8: 'uint64',
  b1: 'bool',
};
const CODES = new Map<string, string>(Object.entries(TYPES).map(([code, type]) => [type, code]));

if (endianness() !== 'LE') throw new Error('Edgewright needs a little-endian machine.');

interface NpyHeader {
  order: string;
  /** Kind letter and size in bytes, such as `f4`; for `U` the size is in characters. */
  code: string;
  fortran: boolean;
  dims: number[];
  /** Where the data begins. */
  offset: number;
}

/**
 * Reads one array. Text (`<U5`) and byte strings (`|S5`) become string tensors; Fortran order and big-endian data are rearranged.
 * @param name for messages only
 * @throws npy.* (input): not an array, cut short, or of a type that has no tensor
 */
export function readNpy(bytes: Uint8Array, name = 'The array'): Tensor {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = parseHeader(data, name);
  const count = elementCount(header.dims);
  const text = /^([US])(\d{1,9})$/.exec(header.code);
  const type: ElementType | undefined = text ? 'string' : TYPES[header.code];
  if (!type) throw typeError(name, header.order + header.code);
  const size = type === 'string' ? Number(text?.[2]) * (text?.[1] === 'U' ? 4 : 1) : elementBytes(type);
  const have = data.length - header.offset;
  if (have !== count * size) {
    throw npyError('npy.length-wrong', `${name} is not as long as its header says.`, `${count * size} bytes of data`, `${have} bytes`);
  }
  const swap = header.order === '>';
  if (type === 'string') {
    const strings = Array.from({ length: count }, (_, i) => readString(data, header.offset + i * size, size, text?.[1] === 'U', swap));
    return makeTensor('string', header.dims, header.fortran ? fromFortran(strings, header.dims) : strings);
  }
  const raw = data.subarray(header.offset);
  const ordered = swap ? swapBytes(raw, size) : raw;
  const tensor = tensorFromBytes(type, header.dims, ordered);
  if (type === 'bool' && (tensor.data as Uint8Array).some((b) => b > 1))
    throw npyError('npy.bool-wrong', `${name} holds a bool that is neither 0 nor 1.`, '0 or 1', 'another byte');
  if (!header.fortran || header.dims.length < 2) return tensor;
  const from = tensor.data;
  if (Array.isArray(from)) return tensor;
  const to = from.slice();
  fortranOrder(header.dims, (cIndex, fIndex) => {
    const value = from[fIndex];
    if (value !== undefined) to[cIndex] = value;
  });
  return { ...tensor, data: to };
}

/** Writes one array, version 1.0, C order, little-endian, the data aligned to 64 bytes. */
export function writeNpy(tensor: Tensor): Buffer {
  const { descr, body } = tensor.type === 'string' ? stringBody(tensor.data as string[]) : { descr: descrOf(tensor.type), body: tensorBytes(tensor) };
  const shape = `(${tensor.dims.join(', ')}${tensor.dims.length === 1 ? ',' : ''})`;
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`;
  const before = MAGIC.length + 4;
  const padded = Math.ceil((before + dict.length + 1) / 64) * 64 - before;
  const head = Buffer.alloc(before + padded, 0x20);
  MAGIC.copy(head);
  head.writeUInt8(1, 6);
  head.writeUInt8(0, 7);
  head.writeUInt16LE(padded, 8);
  head.write(dict, before, 'latin1');
  head.writeUInt8(0x0a, head.length - 1);
  return Buffer.concat([head, body]);
}

function parseHeader(data: Buffer, name: string): NpyHeader {
  if (data.length < 10 || !data.subarray(0, 6).equals(MAGIC))
    throw npyError('npy.not-an-array', `${name} is not a numpy array.`, 'a .npy file', 'other content');
  const major = data.readUInt8(6);
  if (major < 1 || major > 3) throw npyError('npy.version', `${name} is in an unknown version of the format.`, 'version 1, 2 or 3', `version ${major}`);
  const wide = major > 1;
  const start = wide ? 12 : 10;
  if (data.length < start) throw npyError('npy.truncated', `${name} ends within its header.`, `${start} bytes`, `${data.length} bytes`);
  const length = wide ? data.readUInt32LE(8) : data.readUInt16LE(8);
  if (length > MAX_NPY_HEADER_BYTES)
    throw npyError('npy.header-too-long', `${name} has a header that is too long.`, `at most ${MAX_NPY_HEADER_BYTES} bytes`, `${length} bytes`);
  if (data.length < start + length) throw npyError('npy.truncated', `${name} ends within its header.`, `${start + length} bytes`, `${data.length} bytes`);
  const text = data.toString('latin1', start, start + length);
  const descr = /'descr'\s*:\s*'([<>|=]?)([A-Za-z]\d*)'/.exec(text);
  const fortran = /'fortran_order'\s*:\s*(True|False)/.exec(text);
  const shape = /'shape'\s*:\s*\(([\d\s,L]*)\)/.exec(text);
  if (!fortran || !shape || (!descr && !/'descr'\s*:/.test(text)))
    throw npyError('npy.header-wrong', `${name} has a header that cannot be read.`, 'descr, fortran_order and shape', text.slice(0, 120));
  if (!descr) throw typeError(name, /'descr'\s*:\s*(.{0,60})/.exec(text)?.[1] ?? 'a structured type');
  const dims = (shape[1] ?? '')
    .split(',')
    .map((part) => part.trim().replace(/L$/, ''))
    .filter((part) => part !== '')
    .map(Number);
  return { order: descr[1] ?? '', code: descr[2] === '?' ? 'b1' : (descr[2] ?? ''), fortran: fortran[1] === 'True', dims, offset: start + length };
}

function readString(data: Buffer, at: number, size: number, wide: boolean, swap: boolean): string {
  if (!wide) return data.toString('utf8', at, at + size).replace(/\0+$/, '');
  let text = '';
  for (let i = at; i < at + size; i += 4) {
    const point = swap ? data.readUInt32BE(i) : data.readUInt32LE(i);
    if (point > 0x10ffff) throw npyError('npy.text-wrong', 'A text of the array holds an impossible character.', 'a Unicode code point', `${point}`);
    text += String.fromCodePoint(point);
  }
  return text.replace(/\0+$/, '');
}

/** Calls back with the place of each element in C order and in Fortran order. */
function fortranOrder(dims: readonly number[], visit: (cIndex: number, fIndex: number) => void): void {
  const count = elementCount(dims);
  const strides = dims.map((_, axis) => dims.slice(0, axis).reduce((a, b) => a * b, 1));
  const at = dims.map(() => 0);
  let fIndex = 0;
  for (let cIndex = 0; cIndex < count; cIndex++) {
    visit(cIndex, fIndex);
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      const stride = strides[axis] ?? 0;
      const next = (at[axis] ?? 0) + 1;
      if (next < (dims[axis] ?? 0)) {
        at[axis] = next;
        fIndex += stride;
        break;
      }
      fIndex -= stride * (next - 1);
      at[axis] = 0;
    }
  }
}

function fromFortran(strings: string[], dims: readonly number[]): string[] {
  const out: string[] = new Array<string>(strings.length);
  fortranOrder(dims, (c, f) => {
    out[c] = strings[f] ?? '';
  });
  return out;
}

function swapBytes(data: Buffer, size: number): Buffer {
  const copy = Buffer.from(data);
  if (size === 2) copy.swap16();
  else if (size === 4) copy.swap32();
  else if (size === 8) copy.swap64();
  return copy;
}

function descrOf(type: NumericType): string {
  const code = CODES.get(type) ?? '';
  return elementBytes(type) === 1 ? `|${code}` : `<${code}`;
}

/** Text as numpy keeps it: every string padded with zeros to the longest, 4 bytes a character. */
function stringBody(strings: readonly string[]): { descr: string; body: Buffer } {
  const points = strings.map((s) => Array.from(s, (c) => c.codePointAt(0) ?? 0));
  const width = points.reduce((max, p) => Math.max(max, p.length), 1);
  const body = Buffer.alloc(points.length * width * 4);
  points.forEach((p, row) => p.forEach((point, i) => body.writeUInt32LE(point, (row * width + i) * 4)));
  return { descr: `<U${width}`, body };
}

function typeError(name: string, found: string): EdgewrightError {
  return new EdgewrightError({
    code: 'npy.type-unsupported',
    message: `${name} is of a numpy type that has no tensor.`,
    expected: 'bool, (u)int8 to (u)int64, float16, float32, float64, or text',
    found,
    hint: found.includes('O')
      ? 'Python objects are never read. Save it as plain numbers: array.astype("float32").'
      : 'Convert it first, for example with array.astype("float32").',
    owner: 'input',
  });
}

function npyError(code: string, message: string, expected: string, found: string): EdgewrightError {
  return new EdgewrightError({ code, message, expected, found, owner: 'input' });
}
