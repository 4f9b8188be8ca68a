/** Texts and the tokens they became. */
import type { EncodedToken } from '../tokenizer/encoding.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

/** What became of the texts, for answers that speak of their parts or go on with them. */
export interface AppliedText {
  tokenizer: Tokenizer;
  rows: TextRow[];
}

export interface TextRow {
  /** One, or two of a pair. */
  texts: string[];
  /** All that the model was given, padding too. */
  tokens: EncodedToken[];
}
