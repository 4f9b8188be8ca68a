/** Reads protobuf's wire format from a file through a small window, or from memory. Every read is checked against a limit. */
import { isUtf8 } from 'node:buffer';
import { readSync } from 'node:fs';
import { refuse } from './errors.ts';
import { MAX_STRUCTURE_BYTES, MAX_TEXT_BYTES, MAX_VALUES, WINDOW_BYTES } from './limits.ts';

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

export class WireReader {
  readonly size: number;
  pos = 0;
  /** Set when the source is a file: where ranges point to. */
  readonly path: string | undefined;
  readonly #fd: number | undefined;
  #window: Buffer;
  #view: DataView;
  #start = 0;
  #end = 0;
  #structureBytes = 0;
  #values = 0;

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

  /** Counts a decoded message or scalar, so that a small file of empty messages cannot fill the memory. */
  count(values = 1): void {
    this.#values += values;
    if (this.#values > MAX_VALUES) {
      throw refuse('model.too-complex', 'The model has more parts than any real model.', { expected: `at most ${MAX_VALUES} numbers, names and messages` });
    }
  }

  /** Unsigned varint as a number; for tags, lengths and 32-bit fields. */
  varint(limit: number): number {
    const value = this.varint64(limit);
    if (value > 0xffff_ffff_ffffn) throw this.malformed('a length or tag that is far too large');
    return Number(value);
  }

  /** Varint as an unsigned 64-bit integer. */
  varint64(limit: number): bigint {
    const available = Math.min(10, limit - this.pos);
    const at = this.#require(available);
    let low = 0;
    for (let i = 0; i < available; i++) {
      const byte = this.#window[at + i] ?? 0;
      if (i < 4) {
        low |= (byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
          this.pos += i + 1;
          return BigInt(low);
        }
      } else {
        return this.#longVarint(at, available, limit);
      }
    }
    throw this.#cutVarint(available, limit);
  }

  #longVarint(at: number, available: number, limit: number): bigint {
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

  fixed32(limit: number): number {
    this.need(4, limit);
    const value = this.#view.getUint32(this.#require(4), true);
    this.pos += 4;
    return value;
  }

  float(limit: number): number {
    this.need(4, limit);
    const value = this.#view.getFloat32(this.#require(4), true);
    this.pos += 4;
    return value;
  }

  /** A UTF-8 string; refuses bytes that are not UTF-8, since they could not be written back. */
  text(length: number, limit: number): string {
    const bytes = this.#view8(length, limit);
    if (!isUtf8(bytes)) throw this.malformed('text that is not UTF-8');
    return bytes.toString('utf8');
  }

  /** A copy of the next bytes. */
  bytes(length: number, limit: number): Uint8Array {
    return Uint8Array.from(this.#view8(length, limit));
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
    this.#structureBytes += length;
    if (this.#structureBytes > MAX_STRUCTURE_BYTES) {
      throw refuse('model.too-complex', 'The names and attributes of the model are larger than any real model has.', {
        expected: `at most ${MAX_STRUCTURE_BYTES} bytes`,
      });
    }
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
    this.#start = this.pos;
    this.#end = this.pos;
    const wanted = Math.min(this.#window.length, this.size - this.pos);
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
