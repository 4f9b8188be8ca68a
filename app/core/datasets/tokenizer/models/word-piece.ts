/** WordPiece: the longest token the word begins with, and so on; a word that cannot be cut up is unknown as a whole. */
import { textOf } from '../aligned-text.ts';
import type { Budget } from '../budget.ts';
import type { WordPieceSpec } from '../schema.ts';
import type { ModelToken, TokenModel } from './model.ts';
import { noUnknownToken, Vocabulary } from './vocabulary.ts';

export class WordPiece extends Vocabulary implements TokenModel {
  readonly #spec: WordPieceSpec;

  /** @throws tokenizer.malformed */
  constructor(spec: WordPieceSpec) {
    super(Object.entries(spec.vocab));
    this.#spec = spec;
  }

  tokenize(word: readonly number[], budget: Budget): ModelToken[] {
    if (word.length > this.#spec.max_input_chars_per_word) return [this.#unknown(word)];
    const tokens: ModelToken[] = [];
    for (let from = 0; from < word.length; ) {
      const token = this.#longest(word, from, budget);
      if (!token) return [this.#unknown(word)];
      tokens.push(token);
      from = token.to;
    }
    return tokens;
  }

  #longest(word: readonly number[], from: number, budget: Budget): ModelToken | undefined {
    for (let to = word.length; to > from; to--) {
      budget.spend(to - from);
      const text = (from > 0 ? this.#spec.continuing_subword_prefix : '') + textOf(word, from, to);
      const id = this.idOf(text);
      if (id !== undefined) return { id, text, from, to };
    }
    return undefined;
  }

  #unknown(word: readonly number[]): ModelToken {
    const text = this.#spec.unk_token;
    const id = this.idOf(text);
    if (id === undefined) throw noUnknownToken(textOf(word));
    return { id, text, from: 0, to: word.length };
  }
}
