/** Reads protobuf's wire format from a file through a small window, or from memory. Every read is checked against a limit. */
import { isUtf8 } from 'node:buffer';
import { readSync } from 'node:fs';
import { refuse } from './errors.ts';
import {
  BIGINT_COST,
  BYTES_COST,
  MAX_DECODED_BYTES,
  MAX_TEXT_BYTES,
  MIN_WINDOW_BYTES,
  NUMBER_COST,
  SHARED_STRING_BYTES,
  SHARED_STRINGS,
  TEXT_COST,
  WINDOW_BYTES,
} from './limits.ts';

/** Part of a file: bytes that are read only when somebody asks. `offset` and `length` in bytes. */
export interface FileRange {
  path: string;
  offset: number;
  length: number;
}

export type Bytes = Uint8Array | FileRange;

export function isFileRange(bytes: Bytes): bytes is FileRange {
  return !(bytes instanceof Uint8Array);
}

export function byteLength(bytes: Bytes): number {
  return bytes.length;
}

export type WireSource = { fd: number; path: string; size: number } | { data: Uint8Array };

export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** The bits of the NaN that JavaScript writes. */
const PLAIN_NAN = 0x7fc0_0000;

/** Integers that lists of a model hold most (sizes, node numbers of trees), made once. */
const SMALL_INTEGERS = Array.from({ length: 16_384 }, (_, i) => BigInt(i));

export class WireReader {
  readonly size: number;
  pos = 0;
  /** How many single floats were read, and which of them were a NaN that a number cannot carry. */
  floats = 0;
  oddNaNs: { float: number; bits: number }[] = [];
  /** Set when the source is a file: where ranges point to. */
  readonly path: string | undefined;
  readonly #fd: number | undefined;
  #window: Buffer;
  #view: DataView;
  #start = 0;
  #end = 0;
  #step = MIN_WINDOW_BYTES;
  #decodedBytes = 0;
  readonly #shared = new Map<string, Uint8Array>();

  constructor(source: WireSource) {
    if ('data' in source) {
      this.#window = Buffer.from(source.data.buffer, source.data.byteOffset, source.data.byteLength);
      this.size = source.data.byteLength;
      this.#end = this.size;
      this.#fd = undefined;
    } else {
      this.#window = Buffer.allocUnsafe(Math.min(WINDOW_BYTES, Math.max(source.size, 1)));
      this.size = source.size;
      this.#fd = source.fd;
      this.path = source.path;
    }
    this.#view = new DataView(this.#window.buffer, this.#window.byteOffset, this.#window.byteLength);
  }

  /** Counts the memory of what is decoded, so that a small file of empty messages cannot fill it. @param bytes a `…_COST` */
  count(bytes: number): void {
    this.#decodedBytes += bytes;
    if (this.#decodedBytes > MAX_DECODED_BYTES) {
      throw refuse('model.too-complex', 'The model has more parts than any real model.', {
        expected: `numbers, names and messages of at most ${MAX_DECODED_BYTES} bytes`,
      });
    }
  }

  /** Unsigned varint as a number; for tags, lengths and 32-bit fields. */
  varint(limit: number): number {
    const small = this.#shortVarint(limit);
    if (small >= 0) return small;
    const value = this.#longVarint(limit);
    if (value > 0xffff_ffff_ffffn) throw this.malformed('a length or tag that is far too large');
    return Number(value);
  }

  /** Goes over the next tag when it is this one, of a single byte, and at hand. */
  skipTag(tag: number, limit: number): boolean {
    if (tag >= 0x80 || this.pos >= limit || this.pos >= this.#end || this.#window[this.pos - this.#start] !== tag) return false;
    this.pos++;
    return true;
  }

  /** Varint as an unsigned 64-bit integer. */
  varint64(limit: number): bigint {
    const small = this.#shortVarint(limit);
    if (small < 0) return this.#longVarint(limit);
    return SMALL_INTEGERS[small] ?? BigInt(small);
  }

  /** An entry of a list of integers, counted. */
  int64(limit: number): bigint {
    const small = this.#shortVarint(limit);
    const shared = SMALL_INTEGERS[small];
    this.count(shared === undefined ? BIGINT_COST : NUMBER_COST);
    return shared ?? BigInt.asIntN(64, small < 0 ? this.#longVarint(limit) : BigInt(small));
  }

  /** A varint of at most four bytes; -1 when it is longer, and nothing read. */
  #shortVarint(limit: number): number {
    const available = Math.min(10, limit - this.pos);
    const at = this.#require(available);
    let value = 0;
    for (let i = 0; i < available; i++) {
      if (i === 4) return -1;
      const byte = this.#window[at + i] ?? 0;
      value |= (byte & 0x7f) << (7 * i);
      if (byte < 0x80) {
        this.pos += i + 1;
        return value;
      }
    }
    throw this.#cutVarint(available, limit);
  }

  #longVarint(limit: number): bigint {
    const available = Math.min(10, limit - this.pos);
    const at = this.#require(available);
    let value = 0n;
    for (let i = 0; i < available; i++) {
      const byte = this.#window[at + i] ?? 0;
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) {
        this.pos += i + 1;
        return BigInt.asUintN(64, value);
      }
    }
    throw this.#cutVarint(available, limit);
  }

  #cutVarint(available: number, limit: number) {
    return available === 10 ? this.malformed('a varint longer than ten bytes') : this.#cut(limit, this.pos + available + 1);
  }

  float(limit: number): number {
    this.need(4, limit);
    const at = this.#require(4);
    const value = this.#view.getFloat32(at, true);
    // JavaScript knows one NaN, a file may hold others.
    if (value !== value && this.#view.getUint32(at, true) !== PLAIN_NAN) this.oddNaNs.push({ float: this.floats, bits: this.#view.getUint32(at, true) });
    this.floats++;
    this.pos += 4;
    return value;
  }

  /** A UTF-8 string; refuses bytes that are not UTF-8, since they could not be written back. */
  text(length: number, limit: number): string {
    const bytes = this.#view8(length, limit);
    if (!isUtf8(bytes)) throw this.malformed('text that is not UTF-8');
    this.count(TEXT_COST);
    return bytes.toString('utf8');
  }

  /** A copy of the next bytes. */
  bytes(length: number, limit: number): Uint8Array {
    this.count(BYTES_COST);
    return Uint8Array.from(this.#view8(length, limit));
  }

  /** The next bytes into memory that is there already. */
  copyTo(target: Uint8Array, length: number, limit: number): void {
    target.set(this.#view8(length, limit));
  }

  /** An entry of a list of byte strings. Short ones that come again and again are one object: nobody may write into it. */
  sharedBytes(length: number, limit: number): Uint8Array {
    if (length > SHARED_STRING_BYTES) return this.bytes(length, limit);
    this.count(NUMBER_COST);
    const view = this.#view8(length, limit);
    const key = view.toString('latin1');
    const known = this.#shared.get(key);
    if (known) return known;
    this.count(BYTES_COST);
    const copy = Uint8Array.from(view);
    if (this.#shared.size < SHARED_STRINGS) this.#shared.set(key, copy);
    return copy;
  }

  /** The next bytes without reading them: a range of the file, or a view of the memory. */
  bulk(length: number, limit: number): Bytes {
    this.need(length, limit);
    const offset = this.pos;
    this.pos += length;
    if (this.path !== undefined) return { path: this.path, offset, length };
    return new Uint8Array(this.#window.buffer, this.#window.byteOffset + offset, length);
  }

  /** Throws unless `length` more bytes lie before `limit`. */
  need(length: number, limit: number): void {
    if (length > limit - this.pos) throw this.#cut(limit, this.pos + length);
  }

  malformed(what: string) {
    return refuse('model.malformed', `Not a sound ONNX file: ${what} at byte ${this.pos}.`, {
      hint: 'The file is damaged or is not ONNX. Export or download it again.',
    });
  }

  #cut(limit: number, wanted: number) {
    if (limit < this.size) return this.malformed('a field that is longer than the message it sits in');
    return refuse('model.truncated', 'The file ends in the middle of the model.', {
      expected: `at least ${wanted} bytes`,
      found: `${this.size} bytes`,
      hint: 'The download or copy was probably cut short. Fetch the file again and compare its size.',
    });
  }

  #view8(length: number, limit: number): Buffer {
    this.need(length, limit);
    if (length > MAX_TEXT_BYTES) throw this.malformed(`a text of ${length} bytes`);
    this.count(length);
    const at = this.#require(length);
    this.pos += length;
    return this.#window.subarray(at, at + length);
  }

  /** Makes sure the window holds the next `length` bytes; returns their index in it. */
  #require(length: number): number {
    if (this.pos + length <= this.#end && this.pos >= this.#start) return this.pos - this.#start;
    if (this.#fd === undefined) throw this.#cut(this.size, this.pos + length);
    if (length > this.#window.length) {
      this.#window = Buffer.allocUnsafe(length);
      this.#view = new DataView(this.#window.buffer, this.#window.byteOffset, this.#window.byteLength);
    }
    // After a jump over weights often only a name and the next weights follow.
    this.#step = this.pos <= this.#end ? Math.min(WINDOW_BYTES, this.#step * 4) : MIN_WINDOW_BYTES;
    this.#start = this.pos;
    this.#end = this.pos;
    const wanted = Math.min(Math.max(length, this.#step), this.#window.length, this.size - this.pos);
    while (this.#end - this.#start < wanted) {
      const got = readSync(this.#fd, this.#window, this.#end - this.#start, wanted - (this.#end - this.#start), this.#end);
      if (got === 0) break;
      this.#end += got;
    }
    // The file may have become shorter since it was opened.
    if (this.#end - this.#start < length) throw this.#cut(this.size, this.pos + length);
    return 0;
  }
}
