/** Bytes that should be UTF-8. */
import { EdgewrightError } from '#contract';
import { MAX_TEXT_BYTES } from './limits.ts';

/**
 * The text of a file, without a byte order mark and without one line break at its end, which editors put there.
 * @throws text.too-long, text.not-utf8 (input)
 */
export function readText(bytes: Uint8Array): string {
  if (bytes.length > MAX_TEXT_BYTES)
    throw textError('text.too-long', 'The text is too long.', {
      expected: `at most ${MAX_TEXT_BYTES} bytes`,
      found: `${bytes.length} bytes`,
      hint: 'Give a part of it.',
    });
  const bad = firstBadByte(bytes);
  if (bad !== undefined) {
    const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
    throw textError('text.not-utf8', 'The text is not UTF-8.', {
      expected: 'UTF-8',
      found: `the byte 0x${(bytes[bad] ?? 0).toString(16).padStart(2, '0')} at offset ${bad}`,
      hint: utf16 ? 'It looks like UTF-16: save it as UTF-8.' : 'Save it as UTF-8.',
    });
  }
  return new TextDecoder().decode(bytes).replace(/\r?\n$/, '');
}

/** Offset of the first byte that cannot stand where it does; that of its first byte for a character that is cut off. */
export function firstBadByte(bytes: Uint8Array): number | undefined {
  for (let at = 0; at < bytes.length; ) {
    const length = characterLength(bytes, at);
    if (length === 0) return at;
    at += length;
  }
  return undefined;
}

/** Bytes of the character at `at` by table 3-7 of the Unicode standard; 0 when there is none. */
function characterLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  const length = first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0;
  // Neither longer than needed, nor a surrogate, nor beyond U+10FFFF.
  const low = { 0xe0: 0xa0, 0xf0: 0x90 }[first] ?? 0x80;
  const high = { 0xed: 0x9f, 0xf4: 0x8f }[first] ?? 0xbf;
  for (let i = 1; i < length; i++) {
    const byte = bytes[at + i] ?? 0;
    if (byte < (i === 1 ? low : 0x80) || byte > (i === 1 ? high : 0xbf)) return 0;
  }
  return length;
}

export function textError(code: string, message: string, more: { expected?: string; found?: string; hint?: string }): EdgewrightError {
  return new EdgewrightError({ code, message, ...more, owner: 'input' });
}
