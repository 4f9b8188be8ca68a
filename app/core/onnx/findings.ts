/** Collects what is worth a warning, a bounded number per kind. */
import type { Warning } from '#contract';
import { MAX_WARNINGS_PER_CODE } from './limits.ts';

export class Findings {
  readonly #lists = new Map<string, Warning[]>();
  readonly #counts = new Map<string, number>();

  /** @param hint what the person can do about it */
  warn(code: string, message: string, where?: string, hint?: string): void {
    const count = (this.#counts.get(code) ?? 0) + 1;
    this.#counts.set(code, count);
    const list = this.#lists.get(code) ?? [];
    this.#lists.set(code, list);
    if (count <= MAX_WARNINGS_PER_CODE) list.push({ code, message, ...(where !== undefined && { where }), ...(hint !== undefined && { hint }) });
  }

  all(): Warning[] {
    return [...this.#lists].flatMap(([code, list]) => {
      const more = (this.#counts.get(code) ?? 0) - list.length;
      return more > 0 ? [...list, { code, message: `… and ${more} more of this kind.` }] : list;
    });
  }
}
