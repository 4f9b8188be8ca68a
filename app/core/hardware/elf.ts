/**
 * Which libraries a 64-bit little-endian ELF file needs: the DT_NEEDED entries of its dynamic section. This is what the loader
 * looks for first, so the exact missing file can be named before anything is loaded.
 * Format: System V ABI, "Object Files" and "Dynamic Linking"; field offsets are those of ELFCLASS64.
 */
import { open } from 'node:fs/promises';
import { readExactly } from '#core/platform';
import { MAX_ELF_TABLE_BYTES } from './limits.ts';

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT_NEEDED = 1n;
const DT_STRTAB = 5n;
const DT_STRSZ = 10n;

interface Segment {
  type: number;
  offset: number;
  address: number;
  bytes: number;
}

/** @returns the names in order; undefined when the file is no such ELF file or its tables make no sense. */
export async function neededLibraries(path: string): Promise<string[] | undefined> {
  const handle = await open(path, 'r').catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    const head = await readExactly(handle, 0, 64);
    const isElf64Little = head.readUInt32BE(0) === 0x7f454c46 && head[4] === 2 && head[5] === 1;
    if (!isElf64Little) return undefined;
    const entryBytes = head.readUInt16LE(54);
    const count = head.readUInt16LE(56);
    if (entryBytes < 56) return undefined;
    const table = await readExactly(handle, safe(head.readBigUInt64LE(32)), entryBytes * count);
    const segments = Array.from({ length: count }, (_, i): Segment => {
      const at = i * entryBytes;
      return {
        type: table.readUInt32LE(at),
        offset: safe(table.readBigUInt64LE(at + 8)),
        address: safe(table.readBigUInt64LE(at + 16)),
        bytes: safe(table.readBigUInt64LE(at + 32)),
      };
    });
    const dynamic = segments.find((s) => s.type === PT_DYNAMIC);
    if (dynamic === undefined) return [];
    const entries = await readExactly(handle, dynamic.offset, bounded(dynamic.bytes));
    const names: bigint[] = [];
    let stringsAt: number | undefined;
    let stringsBytes = 0;
    for (let at = 0; at + 16 <= entries.length; at += 16) {
      const tag = entries.readBigInt64LE(at);
      const value = entries.readBigUInt64LE(at + 8);
      if (tag === 0n) break;
      if (tag === DT_NEEDED) names.push(value);
      if (tag === DT_STRTAB) stringsAt = safe(value);
      if (tag === DT_STRSZ) stringsBytes = bounded(safe(value));
    }
    if (stringsAt === undefined) return undefined;
    const address = stringsAt;
    // DT_STRTAB is an address; the segment that loads it says where in the file it lies.
    const home = segments.find((s) => s.type === PT_LOAD && address >= s.address && address < s.address + s.bytes);
    if (home === undefined) return undefined;
    const strings = await readExactly(handle, address - home.address + home.offset, stringsBytes);
    return names.map((at) => {
      const start = safe(at);
      const end = strings.indexOf(0, start);
      return strings.toString('utf8', start, end === -1 ? strings.length : end);
    });
  } catch {
    return undefined;
  } finally {
    await handle.close();
  }
}

function safe(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError('offset out of range');
  return Number(value);
}

function bounded(bytes: number): number {
  if (bytes > MAX_ELF_TABLE_BYTES) throw new RangeError('table out of range');
  return bytes;
}
