/** From bytes to messages, driven by the tables. */
import { INLINE_BYTES, MAX_DEPTH, MAX_TEXT_BYTES, MESSAGE_COST, NUMBER_COST } from './limits.ts';
import type { FieldKind, FieldSpec, Table, TableOf } from './tables.ts';
import { type Bytes, isFileRange, WIRE, type WireReader } from './wire-reader.ts';

/**
 * How a message was laid out, kept only where protobuf's own order (by field number, nothing unknown) would not give it
 * back: runs of known fields, and the bytes of unknown ones, tag included.
 */
export type LayoutMark = KnownRun | { unknown: Bytes };

export interface KnownRun {
  key: string;
  count: number;
  packed: boolean;
  /** The bits of floats that are a NaN no number can carry, by their place in the run. */
  nan?: Map<number, number>;
}

export const LAYOUT: unique symbol = Symbol('layout');

type Decoded = Record<string, unknown> & { [LAYOUT]?: LayoutMark[] };

/** Numbers written one by one where packed is usual are gathered here; they are written packed. */
const gathered = new WeakMap<Decoded, Map<string, ByteList>>();

/**
 * @param limit offset where the message ends
 * @throws model.truncated, model.malformed, model.too-complex
 */
export function decodeMessage<T>(reader: WireReader, table: TableOf<T>, limit: number): T {
  return decode(reader, table, limit, 0) as T;
}

function decode(reader: WireReader, table: Table, limit: number, depth: number): Decoded {
  if (depth > MAX_DEPTH) throw reader.malformed(`messages nested deeper than ${MAX_DEPTH}`);
  reader.count(MESSAGE_COST);
  const message: Decoded = {};
  for (const key of table.manyKeys) message[key] = [];
  const marks: LayoutMark[] = [];
  let usual = true;
  let last = 0;
  while (reader.pos < limit) {
    const start = reader.pos;
    const tag = reader.varint(limit);
    const number = Math.floor(tag / 8);
    const wire = tag % 8;
    if (number === 0 || number > 0x1fff_ffff) throw reader.malformed('a field without a valid number');
    const field = table.byNumber.get(number);
    const packed = field !== undefined && wire === WIRE.bytes && (field.spec.kind === 'int64' || field.spec.kind === 'float') && field.spec.many;
    if (field === undefined || !(packed || wireFits(field.spec.kind, wire))) {
      marks.push({ unknown: unknownField(reader, start, wire, limit) });
      usual = false;
      continue;
    }
    if (number < last || packed) usual = false;
    last = number;
    const float = reader.floats;
    const count = readField(reader, message, field.key, field.spec, wire, limit, depth, table);
    let run = marks.at(-1);
    if (!run || !('key' in run) || run.key !== field.key || run.packed || packed) marks.push((run = { key: field.key, count: 0, packed }));
    if (reader.oddNaNs.length > 0) {
      run.nan ??= new Map();
      for (const odd of reader.oddNaNs.splice(0)) run.nan.set(run.count + odd.float - float, odd.bits);
      usual = false;
    }
    run.count += count;
  }
  finishGathered(message);
  if (!usual) message[LAYOUT] = marks;
  return message;
}

function wireFits(kind: FieldKind, wire: number): boolean {
  if (wire === WIRE.varint) return kind === 'int64' || kind === 'int32' || kind === 'bulkVarint';
  if (wire === WIRE.fixed32) return kind === 'float' || kind === 'bulk32';
  if (wire === WIRE.fixed64) return kind === 'bulk64';
  return wire === WIRE.bytes && kind !== 'int64' && kind !== 'int32' && kind !== 'float';
}

/** The whole field with its tag, to be written back as it was. */
function unknownField(reader: WireReader, start: number, wire: number, limit: number): Bytes {
  if (wire === WIRE.varint) reader.varint64(limit);
  else if (wire === WIRE.fixed64) skip(reader, 8, limit);
  else if (wire === WIRE.fixed32) skip(reader, 4, limit);
  else if (wire === WIRE.bytes) skip(reader, reader.varint(limit), limit);
  else throw reader.malformed(`a field of wire type ${wire}`);
  const length = reader.pos - start;
  reader.pos = start;
  return length > INLINE_BYTES ? reader.bulk(length, limit) : reader.bytes(length, limit);
}

function skip(reader: WireReader, length: number, limit: number): void {
  reader.need(length, limit);
  reader.pos += length;
}

/** Reads one occurrence of a field into the message; returns how many values it held. */
function readField(reader: WireReader, message: Decoded, key: string, spec: FieldSpec, wire: number, limit: number, depth: number, table: Table): number {
  if (spec.kind.startsWith('bulk')) {
    readBulk(reader, message, key, spec.kind, wire, limit);
    return 1;
  }
  if (!spec.many) {
    // A second graph or name would be read differently by other programs: which one counts must not be a matter of luck.
    if (message[key] !== undefined) throw reader.malformed(`a second '${key}' in one ${table.name}`);
    message[key] = readValue(reader, spec, limit, depth);
    return 1;
  }
  const list = (message[key] ??= []) as unknown[];
  if (wire === WIRE.bytes && (spec.kind === 'int64' || spec.kind === 'float')) {
    const end = endOf(reader, limit);
    const before = list.length;
    while (reader.pos < end) list.push(readEntry(reader, spec, end, depth));
    return list.length - before;
  }
  // Forests of trees are lists of millions of numbers, each with the tag before it.
  let count = 0;
  do {
    list.push(readEntry(reader, spec, limit, depth));
    count++;
  } while (reader.skipTag(spec.number * 8 + wire, limit));
  return count;
}

/** One entry of a list; these are what a model has most of. */
function readEntry(reader: WireReader, spec: FieldSpec, limit: number, depth: number): unknown {
  if (spec.kind === 'int64') return reader.int64(limit);
  if (spec.kind === 'bytes') return reader.sharedBytes(reader.varint(limit), limit);
  reader.count(NUMBER_COST);
  return readValue(reader, spec, limit, depth);
}

function readValue(reader: WireReader, spec: FieldSpec, limit: number, depth: number): unknown {
  switch (spec.kind) {
    case 'int64':
      return BigInt.asIntN(64, reader.varint64(limit));
    case 'int32':
      return Number(BigInt.asIntN(32, reader.varint64(limit)));
    case 'float':
      return reader.float(limit);
    case 'text':
      return reader.text(reader.varint(limit), limit);
    case 'bytes':
      return reader.bytes(reader.varint(limit), limit);
    case 'message': {
      const end = endOf(reader, limit);
      if (!spec.table) throw new Error('a message field without a table');
      return decode(reader, spec.table(), end, depth + 1);
    }
    default:
      throw new Error(`no single value of kind ${spec.kind}`);
  }
}

function endOf(reader: WireReader, limit: number): number {
  const length = reader.varint(limit);
  reader.need(length, limit);
  return reader.pos + length;
}

function readBulk(reader: WireReader, message: Decoded, key: string, kind: FieldKind, wire: number, limit: number): void {
  const before = message[key] as Bytes | undefined;
  if (wire === WIRE.bytes) {
    const length = reader.varint(limit);
    if (before === undefined && !gathered.get(message)?.has(key)) {
      reader.need(length, limit);
      message[key] = length > INLINE_BYTES ? reader.bulk(length, limit) : reader.bytes(length, limit);
      return;
    }
    if (kind === 'bulk') throw reader.malformed(`a second '${key}' in one tensor`);
    gather(reader, message, key, length, limit);
    return;
  }
  const start = reader.pos;
  if (wire === WIRE.varint) reader.varint64(limit);
  else skip(reader, wire === WIRE.fixed64 ? 8 : 4, limit);
  const length = reader.pos - start;
  reader.pos = start;
  gather(reader, message, key, length, limit);
}

function gather(reader: WireReader, message: Decoded, key: string, length: number, limit: number): void {
  const lists = gathered.get(message) ?? new Map<string, ByteList>();
  gathered.set(message, lists);
  let list = lists.get(key);
  if (!list) {
    const before = message[key] as Bytes | undefined;
    if (before && isFileRange(before)) throw reader.malformed(`the numbers of '${key}' in several pieces`);
    lists.set(key, (list = new ByteList(before)));
    message[key] = undefined;
  }
  if (list.length + length > MAX_TEXT_BYTES) throw reader.malformed(`the numbers of '${key}' in too many pieces`);
  reader.copyTo(list.room(length), length, limit);
}

function finishGathered(message: Decoded): void {
  const lists = gathered.get(message);
  if (!lists) return;
  for (const [key, list] of lists) message[key] = list.bytes();
  gathered.delete(message);
}

/** Bytes that come in small pieces; grows by doubling. */
class ByteList {
  length: number;
  #buffer: Uint8Array;

  constructor(start: Uint8Array = new Uint8Array()) {
    this.length = start.length;
    this.#buffer = new Uint8Array(Math.max(64, start.length * 2));
    this.#buffer.set(start);
  }

  /** Where the next `length` bytes go. */
  room(length: number): Uint8Array {
    if (this.length + length > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(this.#buffer.length * 2, this.length + length));
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
    this.length += length;
    return this.#buffer.subarray(this.length - length, this.length);
  }

  bytes(): Uint8Array {
    return this.#buffer.slice(0, this.length);
  }
}
