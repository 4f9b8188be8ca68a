/** The 512-byte headers of a tar file (POSIX.1-2017 pax, ustar; GNU's long numbers are read too). */
import { unsound } from '../errors.ts';

export const TAR_BLOCK = 512;

/** Where each field stands in a header, and how long it is. */
const NAME = [0, 100] as const;
const SIZE = [124, 12] as const;
const CHECKSUM = [148, 8] as const;
const TYPE = 156;
const MAGIC = [257, 6] as const;
const PREFIX = [345, 155] as const;
/** Largest size that eleven octal digits hold. */
export const MAX_OCTAL_SIZE = 0o77777777777;

export interface TarHeader {
  name: string;
  /** Bytes of content that follow, before padding. */
  size: number;
  /** `0` file, `5` folder, `x` and `g` pax records, `L` and `K` GNU long names; anything else is no plain content. */
  type: string;
}

/** How many bytes of zeros follow content of this size. */
export function padding(size: number): number {
  return (TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK;
}

/** @returns undefined for a block of zeros, of which two end an archive @throws archive.malformed */
export function readHeader(block: Buffer): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  const stated = readNumber(block, CHECKSUM);
  if (stated !== checksum(block)) throw malformed('a header has a wrong checksum');
  const prefix = block.toString('latin1', MAGIC[0], MAGIC[0] + 5) === 'ustar' && block[MAGIC[0] + 5] === 0 ? readText(block, PREFIX) : '';
  const name = readText(block, NAME);
  return { name: prefix === '' ? name : `${prefix}/${name}`, size: readNumber(block, SIZE), type: String.fromCharCode(block[TYPE] ?? 0) };
}

/** A header as we write them: nothing in it depends on who writes it, or when. @param size up to MAX_OCTAL_SIZE */
export function writeHeader({ name, size, type }: TarHeader): Buffer {
  const block = Buffer.alloc(TAR_BLOCK);
  const octal = (value: number, [at, length]: readonly [number, number]) => block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1');
  block.write(name, ...NAME, 'utf8');
  octal(type === '5' ? 0o755 : 0o644, [100, 8]);
  octal(0, [108, 8]);
  octal(0, [116, 8]);
  octal(size, SIZE);
  octal(0, [136, 12]);
  block.write(type, TYPE, 'latin1');
  block.write('ustar\u000000', MAGIC[0], 'latin1');
  octal(0, [329, 8]);
  octal(0, [337, 8]);
  block.write(`${checksum(block).toString(8).padStart(6, '0')}\0 `, CHECKSUM[0], 'latin1');
  return block;
}

/** The sum of all bytes, those of the checksum itself taken as spaces. */
function checksum(block: Buffer): number {
  let sum = 0;
  for (let i = 0; i < TAR_BLOCK; i++) sum += i >= CHECKSUM[0] && i < CHECKSUM[0] + CHECKSUM[1] ? 0x20 : (block[i] ?? 0);
  return sum;
}

function readText(block: Buffer, [at, length]: readonly [number, number]): string {
  const field = block.subarray(at, at + length);
  const end = field.indexOf(0);
  return new TextDecoder('utf-8').decode(end === -1 ? field : field.subarray(0, end));
}

/** Octal digits, or GNU's form for large numbers: the first bit set, then the number, highest byte first. */
function readNumber(block: Buffer, [at, length]: readonly [number, number]): number {
  const field = block.subarray(at, at + length);
  if (((field[0] ?? 0) & 0x80) !== 0) {
    let value = (field[0] ?? 0) & 0x7f;
    for (const byte of field.subarray(1)) value = value * 256 + byte;
    if (!Number.isSafeInteger(value)) throw malformed('a size is too large');
    return value;
  }
  const digits = field
    .toString('latin1')
    .replace(/[\0 ]+$/, '')
    .replace(/^[ ]+/, '');
  if (!/^[0-7]{0,11}$/.test(digits)) throw malformed('a number in a header is none');
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

export function malformed(why: string) {
  return unsound('archive.malformed', `The archive cannot be read: ${why}.`, {
    expected: 'a tar file that holds an OCI image layout',
    hint: 'Export it again, or copy it again from where it came.',
  });
}
