/** Tokens beside the vocabulary, found in the text before anything else: special ones, and words added later. */
import { AlignedText, textOf } from './aligned-text.ts';
import type { Budget } from './budget.ts';
import type { TokenModel } from './models/model.ts';
import type { Normalize } from './normalizers.ts';
import { isRustWord, isWhitespace } from './pattern/char-set.ts';
import { PrefixIndex } from './prefix-index.ts';
import type { AddedTokenSpec } from './schema.ts';

/** A piece of the text; with an id it is an added token and stays as it is. */
export interface Section {
  text: AlignedText;
  id?: number;
}

interface Added {
  id: number;
  token: AddedTokenSpec;
  /** What stands in the text once that is normalized. */
  written: string;
}

export class AddedTokens {
  readonly #byId = new Map<number, Added>();
  readonly #byText = new Map<string, number>();
  readonly #special = new Set<string>();
  readonly #verbatim: Finder;
  readonly #normalized: Finder;

  constructor(tokens: readonly AddedTokenSpec[], model: TokenModel, normalize: Normalize | undefined, budget: Budget) {
    let next = model.size;
    for (const token of tokens) {
      if (token.content === '') continue;
      // The numbers in the file are what comes out of this rule; where they are not, the rule holds, as it does elsewhere.
      const id = this.#byText.get(token.content) ?? model.idOf(token.content) ?? next++;
      const written = token.normalized && normalize ? normalize(AlignedText.of(token.content), budget).toString() : token.content;
      this.#byId.set(id, { id, token, written });
      this.#byText.set(token.content, id);
      if (token.special) this.#special.add(token.content);
    }
    const all = [...this.#byId.values()];
    this.#verbatim = new Finder(all.filter(({ token }) => !token.normalized));
    this.#normalized = new Finder(all.filter(({ token }) => token.normalized));
  }

  /** The text cut at added tokens, the rest normalized. */
  extract(text: AlignedText, normalize: Normalize | undefined, budget: Budget): Section[] {
    return this.#verbatim
      .cut(text, budget)
      .flatMap((section) => (section.id === undefined ? this.#normalized.cut(normalize ? normalize(section.text, budget) : section.text, budget) : [section]))
      .filter((section) => section.text.length > 0);
  }

  idOf(text: string): number | undefined {
    return this.#byText.get(text);
  }

  /** For decoding: as it stands in a normalized text. */
  textOf(id: number): string | undefined {
    return this.#byId.get(id)?.written;
  }

  isSpecial(text: string): boolean {
    return this.#special.has(text);
  }
}

/** Finds the longest of some tokens at the leftmost place, again and again. */
class Finder {
  readonly #tokens: ReadonlyMap<string, Added>;
  readonly #index: PrefixIndex;

  constructor(tokens: readonly Added[]) {
    this.#tokens = new Map(tokens.map((added) => [added.written, added]));
    this.#index = new PrefixIndex(this.#tokens.keys());
  }

  cut(text: AlignedText, budget: Budget): Section[] {
    if (this.#tokens.size === 0 || text.length === 0) return [{ text }];
    const { codes } = text;
    const string = textOf(codes);
    const sections: Section[] = [];
    let done = 0;
    let unit = 0;
    for (let at = 0; at < codes.length; ) {
      const longest = this.#index.at(string, unit, budget).at(-1);
      const added = longest === undefined ? undefined : this.#tokens.get(longest);
      if (!added || longest === undefined) {
        unit += (codes[at] ?? 0) > 0xffff ? 2 : 1;
        at++;
        continue;
      }
      let [from, to] = [at, at + [...longest].length];
      unit += longest.length;
      at = to;
      if (added.token.single_word && (isRustWord(codes[from - 1] ?? -1) || isRustWord(codes[to] ?? -1))) continue;
      if (added.token.lstrip) while (from > done && isWhitespace(codes[from - 1] ?? 0)) from--;
      if (added.token.rstrip) while (to < codes.length && isWhitespace(codes[to] ?? 0)) to++;
      if (done < from) sections.push({ text: text.slice(done, from) });
      sections.push({ text: text.slice(from, to), id: added.id });
      done = to;
    }
    if (done < codes.length) sections.push({ text: text.slice(done, codes.length) });
    return sections;
  }
}
