/**
 * A text that has been changed, and where each of its characters came from. Normalizers and splits work on it; offsets that a
 * span or a label shows must point into the text as it was given.
 */
import type { Span } from './pattern/pattern.ts';

/** What a character of a new text does: 0 stands for the next old one, 1 was put in, -n stands for the next one and swallows n more. */
export type Change = readonly [code: number, change: number];

/** What becomes of the separators of a split. */
export type Behavior = 'Removed' | 'Isolated' | 'MergedWithPrevious' | 'MergedWithNext' | 'Contiguous';

export class AlignedText {
  /** Code points. */
  readonly codes: number[];
  /** Where each begins and ends in the original, in code points. */
  readonly from: number[];
  readonly to: number[];

  private constructor(codes: number[], from: number[], to: number[]) {
    this.codes = codes;
    this.from = from;
    this.to = to;
  }

  static of(text: string): AlignedText {
    const codes = codesOf(text);
    return new AlignedText(
      codes,
      [...codes.keys()],
      codes.map((_, i) => i + 1),
    );
  }

  get length(): number {
    return this.codes.length;
  }

  toString(): string {
    return textOf(this.codes);
  }

  slice(from: number, to: number): AlignedText {
    return new AlignedText(this.codes.slice(from, to), this.from.slice(from, to), this.to.slice(from, to));
  }

  /** Where characters `from` (inclusive) to `to` (exclusive) came from. */
  original(from: number, to: number): [number, number] {
    if (from >= to) return [0, 0];
    return [this.from[from] ?? 0, this.to[to - 1] ?? 0];
  }

  /**
   * The text that `changes` describe from first to last character.
   * @param skipped characters taken away at the very beginning
   */
  transform(changes: Iterable<Change>, skipped = 0): AlignedText {
    const codes: number[] = [];
    const from: number[] = [];
    const to: number[] = [];
    let old = skipped;
    for (const [code, change] of changes) {
      // What was put in shares the place of what stands before it.
      const place = change > 0 ? old - 1 : old;
      codes.push(code);
      from.push(this.from[place] ?? 0);
      to.push(this.to[place] ?? 0);
      if (change <= 0) old += 1 - change;
    }
    return new AlignedText(codes, from, to);
  }

  /** Each character becomes none, one or several. */
  flatMap(map: (code: number) => readonly number[]): AlignedText {
    return this.transform(this.codes.flatMap((code) => map(code).map((c, i): Change => [c, i === 0 ? 0 : 1])));
  }

  filter(keep: (code: number) => boolean): AlignedText {
    const kept = [...this.codes.keys()].filter((i) => keep(this.codes[i] ?? 0));
    return this.#pick(kept);
  }

  #pick(indexes: readonly number[]): AlignedText {
    const take = (list: readonly number[]) => indexes.map((i) => list[i] ?? 0);
    return new AlignedText(take(this.codes), take(this.from), take(this.to));
  }

  prepend(text: string): AlignedText {
    if (this.length === 0) return this;
    const added = [...text].map((char) => char.codePointAt(0) ?? 0);
    const place = (list: readonly number[]) => [...added.map(() => list[0] ?? 0), ...list];
    return new AlignedText([...added, ...this.codes], place(this.from), place(this.to));
  }

  /** Puts `content` in the place of each span. */
  replace(spans: readonly Span[], content: string): AlignedText {
    const codes: number[] = [];
    const from: number[] = [];
    const to: number[] = [];
    const added = [...content].map((char) => char.codePointAt(0) ?? 0);
    let at = 0;
    const copy = (end: number) => {
      for (; at < end; at++) {
        codes.push(this.codes[at] ?? 0);
        from.push(this.from[at] ?? 0);
        to.push(this.to[at] ?? 0);
      }
    };
    for (const [start, end] of spans) {
      copy(start);
      for (const code of added) {
        codes.push(code);
        from.push(this.from[end - 1] ?? 0);
        to.push(this.to[end - 1] ?? 0);
      }
      at = end;
    }
    copy(this.length);
    return new AlignedText(codes, from, to);
  }

  /**
   * Cut at separators.
   * @param spans the separators
   * @param invert the spans are what is to be kept; what lies between them separates
   */
  split(spans: readonly Span[], behavior: Behavior, invert = false): AlignedText[] {
    return arrange(pieces(spans, this.length, invert), behavior).map(([from, to]) => this.slice(from, to));
  }
}

/** A piece of a text, and whether it separates. */
interface Piece {
  from: number;
  to: number;
  separator: boolean;
}

function pieces(spans: readonly Span[], length: number, invert: boolean): Piece[] {
  const all: Piece[] = [];
  let at = 0;
  for (const [from, to] of spans) {
    if (at < from) all.push({ from: at, to: from, separator: invert });
    all.push({ from, to, separator: !invert });
    at = to;
  }
  if (at < length) all.push({ from: at, to: length, separator: invert });
  return all;
}

function arrange(all: readonly Piece[], behavior: Behavior): Span[] {
  switch (behavior) {
    case 'Removed':
      return all.filter((piece) => !piece.separator).map(({ from, to }) => [from, to]);
    case 'Isolated':
      return all.map(({ from, to }) => [from, to]);
    case 'Contiguous':
      return joined(all, (piece, before) => piece.separator === before);
    case 'MergedWithPrevious':
      return joined(all, (piece, before) => piece.separator && !before);
    case 'MergedWithNext':
      return joined(
        [...all].reverse().map(({ from, to, separator }) => ({ from: -to, to: -from, separator })),
        (piece, before) => piece.separator && !before,
      )
        .reverse()
        .map(([from, to]) => [-to, -from]);
  }
}

/** Joins a piece to the one before it where `joins` says so; before the first there is no separator. */
function joined(all: readonly Piece[], joins: (piece: Piece, before: boolean) => boolean): Span[] {
  const out: [number, number][] = [];
  let before = false;
  for (const piece of all) {
    const last = out.at(-1);
    if (last && joins(piece, before)) last[1] = piece.to;
    else out.push([piece.from, piece.to]);
    before = piece.separator;
  }
  return out;
}

/** Each single character that belongs, as a span. */
export function spansOf(codes: readonly number[], test: (code: number) => boolean): Span[] {
  const spans: Span[] = [];
  for (let i = 0; i < codes.length; i++) if (test(codes[i] ?? 0)) spans.push([i, i + 1]);
  return spans;
}

/** Code points a call of String.fromCodePoint takes at once. */
const CODES_AT_ONCE = 8192;

export function textOf(codes: readonly number[], from = 0, to = codes.length): string {
  if (to - from <= CODES_AT_ONCE) return String.fromCodePoint(...codes.slice(from, to));
  let text = '';
  for (let at = from; at < to; at += CODES_AT_ONCE) text += String.fromCodePoint(...codes.slice(at, Math.min(to, at + CODES_AT_ONCE)));
  return text;
}

export function codesOf(text: string): number[] {
  return [...text].map((char) => char.codePointAt(0) ?? 0);
}
