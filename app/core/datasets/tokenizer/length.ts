/** Cutting tokens to a length, and filling them up to one. */
import { EdgewrightError } from '#contract';
import type { EncodedToken } from './encoding.ts';
import type { PaddingSpec, TruncationSpec } from './schema.ts';

/**
 * @param room how many tokens may be left, special ones already taken off
 * @throws tokenizer.cannot-truncate (input)
 */
export function truncate(parts: EncodedToken[][], room: number, { strategy, direction }: TruncationSpec): EncodedToken[][] {
  const lengths = parts.map((part) => part.length);
  const surplus = lengths.reduce((sum, length) => sum + length, 0) - room;
  if (surplus <= 0) return parts;
  const cut = (part: EncodedToken[], length: number) => (direction === 'Right' ? part.slice(0, length) : part.slice(part.length - length));
  if (room <= 0) return parts.map(() => []);
  if (strategy === 'LongestFirst') {
    const [first = 0, second] = lengths;
    if (second === undefined) return parts.map((part) => cut(part, room));
    const kept = shares(first, second, room);
    return parts.map((part, i) => cut(part, Math.min(part.length, kept[i] ?? 0)));
  }
  const target = strategy === 'OnlyFirst' ? 0 : 1;
  if ((lengths[target] ?? 0) <= surplus) {
    throw new EdgewrightError({
      code: 'tokenizer.cannot-truncate',
      message: 'The text is too long, and cutting the one text that may be cut does not make it short enough.',
      expected: `at most ${room} tokens`,
      found: lengths.join(' and '),
      hint: 'Give a shorter text, or let the longer of the two be cut (truncation: longest-first).',
      owner: 'input',
    });
  }
  return parts.map((part, i) => (i === target ? cut(part, part.length - surplus) : part));
}

/** How many tokens each of two texts keeps: the longer one is cut until both are equal, then both. */
function shares(first: number, second: number, room: number): [number, number] {
  const [short, long] = [Math.min(first, second), Math.max(first, second)];
  let kept: [number, number] = [short, short > room ? short : Math.max(short, room - short)];
  if (kept[0] + kept[1] > room) {
    const half = Math.floor(room / 2);
    kept = [half, half + (room % 2)];
  }
  return first > second && long === first ? [kept[1], kept[0]] : kept;
}

/** Fills up to `length` with padding tokens; longer ones stay. */
export function pad(tokens: readonly EncodedToken[], length: number, spec: PaddingSpec): EncodedToken[] {
  const missing = Math.max(0, paddedLength(length, spec) - tokens.length);
  const filler = Array.from(
    { length: missing },
    (): EncodedToken => ({ id: spec.pad_id, text: spec.pad_token, from: 0, to: 0, type: spec.pad_type_id, special: true, attended: false }),
  );
  return spec.direction === 'Left' ? [...filler, ...tokens] : [...tokens, ...filler];
}

function paddedLength(length: number, { pad_to_multiple_of: multiple }: PaddingSpec): number {
  return multiple ? Math.ceil(length / multiple) * multiple : length;
}
