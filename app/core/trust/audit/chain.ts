/** Whether lines follow from each other and from a signed head. It believes nothing but hashes and signatures. */
import { AuditEntrySchema, canonical, entryHash } from './entry.ts';
import type { LineRow } from './database.ts';

export interface ChainProblem {
  /** The first line that is wrong, or missing. */
  seq: number;
  problem: string;
}

/** Follows lines one by one from a known hash. */
export class Chain {
  #seq: number;
  #hash: string;
  #at = Number.NEGATIVE_INFINITY;
  #clockBack = 0;
  #signedTo = 0;

  /** @param seq the line that the first one must follow. @param hash that line's hash */
  constructor(seq: number, hash: string) {
    this.#seq = seq;
    this.#hash = hash;
  }

  get seq(): number {
    return this.#seq;
  }
  get hash(): string {
    return this.#hash;
  }
  /** The newest line that says a head was signed with it. */
  get signedTo(): number {
    return this.#signedTo;
  }
  /** How often the wall clock was behind the line before: worth knowing, and no fault of the log. */
  get clockBack(): number {
    return this.#clockBack;
  }

  /** @returns what is wrong with this line; nothing after it can be followed */
  follow(row: LineRow): ChainProblem | undefined {
    const expected = this.#seq + 1;
    const wrong = (problem: string): ChainProblem => ({ seq: expected, problem });
    if (row.seq !== expected) return wrong(`line ${expected} is missing`);
    let entry: ReturnType<typeof AuditEntrySchema.parse>;
    try {
      entry = AuditEntrySchema.parse(JSON.parse(row.entry));
    } catch {
      return wrong(`line ${expected} is unreadable`);
    }
    if (canonical(entry) !== row.entry || entryHash(row.entry) !== row.hash || entry.seq !== row.seq) return wrong(`line ${expected} was altered`);
    if (entry.prev !== this.#hash) return wrong(`line ${expected} does not follow from the line before it`);
    if (entry.at < this.#at) this.#clockBack++;
    if (entry.signed) this.#signedTo = entry.seq;
    this.#at = entry.at;
    this.#seq = row.seq;
    this.#hash = row.hash;
    return undefined;
  }
}
