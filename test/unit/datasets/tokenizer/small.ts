/** Tokenizers small enough to see through. */
import { Tokenizer } from '#core/datasets';

type Parts = Record<string, unknown>;

export function tokenizerOf(model: Parts, parts: Parts = {}): Tokenizer {
  const document = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
  };
  return Tokenizer.parse(Buffer.from(JSON.stringify({ ...document, model, ...parts })));
}

/** Words by white space; unknown ones are number 0. */
export function wordsTokenizer(words: readonly string[], parts: Parts = {}): Tokenizer {
  const vocab = Object.fromEntries(['[UNK]', ...words].map((word, id) => [word, id]));
  return tokenizerOf({ type: 'WordLevel', unk_token: '[UNK]', vocab }, { pre_tokenizer: { type: 'WhitespaceSplit' }, ...parts });
}

/** Splits a text by a pattern and tells the pieces. */
export function splitBy(pattern: string, text: string, behavior = 'Isolated', invert = false): string[] {
  const tokenizer = wordsTokenizer([], { pre_tokenizer: { type: 'Split', pattern: { Regex: pattern }, behavior, invert } });
  const chars = [...text];
  return tokenizer.encode(text).map((token) => chars.slice(token.from, token.to).join(''));
}

export function added(id: number, content: string, flags: Parts = {}): Parts {
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true, ...flags };
}
