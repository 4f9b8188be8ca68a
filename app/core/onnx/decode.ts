/** From bytes to messages, driven by the tables. */
import { INLINE_BYTES, MAX_DEPTH, MAX_TEXT_BYTES, MESSAGE_VALUES } from './limits.ts';
import type { FieldKind, FieldSpec, Table, TableOf } from './tables.ts';
import { type Bytes, isFileRange, WIRE, type WireReader } from './wire-reader.ts';

/**
 * How a message was laid out, kept only where protobuf's own order (by field number, nothing unknown) would not give it
 * back: runs of known fields, and the bytes of unknown ones, tag included.
 */
export type LayoutMark = { key: string; count: number; packed: boolean } | { unknown: Bytes };

export const LAYOUT: unique symbol = Symbol('layout');

type Decoded = Record<string, unknown> & { [LAYOUT]?: LayoutMark[] };

/** Numbers written one by one where packed is usual are gathered here; they are written packed. */
const gathered = new WeakMap<Decoded, Map<string, number[]>>();

/**
 * @param limit offset where the message ends
 * @throws model.truncated, model.malformed, model.too-complex
 */
export function decodeMessage<T>(reader: WireReader, table: TableOf<T>, limit: number): T {
  return decode(reader, table, limit, 0) as T;
}

function decode(reader: WireReader, table: Table, limit: number, depth: number): Decoded {
  if (depth > MAX_DEPTH) throw reader.malformed(`messages nested deeper than ${MAX_DEPTH}`);
  reader.count(MESSAGE_VALUES);
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
    const count = readField(reader, message, field.key, field.spec, wire, limit, depth, table);
    const before = marks.at(-1);
    if (before && 'key' in before && before.key === field.key && before.packed === packed && !packed) before.count += count;
    else marks.push({ key: field.key, count, packed });
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
  reader.count();
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
  const list = message[key] as unknown[];
  if (wire === WIRE.bytes && (spec.kind === 'int64' || spec.kind === 'float')) {
    const end = endOf(reader, limit);
    const before = list.length;
    while (reader.pos < end) {
      reader.count();
      list.push(readValue(reader, spec, end, depth));
    }
    return list.length - before;
  }
  if (spec.kind !== 'message') reader.count();
  list.push(readValue(reader, spec, limit, depth));
  return 1;
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
    appendGathered(reader, message, key, reader.bytes(length, limit));
    return;
  }
  const start = reader.pos;
  if (wire === WIRE.varint) reader.varint64(limit);
  else skip(reader, wire === WIRE.fixed64 ? 8 : 4, limit);
  const length = reader.pos - start;
  reader.count();
  reader.pos = start;
  appendGathered(reader, message, key, reader.bytes(length, limit));
}

function appendGathered(reader: WireReader, message: Decoded, key: string, bytes: Uint8Array): void {
  const lists = gathered.get(message) ?? new Map<string, number[]>();
  gathered.set(message, lists);
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  const before = message[key] as Bytes | undefined;
  if (before !== undefined) {
    if (isFileRange(before)) throw reader.malformed(`the numbers of '${key}' in several pieces`);
    for (const byte of before) list.push(byte);
    message[key] = undefined;
  }
  if (list.length + bytes.length > MAX_TEXT_BYTES) throw reader.malformed(`the numbers of '${key}' in too many pieces`);
  for (const byte of bytes) list.push(byte);
}

function finishGathered(message: Decoded): void {
  const lists = gathered.get(message);
  if (!lists) return;
  for (const [key, list] of lists) message[key] = Uint8Array.from(list);
  gathered.delete(message);
}
