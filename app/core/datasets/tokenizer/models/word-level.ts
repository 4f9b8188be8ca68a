/** WordLevel: whole words, or unknown. */
import { textOf } from '../aligned-text.ts';
import type { WordLevelSpec } from '../schema.ts';
import type { ModelToken, TokenModel } from './model.ts';
import { noUnknownToken, Vocabulary } from './vocabulary.ts';

export class WordLevel implements TokenModel {
  readonly #unknown: string;
  readonly #vocabulary: Vocabulary;

  /** @throws tokenizer.malformed */
  constructor(spec: WordLevelSpec) {
    this.#unknown = spec.unk_token;
    this.#vocabulary = new Vocabulary(Object.entries(spec.vocab));
  }

  get size(): number {
    return this.#vocabulary.size;
  }

  idOf(text: string): number | undefined {
    return this.#vocabulary.id(text);
  }

  textOf(id: number): string | undefined {
    return this.#vocabulary.text(id);
  }

  tokenize(word: readonly number[]): ModelToken[] {
    const whole = textOf(word);
    const text = this.idOf(whole) === undefined ? this.#unknown : whole;
    const id = this.idOf(text);
    if (id === undefined) throw noUnknownToken(whole);
    return [{ id, text, from: 0, to: word.length }];
  }
}
