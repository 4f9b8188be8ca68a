/** Finding bundles by words, a page at a time. */
import type { InspectResult, Variant } from '#contract';
import type { Sqlite } from '#core/platform';
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

/** @returns the names of one page of what holds every word of `text`, in the order of the list */
export function bundlePages(db: Sqlite) {
  const statements = Array.from({ length: MAX_SEARCH_WORDS + 1 }, (_, words) => {
    const found = `FROM bundle_texts${words === 0 ? '' : ` WHERE ${Array.from({ length: words }, () => 'instr(text, ?) > 0').join(' AND ')}`}`;
    return {
      count: db.prepare<string[], { n: number }>(`SELECT count(*) AS n ${found}`),
      page: db.prepare<(string | number)[], { name: string; version: string }>(
        `SELECT name, version ${found} ORDER BY name, created_at DESC, version LIMIT ? OFFSET ?`,
      ),
    };
  });
  return ({ text, limit, offset }: { text: string; limit: number; offset: number }): { ids: { name: string; version: string }[]; total: number } => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean).slice(0, MAX_SEARCH_WORDS);
    const { count, page } = statements[words.length] ?? {};
    const total = count?.get(...words)?.n ?? 0;
    return { ids: total > offset ? (page?.all(...words, limit, offset) ?? []) : [], total };
  };
}
