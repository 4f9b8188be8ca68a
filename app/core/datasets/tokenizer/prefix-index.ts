/** Finds which of many texts a text goes on with. A sorted list: no memory beyond the texts, where a tree of maps would take a hundred times that. */
import type { Budget } from './budget.ts';

export class PrefixIndex {
  readonly #sorted: readonly string[];
  /** First UTF-16 unit -> where texts that begin with it stand. */
  readonly #first = new Map<number, { low: number; high: number }>();

  constructor(texts: Iterable<string>) {
    // The default order is by UTF-16 units, which is what the search compares.
    this.#sorted = [...new Set(texts)].filter((text) => text.length > 0).sort();
    this.#sorted.forEach((text, i) => {
      const unit = text.charCodeAt(0);
      const range = this.#first.get(unit);
      if (range) range.high = i + 1;
      else this.#first.set(unit, { low: i, high: i + 1 });
    });
  }

  /** The texts that `text` goes on with at `at`, shortest first. */
  at(text: string, at: number, budget: Budget): string[] {
    const range = this.#first.get(text.charCodeAt(at));
    if (!range) return [];
    let { low, high } = range;
    const found: string[] = [];
    for (let depth = 1; low < high; depth++) {
      budget.spend(1);
      const shortest = this.#sorted[low] ?? '';
      // Sorted, the one that ends here comes first.
      if (shortest.length === depth) {
        found.push(shortest);
        low++;
      }
      const next = at + depth;
      if (low >= high || next >= text.length) break;
      const unit = text.charCodeAt(next);
      // All that are left mostly go on alike.
      if (this.#unit(low, depth) !== unit || this.#unit(high - 1, depth) !== unit)
        [low, high] = [this.#bound(low, high, depth, unit), this.#bound(low, high, depth, unit + 1)];
    }
    return found;
  }

  #unit(index: number, depth: number): number {
    return (this.#sorted[index] ?? '').charCodeAt(depth);
  }

  /** The first between `low` and `high` whose unit at `depth` is at least `unit`. */
  #bound(low: number, high: number, depth: number, unit: number): number {
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#unit(middle, depth) < unit) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
