/** Texts and their numbers. Maps, because a token may be called __proto__ as well as anything else. */
import { EdgewrightError } from '#contract';
import { MAX_TOKEN_CHARS, MAX_VOCABULARY } from '../../limits.ts';
import { malformed } from '../errors.ts';

/** What every model but Unigram stands on: each text has one number, each number one text. */
export class Vocabulary {
  readonly #ids = new Map<string, number>();
  readonly #texts = new Map<number, string>();

  /** @throws tokenizer.malformed */
  constructor(entries: readonly (readonly [string, unknown])[]) {
    if (entries.length > MAX_VOCABULARY)
      throw malformed('its vocabulary is too large.', { expected: `at most ${MAX_VOCABULARY} tokens`, found: `${entries.length}` });
    for (const [text, id] of entries) {
      if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= MAX_VOCABULARY)
        throw malformed('a token has not a number of its own.', {
          expected: `0 to ${MAX_VOCABULARY - 1}`,
          found: `${text.slice(0, 60)}: ${JSON.stringify(id)?.slice(0, 20) ?? ''}`,
        });
      if (text.length > MAX_TOKEN_CHARS)
        throw malformed('a token is too long.', { expected: `at most ${MAX_TOKEN_CHARS} characters`, found: `${text.length}` });
      this.#ids.set(text, id);
      this.#texts.set(id, text);
    }
  }

  /** How many tokens there are. */
  get size(): number {
    return this.#ids.size;
  }

  idOf(text: string): number | undefined {
    return this.#ids.get(text);
  }

  textOf(id: number): string | undefined {
    return this.#texts.get(id);
  }

  texts(): Iterable<string> {
    return this.#ids.keys();
  }
}

export function noUnknownToken(word: string): EdgewrightError {
  return new EdgewrightError({
    code: 'tokenizer.no-unknown-token',
    message: 'The text has characters the vocabulary lacks, and the tokenizer has no token for what it does not know.',
    found: word.slice(0, 60),
    hint: 'Use a tokenizer whose vocabulary has its unknown token.',
    owner: 'input',
  });
}

/** How byte fallback writes one byte: <0x0A>. */
export function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}
