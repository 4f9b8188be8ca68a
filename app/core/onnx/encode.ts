/** From messages to bytes, driven by the tables. Weights that lie in files are passed on as ranges and never read here. */
import { LAYOUT, type LayoutMark } from './decode.ts';
import type { FieldSpec, Table, TableOf } from './tables.ts';
import { type Bytes, byteLength, isFileRange, WIRE } from './wire-reader.ts';

type Message = Record<string, unknown> & { [LAYOUT]?: LayoutMark[] };

/** Sizes are needed before the bytes, since a message carries its length in front. */
type Sizes = Map<object, number>;

/** The message as pieces to be written one after another, and their length in bytes. */
export function encodeMessage<T extends object>(message: T, table: TableOf<T>): { pieces: Bytes[]; length: number } {
  const sizes: Sizes = new Map();
  // A message type is a plain object with the table's keys: the table is what gives the values their types back.
  const root = message as unknown as Message;
  const length = sizeOfMessage(root, table, sizes);
  const writer = new PieceWriter();
  writeMessage(writer, root, table, sizes);
  return { pieces: writer.finish(), length };
}

interface Run {
  spec: FieldSpec;
  values: unknown[];
  packed: boolean;
  nan?: ReadonlyMap<number, number> | undefined;
}

/** The values of each field in the order they are to be written. */
function* layoutOf(message: Message, table: Table): Generator<Run | { unknown: Bytes }> {
  const marks = message[LAYOUT];
  const done = new Map<string, number>();
  for (const mark of marks ?? []) {
    if ('unknown' in mark) {
      yield mark;
      continue;
    }
    const spec = table.byKey[mark.key];
    if (!spec) continue;
    const from = done.get(mark.key) ?? 0;
    const values = valuesOf(message, mark.key, spec).slice(from, from + mark.count);
    done.set(mark.key, from + values.length);
    if (values.length > 0 || mark.packed) yield { spec, values, packed: mark.packed, nan: mark.nan };
  }
  for (const { key, spec } of table.ordered) {
    const values = valuesOf(message, key, spec);
    const from = done.get(key) ?? 0;
    if (values.length > from) yield { spec, values: from === 0 ? values : values.slice(from), packed: false };
  }
}

function valuesOf(message: Message, key: string, spec: FieldSpec): unknown[] {
  const value = message[key];
  if (value === undefined) return [];
  return spec.many ? (value as unknown[]) : [value];
}

function sizeOfMessage(message: Message, table: Table, sizes: Sizes): number {
  let size = 0;
  for (const part of layoutOf(message, table)) {
    if ('unknown' in part) {
      size += byteLength(part.unknown);
    } else if (part.packed) {
      const inner = packedSize(part.spec, part.values);
      size += varintSize(part.spec.number * 8) + varintSize(inner) + inner;
    } else {
      const tag = varintSize(part.spec.number * 8);
      for (const value of part.values) size += tag + sizeOfValue(part.spec, value, sizes);
    }
  }
  sizes.set(message, size);
  return size;
}

function sizeOfValue(spec: FieldSpec, value: unknown, sizes: Sizes): number {
  switch (spec.kind) {
    case 'int64':
      return varint64Size(BigInt.asUintN(64, value as bigint));
    case 'int32':
      return varint64Size(BigInt.asUintN(64, BigInt(value as number)));
    case 'float':
      return 4;
    case 'text': {
      const length = Buffer.byteLength(value as string, 'utf8');
      return varintSize(length) + length;
    }
    case 'message': {
      if (!spec.table) throw new Error('a message field without a table');
      const length = sizeOfMessage(value as Message, spec.table(), sizes);
      return varintSize(length) + length;
    }
    default: {
      const length = byteLength(value as Bytes);
      return varintSize(length) + length;
    }
  }
}

function packedSize(spec: FieldSpec, values: unknown[]): number {
  if (spec.kind === 'float') return values.length * 4;
  return values.reduce<number>((sum, value) => sum + varint64Size(BigInt.asUintN(64, value as bigint)), 0);
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

function varint64Size(value: bigint): number {
  if (value < 0x80n) return 1;
  let size = 1;
  for (let rest = value >> 7n; rest > 0n; rest >>= 7n) size++;
  return size;
}

function writeMessage(writer: PieceWriter, message: Message, table: Table, sizes: Sizes): void {
  for (const part of layoutOf(message, table)) {
    if ('unknown' in part) {
      writer.bytes(part.unknown);
      continue;
    }
    if (part.packed) {
      writer.varint(part.spec.number * 8 + WIRE.bytes);
      writer.varint(packedSize(part.spec, part.values));
      part.values.forEach((value, at) => writeScalar(writer, part.spec, value, part.nan?.get(at)));
      continue;
    }
    part.values.forEach((value, at) => writeField(writer, part.spec, value, sizes, part.nan?.get(at)));
  }
}

function writeField(writer: PieceWriter, spec: FieldSpec, value: unknown, sizes: Sizes, nan?: number): void {
  const wire = spec.kind === 'int64' || spec.kind === 'int32' ? WIRE.varint : spec.kind === 'float' ? WIRE.fixed32 : WIRE.bytes;
  writer.varint(spec.number * 8 + wire);
  if (spec.kind === 'message') {
    if (!spec.table) throw new Error('a message field without a table');
    writer.varint(sizes.get(value as object) ?? 0);
    writeMessage(writer, value as Message, spec.table(), sizes);
  } else if (spec.kind === 'text') {
    writer.text(value as string);
  } else if (wire === WIRE.bytes) {
    writer.varint(byteLength(value as Bytes));
    writer.bytes(value as Bytes);
  } else {
    writeScalar(writer, spec, value, nan);
  }
}

/** @param nan the bits to write for a NaN that was read with these */
function writeScalar(writer: PieceWriter, spec: FieldSpec, value: unknown, nan?: number): void {
  if (nan !== undefined && Number.isNaN(value)) writer.fixed32(nan);
  else if (spec.kind === 'float') writer.float(value as number);
  else writer.varint64(BigInt.asUintN(64, BigInt(value as bigint | number)));
}

const PIECE_BYTES = 64 * 1024;

/** Gathers small writes into pieces of 64 KiB. */
class PieceWriter {
  readonly #pieces: Bytes[] = [];
  #buffer = Buffer.allocUnsafe(PIECE_BYTES);
  #used = 0;

  varint(value: number): void {
    this.#room(10);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#used++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#used++] = rest;
  }

  varint64(value: bigint): void {
    if (value <= 0xffff_ffffn) return this.varint(Number(value));
    this.#room(10);
    let rest = value;
    while (rest >= 0x80n) {
      this.#buffer[this.#used++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#buffer[this.#used++] = Number(rest);
  }

  float(value: number): void {
    this.#room(4);
    this.#used = this.#buffer.writeFloatLE(value, this.#used);
  }

  fixed32(bits: number): void {
    this.#room(4);
    this.#used = this.#buffer.writeUInt32LE(bits, this.#used);
  }

  text(value: string): void {
    const length = Buffer.byteLength(value, 'utf8');
    this.varint(length);
    if (length > PIECE_BYTES) return this.bytes(Buffer.from(value, 'utf8'));
    this.#room(length);
    this.#used += this.#buffer.write(value, this.#used, 'utf8');
  }

  bytes(value: Bytes): void {
    if (isFileRange(value) || value.length > PIECE_BYTES) {
      this.#flush();
      this.#pieces.push(value);
      return;
    }
    this.#room(value.length);
    this.#buffer.set(value, this.#used);
    this.#used += value.length;
  }

  finish(): Bytes[] {
    this.#flush();
    return this.#pieces;
  }

  #room(length: number): void {
    if (this.#used + length > PIECE_BYTES) this.#flush();
  }

  #flush(): void {
    if (this.#used === 0) return;
    this.#pieces.push(this.#buffer.subarray(0, this.#used));
    this.#buffer = Buffer.allocUnsafe(PIECE_BYTES);
    this.#used = 0;
  }
}
