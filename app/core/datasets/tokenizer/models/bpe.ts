/** Byte-pair encoding: from single characters upward, the pair that was learned first is joined first. */
import { MAX_MERGES } from '../../limits.ts';
import { textOf } from '../aligned-text.ts';
import type { Budget } from '../budget.ts';
import { malformed, unsupported } from '../errors.ts';
import type { BpeSpec } from '../schema.ts';
import type { ModelToken, TokenModel } from './model.ts';
import { byteToken, noUnknownToken, Vocabulary } from './vocabulary.ts';

interface Symbol {
  id: number;
  from: number;
  to: number;
  previous: number;
  next: number;
  /** Taken up by the one before it. */
  gone: boolean;
}

export class Bpe extends Vocabulary implements TokenModel {
  readonly #spec: BpeSpec;
  /** First of a pair -> second -> its rank, which is its place in the list of merges. */
  readonly #ranks = new Map<number, Map<number, number>>();
  /** Rank -> what the pair becomes. */
  readonly #joined: number[] = [];

  /** @throws tokenizer.malformed, tokenizer.unsupported */
  constructor(spec: BpeSpec) {
    super(Object.entries(spec.vocab));
    if ((spec.dropout ?? 0) > 0) throw unsupported('dropout, which makes its tokens random', { found: `dropout ${spec.dropout}` });
    if (spec.merges.length > MAX_MERGES) throw malformed('it has too many merges.', { expected: `at most ${MAX_MERGES}`, found: `${spec.merges.length}` });
    this.#spec = spec;
    const prefix = spec.continuing_subword_prefix?.length ?? 0;
    const merges = spec.merges.filter((merge) => typeof merge !== 'string' || !merge.startsWith('#version'));
    merges.forEach((merge, rank) => {
      const [left, right] = pairOf(merge);
      this.#joined[rank] = this.#known(left + right.slice(prefix));
      const seconds = this.#ranks.get(this.#known(left)) ?? new Map<number, number>();
      seconds.set(this.#known(right), rank);
      this.#ranks.set(this.#known(left), seconds);
    });
  }

  #known(text: string): number {
    const id = this.idOf(text);
    if (id === undefined) throw malformed('a merge speaks of a token that is not in the vocabulary.', { found: text.slice(0, 60) });
    return id;
  }

  tokenize(word: readonly number[], budget: Budget): ModelToken[] {
    budget.spend(word.length);
    if (this.#spec.ignore_merges) {
      const text = textOf(word);
      const id = this.idOf(text);
      if (id !== undefined) return [{ id, text, from: 0, to: word.length }];
    }
    const symbols = this.#symbols(word);
    this.#merge(symbols, budget);
    return symbols.filter((s) => !s.gone).map(({ id, from, to }) => ({ id, text: this.textOf(id) ?? '', from, to }));
  }

  /** One for each character that the vocabulary has; others become bytes, or unknown. */
  #symbols(word: readonly number[]): Symbol[] {
    const { byte_fallback, fuse_unk, unk_token, continuing_subword_prefix = '', end_of_word_suffix = '' } = this.#spec;
    const symbols: Symbol[] = [];
    const add = (id: number, from: number, to: number) => symbols.push({ id, from, to, previous: symbols.length - 1, next: symbols.length + 1, gone: false });
    let unknown: { id: number; from: number; to: number } | undefined;
    const flush = () => {
      if (unknown) add(unknown.id, unknown.from, unknown.to);
      unknown = undefined;
    };
    word.forEach((code, at) => {
      const text = (at > 0 ? (continuing_subword_prefix ?? '') : '') + String.fromCodePoint(code) + (at === word.length - 1 ? (end_of_word_suffix ?? '') : '');
      const id = this.idOf(text);
      if (id !== undefined) {
        flush();
        add(id, at, at + 1);
        return;
      }
      const bytes = byte_fallback ? [...Buffer.from(text)].map((byte) => this.idOf(byteToken(byte))) : [undefined];
      if (bytes.every((byte) => byte !== undefined)) {
        for (const byte of bytes) add(byte, at, at + 1);
        return;
      }
      if (unk_token === undefined || unk_token === null) return;
      const unknownId = this.idOf(unk_token);
      if (unknownId === undefined) throw noUnknownToken(text);
      if (unknown && fuse_unk) unknown.to = at + 1;
      else {
        flush();
        unknown = { id: unknownId, from: at, to: at + 1 };
      }
    });
    flush();
    const last = symbols.at(-1);
    if (last) last.next = -1;
    return symbols;
  }

  /** Lowest rank first, leftmost of equals. */
  #merge(symbols: Symbol[], budget: Budget): void {
    const queue = new Queue();
    const offer = (at: number) => {
      const [left, right] = [symbols[at], symbols[symbols[at]?.next ?? -1]];
      const rank = left && right && this.#ranks.get(left.id)?.get(right.id);
      if (rank !== undefined) queue.push(rank, at);
    };
    for (let at = 0; at < symbols.length; at++) offer(at);
    for (let top = queue.pop(); top; top = queue.pop()) {
      budget.spend(1);
      const left = symbols[top.at];
      const right = symbols[left?.next ?? -1];
      if (!left || !right || left.gone) continue;
      // The pair may have changed since it was queued.
      const rank = this.#ranks.get(left.id)?.get(right.id);
      const joined = this.#joined[top.rank];
      if (rank === undefined || joined === undefined || this.#joined[rank] !== joined) continue;
      left.id = joined;
      left.to = right.to;
      left.next = right.next;
      right.gone = true;
      const after = symbols[right.next];
      if (after) after.previous = top.at;
      if (left.previous >= 0) offer(left.previous);
      offer(top.at);
    }
  }
}

/** Written as a list of two, or as one text with a space between. */
function pairOf(merge: unknown): readonly [string, string] {
  const parts: readonly unknown[] = typeof merge === 'string' ? merge.split(' ') : Array.isArray(merge) ? (merge as unknown[]) : [];
  const [left, right] = parts;
  if (parts.length !== 2 || typeof left !== 'string' || typeof right !== 'string')
    throw malformed('a merge is not a pair of tokens.', { found: JSON.stringify(merge)?.slice(0, 60) ?? '' });
  return [left, right];
}

/** A binary heap of places to merge at. */
class Queue {
  readonly #heap: { rank: number; at: number }[] = [];

  push(rank: number, at: number): void {
    const heap = this.#heap;
    let i = heap.push({ rank, at }) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!this.#before(i, parent)) return;
      this.#swap(i, parent);
      i = parent;
    }
  }

  pop(): { rank: number; at: number } | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (!last || heap.length === 0) return top;
    heap[0] = last;
    for (let i = 0; ; ) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2]) if (child < heap.length && this.#before(child, least)) least = child;
      if (least === i) return top;
      this.#swap(i, least);
      i = least;
    }
  }

  #before(i: number, j: number): boolean {
    const [a, b] = [this.#heap[i], this.#heap[j]];
    return a !== undefined && b !== undefined && (a.rank - b.rank || a.at - b.at) < 0;
  }

  #swap(i: number, j: number): void {
    const [a, b] = [this.#heap[i], this.#heap[j]];
    if (a && b) [this.#heap[i], this.#heap[j]] = [b, a];
  }
}
