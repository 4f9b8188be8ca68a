/** Unigram: of all ways to cut a text into tokens, the one with the highest sum of log probabilities (Viterbi's path). */
import { MAX_TOKEN_CHARS, MAX_VOCABULARY } from '../../limits.ts';
import { textOf } from '../aligned-text.ts';
import type { Budget } from '../budget.ts';
import { malformed } from '../errors.ts';
import { PrefixIndex } from '../prefix-index.ts';
import type { UnigramSpec } from '../schema.ts';
import type { ModelToken, TokenModel } from './model.ts';
import { byteToken, noUnknownToken } from './vocabulary.ts';

/** What an unknown character costs more than the least likely token; SentencePiece's figure. */
const UNKNOWN_PENALTY = 10;

export class Unigram implements TokenModel {
  readonly #pieces: readonly (readonly [string, number])[];
  readonly #ids = new Map<string, number>();
  readonly #index: PrefixIndex;
  readonly #unknown: number | undefined;
  readonly #byteFallback: boolean;
  readonly #unknownScore: number;

  /** @throws tokenizer.malformed */
  constructor(spec: UnigramSpec) {
    if (spec.vocab.length > MAX_VOCABULARY)
      throw malformed('its vocabulary is too large.', { expected: `at most ${MAX_VOCABULARY} tokens`, found: `${spec.vocab.length}` });
    this.#pieces = spec.vocab.map((entry: unknown) => {
      const [text, score]: readonly unknown[] = Array.isArray(entry) ? (entry as unknown[]) : [];
      if (typeof text !== 'string' || typeof score !== 'number' || text.length > MAX_TOKEN_CHARS)
        throw malformed('an entry of its vocabulary is not a token with its score.', { found: JSON.stringify(entry)?.slice(0, 60) ?? '' });
      return [text, score];
    });
    this.#unknown = spec.unk_id ?? undefined;
    if (this.#unknown !== undefined && this.#unknown >= this.#pieces.length)
      throw malformed('its unknown token is not in its vocabulary.', { found: `${this.#unknown}` });
    this.#byteFallback = spec.byte_fallback;
    this.#pieces.forEach(([text], id) => this.#ids.set(text, id));
    this.#index = new PrefixIndex(this.#ids.keys());
    this.#unknownScore = this.#pieces.reduce((least, [, score]) => Math.min(least, score), Number.POSITIVE_INFINITY) - UNKNOWN_PENALTY;
  }

  get size(): number {
    return this.#pieces.length;
  }

  idOf(text: string): number | undefined {
    return this.#ids.get(text);
  }

  textOf(id: number): string | undefined {
    return this.#pieces[id]?.[0];
  }

  tokenize(word: readonly number[], budget: Budget): ModelToken[] {
    return this.#bestPath(word, budget).flatMap(({ from, to }) => {
      const text = textOf(word, from, to);
      const id = this.idOf(text);
      if (id !== undefined) return [{ id, text, from, to }];
      if (this.#byteFallback) {
        const bytes = [...Buffer.from(text)].map((byte) => byteToken(byte));
        const ids = bytes.map((byte) => this.idOf(byte));
        if (ids.every((byte) => byte !== undefined)) return ids.map((byte, i) => ({ id: byte, text: bytes[i] ?? '', from, to }));
      }
      if (this.#unknown === undefined) throw noUnknownToken(text);
      return [{ id: this.#unknown, text, from, to }];
    });
  }

  /** The pieces in order; neighbours that are unknown are one. */
  #bestPath(word: readonly number[], budget: Budget): { from: number; to: number }[] {
    const text = textOf(word);
    // Where each character begins, in UTF-16 units.
    const starts = [0];
    for (const code of word) starts.push((starts.at(-1) ?? 0) + (code > 0xffff ? 2 : 1));
    const score = new Float64Array(word.length + 1);
    const came = new Int32Array(word.length + 1).fill(-1);
    const unknown = new Uint8Array(word.length + 1);
    const reach = (from: number, to: number, sum: number, isUnknown: boolean) => {
      if ((came[to] ?? -1) >= 0 && !(sum > (score[to] ?? 0))) return;
      score[to] = sum;
      came[to] = from;
      unknown[to] = isUnknown ? 1 : 0;
    };
    for (let from = 0; from < word.length; from++) {
      const so = score[from] ?? 0;
      let single = false;
      budget.spend(1);
      let to = from + 1;
      // Shortest first, so where they end only moves on.
      for (const piece of this.#index.at(text, starts[from] ?? 0, budget)) {
        const end = (starts[from] ?? 0) + piece.length;
        while ((starts[to] ?? end) < end) to++;
        const id = this.#ids.get(piece) ?? 0;
        reach(from, to, (this.#pieces[id]?.[1] ?? 0) + so, id === this.#unknown);
        if (to === from + 1) single = true;
      }
      if (single) continue;
      if (this.#unknown === undefined) {
        const sum = this.#unknownScore + so;
        if ((came[from + 1] ?? -1) < 0 || sum > (score[from + 1] ?? 0)) throw noUnknownToken(textOf(word, from, from + 1));
      } else reach(from, from + 1, this.#unknownScore + so, true);
    }
    const path: { from: number; to: number }[] = [];
    let joinable = false;
    for (let to = word.length; to > 0; ) {
      const from = came[to] ?? 0;
      const last = path.at(-1);
      if (unknown[to] === 1 && joinable && last) last.from = from;
      else path.push({ from, to });
      joinable = unknown[to] === 1;
      to = from;
    }
    return path.reverse();
  }
}
