/**
 * SentencePiece's precompiled normalization: a double-array trie (Darts) over UTF-8 whose values point into a text of
 * replacements, each ended by a zero byte.
 */
import { type AlignedText, type Change, codesOf } from './aligned-text.ts';
import { malformed } from './errors.ts';

/** Longest cluster of characters, in bytes, that is looked up as one; SentencePiece's port in Rust has it so. */
const MAX_CLUSTER_BYTES = 5;

export class Charsmap {
  readonly #units: Uint32Array;
  readonly #replacements: Buffer;
  /** What a text is replaced by; null where it stays. */
  readonly #known = new Map<string, readonly number[] | null>();

  /** @throws tokenizer.malformed */
  constructor(base64: string) {
    const bytes = Buffer.from(base64, 'base64');
    const size = bytes.length >= 4 ? bytes.readUInt32LE(0) : -1;
    if (size <= 0 || size % 4 !== 0 || 4 + size > bytes.length) throw malformed('its precompiled character map is cut off.');
    this.#units = Uint32Array.from({ length: size / 4 }, (_, i) => bytes.readUInt32LE(4 + 4 * i));
    this.#replacements = bytes.subarray(4 + size);
  }

  apply(text: AlignedText): AlignedText {
    const changes: Change[] = [];
    let skipped = 0;
    let modified = false;
    const replace = (old: number, codes: readonly number[]) => {
      modified = true;
      codes.forEach((code, i) => changes.push([code, i >= old ? 1 : 0]));
      const removed = old - codes.length;
      const last = changes.pop();
      if (last) changes.push(removed > 0 ? [last[0], last[1] - removed] : last);
      else skipped += removed;
    };
    for (const { segment } of new Intl.Segmenter('und', { granularity: 'grapheme' }).segment(text.toString())) {
      const whole = Buffer.byteLength(segment) <= MAX_CLUSTER_BYTES ? this.#lookUp(segment) : null;
      if (whole) {
        replace(codesOf(segment).length, whole);
        continue;
      }
      for (const char of segment) {
        const codes = this.#lookUp(char);
        if (codes) replace(1, codes);
        else changes.push([char.codePointAt(0) ?? 0, 0]);
      }
    }
    return modified ? text.transform(changes, skipped) : text;
  }

  #lookUp(text: string): readonly number[] | null {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const at = this.#find(Buffer.from(text));
    const end = at === undefined ? -1 : this.#replacements.indexOf(0, at);
    const found = at === undefined ? null : codesOf(this.#replacements.subarray(at, end < 0 ? this.#replacements.length : end).toString('utf8'));
    if (this.#known.size < MAX_KNOWN) this.#known.set(text, found);
    return found;
  }

  /** Where the replacement of the shortest prefix that has one begins. */
  #find(key: Uint8Array): number | undefined {
    let unit = this.#units[0] ?? 0;
    let node = offsetOf(unit);
    for (const byte of key) {
      if (byte === 0) break;
      node ^= byte;
      unit = this.#units[node] ?? 0;
      // The highest bit marks a value, which no byte equals.
      if ((unit & 0x800000ff) !== byte) return undefined;
      node ^= offsetOf(unit);
      if ((unit >>> 8) & 1) return (this.#units[node] ?? 0) & 0x7fffffff;
    }
    return undefined;
  }
}

/** Most texts whose replacement is remembered. */
const MAX_KNOWN = 65_536;

function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}
