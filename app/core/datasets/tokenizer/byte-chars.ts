/** The 256 bytes as visible characters, one for each, as GPT-2 writes them. */

/** Bytes that stand for themselves: the visible characters of Latin-1. */
function isVisible(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

/** All others follow from 256 on, in their order. */
const CODE_OF_BYTE: readonly number[] = (() => {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => (isVisible(byte) ? byte : next++));
})();

const BYTE_OF_CODE = new Map(CODE_OF_BYTE.map((code, byte) => [code, byte]));

/** How a space is written. */
export const SPACE_CHAR = CODE_OF_BYTE[0x20] ?? 0;

/** The UTF-8 bytes of a character, each as its visible character. */
export function byteChars(code: number): readonly number[] {
  if (code < 0x80) return [CODE_OF_BYTE[code] ?? 0];
  return [...Buffer.from(String.fromCodePoint(code))].map((byte) => CODE_OF_BYTE[byte] ?? 0);
}

/** The bytes that visible characters stand for; undefined when one of them stands for none. */
export function bytesOf(text: string): number[] | undefined {
  const bytes: number[] = [];
  for (const char of text) {
    const byte = BYTE_OF_CODE.get(char.codePointAt(0) ?? 0);
    if (byte === undefined) return undefined;
    bytes.push(byte);
  }
  return bytes;
}
