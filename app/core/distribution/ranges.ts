/** The three ranges of the API: `Content-Range` of a chunk, `Range` of an upload's status, and HTTP's own `Range` on a blob. */

/** Bytes from `start` up to and including `end`. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * `Content-Range: <start>-<end>` of a chunk (distribution-spec: `^[0-9]+-[0-9]+$`); RFC 9110's `bytes 0-9/10` is taken too,
 * as some clients send it. undefined when it is neither, or ends before it starts.
 */
export function parseChunkRange(text: string): ByteRange | undefined {
  const match = /^(?:bytes[ =])?(\d{1,15})-(\d{1,15})(?:\/(?:\d{1,15}|\*))?$/.exec(text);
  if (!match) return undefined;
  const range = { start: Number(match[1]), end: Number(match[2]) };
  return range.end >= range.start ? range : undefined;
}

/** How far an upload is: `0-<last byte>`. The form cannot tell nothing from one byte; an empty upload reads `0-0`, as everywhere. */
export function uploadRange(bytes: number): string {
  return `0-${Math.max(bytes - 1, 0)}`;
}

/** The bytes an upload has, from its `Range`; `0-0` is read as none. undefined when it is no such range. */
export function parseUploadRange(text: string): number | undefined {
  const match = /^(?:bytes=)?0-(\d{1,15})$/.exec(text);
  if (!match) return undefined;
  const last = Number(match[1]);
  return last === 0 ? 0 : last + 1;
}

/**
 * RFC 9110 §14.2 `Range` on a body of `size` bytes.
 * @returns undefined for "send all of it" (another unit, several ranges, no range at all), `'unsatisfiable'` for a 416
 */
export function parseRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const match = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/i.exec(header ?? '');
  if (!match) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const suffix = Math.min(Number(last), size);
    return suffix === 0 ? 'unsatisfiable' : { start: size - suffix, end: size - 1 };
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  return start >= size || end < start ? 'unsatisfiable' : { start, end };
}
