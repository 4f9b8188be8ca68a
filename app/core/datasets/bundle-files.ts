/** The other files of a bundle that a recipe names: a tokenizer, a list of categories. */
import { EdgewrightError } from '#contract';

/** Reads files of one bundle by their path in it, and keeps what was made of them, since parsing a large one takes longer than using it. */
export class BundleFiles {
  readonly #read: (path: string, maxBytes: number) => Promise<Uint8Array>;
  readonly #parsed = new Map<unknown, Map<string, Promise<unknown>>>();

  /** @param read throws when there is no such file or it is larger than `maxBytes` */
  constructor(read: (path: string, maxBytes: number) => Promise<Uint8Array>) {
    this.#read = read;
  }

  /** What `parse` makes of a file; made once for each path and parser (the same function, not one made anew). */
  load<T>(path: string, maxBytes: number, parse: (bytes: Uint8Array, path: string) => T): Promise<T> {
    const made = this.#parsed.get(parse) ?? new Map<string, Promise<unknown>>();
    this.#parsed.set(parse, made);
    let parsed = made.get(path) as Promise<T> | undefined;
    if (!parsed) {
      parsed = this.#read(path, maxBytes).then((bytes) => parse(bytes, path));
      parsed.catch(() => made.delete(path));
      made.set(path, parsed);
    }
    return parsed;
  }
}

/** For a bare model, which has no files beside it. */
export const NO_FILES = new BundleFiles((path) =>
  Promise.reject(
    new EdgewrightError({ code: 'recipe.file-missing', message: `The recipe needs ${path}, but there is no bundle that holds it.`, owner: 'input' }),
  ),
);
