/** Finding bundles by words, a page at a time. */
import type { BundleSearch, InspectResult, Variant } from '#contract';
import type { Sqlite, Statement } from '#core/platform';
import { MAX_SEARCH_WORDS } from './limits.ts';
import { parseSource } from './source-schema.ts';

export interface Searched {
  name: string;
  version: string;
  variants: readonly { variant: Variant; source: Buffer }[];
  facts?: InspectResult | undefined;
}

/** What a bundle is found by, in lower case: its name, what its author says of it, its variants, what its model is. */
export function searchText({ name, version, variants, facts }: Searched): string {
  const [first] = variants;
  const source = first && parseSource(first.source.toString('utf8'));
  const words = [
    `${name}@${version}`,
    source?.description,
    source?.license,
    source?.metric?.name,
    facts?.framework,
    facts?.producer,
    ...variants.flatMap(({ variant }) => [variant.name, variant.precision, variant.quantization]),
  ];
  return words
    .filter((word) => word !== undefined)
    .join(' ')
    .toLowerCase();
}

/** Each is the order of an index, read forwards or backwards, so that a page costs no sorting. */
const ORDERS: Record<BundleSearch['sort'], string> = {
  name: 'name, created_at DESC, version',
  '-name': 'name DESC, created_at, version DESC',
  created: 'created_at, name, version',
  '-created': 'created_at DESC, name DESC, version DESC',
};

/** @returns the names of one page of what is found, and how much is found in all */
export function bundlePages(db: Sqlite) {
  const prepared = new Map<string, Statements>();
  const statementsFor = (words: number, sort: BundleSearch['sort'], unsound: boolean): Statements => {
    const key = `${words} ${sort} ${unsound}`;
    const known = prepared.get(key);
    if (known) return known;
    const conditions = Array.from({ length: words }, () => 'instr(text, ?) > 0');
    if (unsound) conditions.push("(name, version) IN (SELECT name, version FROM bundles WHERE state <> 'sound')");
    const found = `FROM bundle_texts${conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`}`;
    const made: Statements = {
      count: db.prepare(`SELECT count(*) AS n ${found}`),
      page: db.prepare(`SELECT name, version ${found} ORDER BY ${ORDERS[sort]} LIMIT ? OFFSET ?`),
    };
    prepared.set(key, made);
    return made;
  };
  return ({ text, limit, offset, sort, unsound }: BundleSearch): { ids: { name: string; version: string }[]; total: number } => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean).slice(0, MAX_SEARCH_WORDS);
    const { count, page } = statementsFor(words.length, sort, unsound);
    const ids = page.all(...words, limit, offset);
    // A page that is not full says how many there are; counting them would read every text once more.
    const isLast = ids.length < limit && (ids.length > 0 || offset === 0);
    return { ids, total: isLast ? offset + ids.length : (count.get(...words)?.n ?? 0) };
  };
}

interface Statements {
  count: Statement<string[], { n: number }>;
  page: Statement<(string | number)[], { name: string; version: string }>;
}
