/** Tokens as they come to text as it can be shown: a character may take several tokens, and what comes first may change what follows. */
import type { Tokenizer } from './tokenizer.ts';

/** How many tokens are decoded again with each new one, so that the cost does not grow with the text. */
const WINDOW_TOKENS = 24;
const REPLACEMENT = '\ufffd';

export class TextStream {
  readonly #tokenizer: Tokenizer;
  /** Tokens of the window, and the text that those before `#shown` of them stand for. */
  #ids: number[] = [];
  #prefix = '';

  /** @param context tokens before the first, whose text is not given out again but may matter to a space */
  constructor(tokenizer: Tokenizer, context: readonly number[] = []) {
    this.#tokenizer = tokenizer;
    this.#ids = context.slice(-WINDOW_TOKENS);
    this.#prefix = tokenizer.decode(this.#ids);
  }

  /** @returns the text that is certain with this token; empty while a character is incomplete */
  push(id: number): string {
    this.#ids.push(id);
    const text = this.#tokenizer.decode(this.#ids);
    if (text.endsWith(REPLACEMENT)) return '';
    return this.#give(text);
  }

  /** What is left, complete or not. */
  end(): string {
    return this.#give(this.#tokenizer.decode(this.#ids));
  }

  #give(text: string): string {
    const fresh = text.startsWith(this.#prefix) ? text.slice(this.#prefix.length) : text.slice(commonLength(text, this.#prefix));
    this.#prefix = text;
    if (this.#ids.length > 2 * WINDOW_TOKENS) {
      this.#ids = this.#ids.slice(-WINDOW_TOKENS);
      this.#prefix = this.#tokenizer.decode(this.#ids);
    }
    return fresh;
  }
}

function commonLength(a: string, b: string): number {
  let at = 0;
  while (at < Math.min(a.length, b.length) && a[at] === b[at]) at++;
  return at;
}
