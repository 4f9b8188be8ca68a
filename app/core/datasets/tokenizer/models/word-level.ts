/** WordLevel: whole words, or unknown. */
import { textOf } from '../aligned-text.ts';
import type { WordLevelSpec } from '../schema.ts';
import type { ModelToken, TokenModel } from './model.ts';
import { noUnknownToken, Vocabulary } from './vocabulary.ts';

export class WordLevel extends Vocabulary implements TokenModel {
  readonly #unknown: string;

  /** @throws tokenizer.malformed */
  constructor(spec: WordLevelSpec) {
    super(Object.entries(spec.vocab));
    this.#unknown = spec.unk_token;
  }

  tokenize(word: readonly number[]): ModelToken[] {
    const whole = textOf(word);
    const text = this.idOf(whole) === undefined ? this.#unknown : whole;
    const id = this.idOf(text);
    if (id === undefined) throw noUnknownToken(whole);
    return [{ id, text, from: 0, to: word.length }];
  }
}
