/** The third stage: a word to tokens. */
import type { Budget } from '../budget.ts';

export interface ModelToken {
  id: number;
  /** As it stands in the vocabulary. */
  text: string;
  /** Which characters of the word, in code points. */
  from: number;
  to: number;
}

export interface TokenModel {
  /** @throws tokenizer.no-unknown-token when the word has a character the vocabulary lacks, and there is no token for such; tokenizer.too-costly */
  tokenize(word: readonly number[], budget: Budget): ModelToken[];
  idOf(text: string): number | undefined;
  textOf(id: number): string | undefined;
  /** How many tokens the vocabulary has. */
  readonly size: number;
}
