/**
 * As much of ZIP (PKWARE APPNOTE 6.3) as .npz files need: the central directory, entries stored or deflated. What the
 * directory declares is checked against bounds first, and no entry inflates past what it declared.
 */
import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib';
import { EdgewrightError } from '#contract';
import { MAX_ARRAY_NAME_BYTES, MAX_NPZ_ENTRIES, MAX_NPZ_TOTAL_BYTES } from './limits.ts';

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 65_535;
const STORED = 0;
const DEFLATED = 8;
const U32_MAX = 0xffffffff;
/** 1980-01-01, so that the same content gives the same file. */
const DOS_DATE = 0x0021;

interface Entry {
  name: string;
  method: number;
  crc: number;
  packed: number;
  size: number;
  offset: number;
}

/** Whether the bytes begin like a ZIP file (also an empty one). */
export function looksLikeZip(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] === 3 || bytes[2] === 5);
}

/**
 * The entries of an archive, one after another, each inflated and its CRC checked when it is taken.
 * @throws npz.* (input): damaged, encrypted, too many entries, or more bytes than allowed
 */
export function* readZip(file: Buffer): Generator<{ name: string; bytes: Buffer }> {
  const entries = readDirectory(file);
  const total = entries.reduce((sum, e) => sum + e.size, 0);
  if (total > MAX_NPZ_TOTAL_BYTES)
    throw zipError('npz.too-large', 'The archive would take too much memory.', `at most ${MAX_NPZ_TOTAL_BYTES} bytes`, `${total} bytes`);
  const seen = new Set<string>();
  for (const entry of entries) {
    if (seen.has(entry.name)) throw zipError('npz.duplicate', `The archive holds ${entry.name} twice.`, 'every name once', entry.name);
    seen.add(entry.name);
    yield { name: entry.name, bytes: readEntry(file, entry) };
  }
}

/** An archive with the entries given, deflated where that makes them smaller. The same entries give the same bytes. */
export function writeZip(entries: readonly { name: string; bytes: Buffer }[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const { name, bytes } of entries) {
    const packed = deflateRawSync(bytes);
    const small = packed.length < bytes.length;
    const body = small ? packed : bytes;
    const nameBytes = Buffer.from(name, 'utf8');
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x0800, 2); // names are UTF-8
    common.writeUInt16LE(small ? DEFLATED : STORED, 4);
    common.writeUInt16LE(DOS_DATE, 8);
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(body.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(nameBytes.length, 22);
    parts.push(u32(LOCAL), common, nameBytes, body);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(at, 10);
    directory.push(u32(CENTRAL), Buffer.from([20, 0]), common, tail, nameBytes);
    at += 30 + nameBytes.length + body.length;
  }
  const listing = Buffer.concat(directory);
  const end = Buffer.alloc(END_BYTES);
  end.writeUInt32LE(END, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(listing.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, listing, end]);
}

function readDirectory(file: Buffer): Entry[] {
  const end = findEnd(file);
  const count = file.readUInt16LE(end + 10);
  const offset = file.readUInt32LE(end + 16);
  if (count === 0xffff || offset === U32_MAX)
    throw zipError('npz.zip64', 'The archive is larger than this reader takes.', 'fewer than 65535 entries, below 4 GiB', 'a ZIP64 directory');
  if (count > MAX_NPZ_ENTRIES) throw zipError('npz.too-many', 'The archive holds too many arrays.', `at most ${MAX_NPZ_ENTRIES}`, `${count}`);
  const entries: Entry[] = [];
  let at = offset;
  for (let i = 0; i < count; i++) {
    if (at + 46 > end || file.readUInt32LE(at) !== CENTRAL) throw damaged('its directory is cut or damaged');
    const flags = file.readUInt16LE(at + 8);
    const nameBytes = file.readUInt16LE(at + 28);
    const extraBytes = file.readUInt16LE(at + 30);
    if (flags & 1) throw zipError('npz.encrypted', 'The archive is encrypted.', 'a plain archive', 'an encrypted entry');
    if (nameBytes > MAX_ARRAY_NAME_BYTES || at + 46 + nameBytes + extraBytes > end) throw damaged('a name in its directory is too long');
    const entry: Entry = {
      name: file.toString('utf8', at + 46, at + 46 + nameBytes),
      method: file.readUInt16LE(at + 10),
      crc: file.readUInt32LE(at + 16),
      packed: file.readUInt32LE(at + 20),
      size: file.readUInt32LE(at + 24),
      offset: file.readUInt32LE(at + 42),
    };
    applyZip64(entry, file.subarray(at + 46 + nameBytes, at + 46 + nameBytes + extraBytes));
    entries.push(entry);
    at += 46 + nameBytes + extraBytes + file.readUInt16LE(at + 32);
  }
  return entries;
}

/** The ZIP64 extra field holds, in this order, those of size, packed size and offset that read 0xffffffff. */
function applyZip64(entry: Entry, extra: Buffer): void {
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = extra.readUInt16LE(at + 2);
    const field = extra.subarray(at + 4, at + 4 + length);
    if (extra.readUInt16LE(at) === 1) {
      let from = 0;
      const next = () => {
        if (from + 8 > field.length) throw damaged('a ZIP64 field is cut');
        const value = Number(field.readBigUInt64LE(from));
        from += 8;
        return value;
      };
      if (entry.size === U32_MAX) entry.size = next();
      if (entry.packed === U32_MAX) entry.packed = next();
      if (entry.offset === U32_MAX) entry.offset = next();
    }
    at += 4 + length;
  }
}

function readEntry(file: Buffer, entry: Entry): Buffer {
  const at = entry.offset;
  if (at + 30 > file.length || file.readUInt32LE(at) !== LOCAL) throw damaged(`${entry.name} is not where the directory says`);
  const start = at + 30 + file.readUInt16LE(at + 26) + file.readUInt16LE(at + 28);
  if (start + entry.packed > file.length) throw damaged(`${entry.name} is cut`);
  const packed = file.subarray(start, start + entry.packed);
  const bytes = unpack(packed, entry);
  if (bytes.length !== entry.size) throw damaged(`${entry.name} is not as long as the directory says`);
  if (crc32(bytes) !== entry.crc) throw damaged(`the checksum of ${entry.name} does not match`);
  return bytes;
}

function unpack(packed: Buffer, entry: Entry): Buffer {
  if (entry.method === STORED) return packed;
  if (entry.method !== DEFLATED)
    throw zipError('npz.compression', `${entry.name} is compressed in a way this reader does not know.`, 'stored or deflated', `method ${entry.method}`);
  try {
    // zlib stops at the bound by itself, so an entry cannot inflate past what it declared.
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, entry.size) });
  } catch (error) {
    throw damaged(`${entry.name} does not inflate to what the directory says`, error);
  }
}

function findEnd(file: Buffer): number {
  const from = Math.max(0, file.length - END_BYTES - MAX_COMMENT_BYTES);
  for (let at = file.length - END_BYTES; at >= from; at--) if (file.readUInt32LE(at) === END) return at;
  throw damaged('it ends before its directory');
}

function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}

function damaged(why: string, cause?: unknown): EdgewrightError {
  return new EdgewrightError({ code: 'npz.damaged', message: `The archive is damaged: ${why}.`, hint: 'Copy or save it again.', owner: 'input' }, { cause });
}

function zipError(code: string, message: string, expected: string, found: string): EdgewrightError {
  return new EdgewrightError({ code, message, expected, found, owner: 'input' });
}
