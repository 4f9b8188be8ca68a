/** Writing a tar file whose bytes follow from its content alone. */
import { MAX_OCTAL_SIZE, padding, TAR_BLOCK, writeHeader } from './tar-header.ts';

export interface TarSource {
  /** At most 100 bytes; a folder's ends in `/`. */
  name: string;
  /** Bytes. */
  size: number;
  /** The content, exactly `size` bytes; nothing for a folder. */
  open?: () => AsyncIterable<Uint8Array>;
}

/** Length of the archive, in bytes. */
export function tarSize(sources: readonly TarSource[]): number {
  return sources.reduce((sum, { name, size }) => sum + headers(name, size).length + size + padding(size), 2 * TAR_BLOCK);
}

/** The archive, piece by piece. */
export async function* tarStream(sources: readonly TarSource[]): AsyncGenerator<Uint8Array, void> {
  for (const { name, size, open } of sources) {
    yield headers(name, size);
    if (open) yield* open();
    if (padding(size) > 0) yield Buffer.alloc(padding(size));
  }
  yield Buffer.alloc(2 * TAR_BLOCK);
}

/** Eleven octal digits hold less than 8 GiB; a larger size stands in a pax record before the header. */
function headers(name: string, size: number): Buffer {
  const type = name.endsWith('/') ? '5' : '0';
  if (size <= MAX_OCTAL_SIZE) return writeHeader({ name, size, type });
  const record = Buffer.from(paxRecord('size', String(size)));
  const pax = writeHeader({ name: 'pax', size: record.length, type: 'x' });
  // What reads the record ignores the field; what does not must not take a wrong size for a right one.
  return Buffer.concat([pax, record, Buffer.alloc(padding(record.length)), writeHeader({ name, size: 0, type })]);
}

function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (`${length}${rest}`.length !== length) length++;
  return `${length}${rest}`;
}
