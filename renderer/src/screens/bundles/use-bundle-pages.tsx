/** The list of bundles, read page by page as far as somebody looks: filtered and sorted by the engine. */
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useCallback, useMemo, useState } from 'react';
import type { BundleSearch, BundleSummary } from '#contract';
import { orpc } from '../../lib/engine.ts';
import { Check } from '../../parts/field.tsx';
import type { PagedRows } from '../../parts/grid/data-grid.tsx';

/** Bundles read at once. */
const PAGE = 100;
/** Longest text that is searched for, in characters: what the engine takes. */
const MAX_TEXT = 200;

/** How many bundles there are, how many cannot be used, and the first of those. */
export interface Troubled {
  total: number;
  unsound: number;
  first: BundleSummary | undefined;
}

const SORTS: Record<string, readonly [up: BundleSearch['sort'], down: BundleSearch['sort']]> = { name: ['name', '-name'], created: ['created', '-created'] };

export function useBundlePages() {
  const [text, setText] = useState('');
  const [sorting, setSorting] = useState([{ id: 'created', desc: true }]);
  const [unsound, setUnsound] = useState(false);
  const [by] = sorting;
  const sort = SORTS[by?.id ?? 'name']?.[by?.desc ? 1 : 0] ?? 'name';
  const pages = useInfiniteQuery(
    orpc.bundles.search.infiniteOptions({
      input: (offset: number) => ({ text: text.slice(0, MAX_TEXT), sort, unsound, limit: PAGE, offset }),
      initialPageParam: 0,
      getNextPageParam: ({ bundles, total }, all: readonly unknown[]) => (bundles.length > 0 && all.length * PAGE < total ? all.length * PAGE : undefined),
      placeholderData: keepPreviousData,
    }),
  );
  const all = useQuery(orpc.bundles.search.queryOptions({ input: { limit: 1 } })).data;
  const bad = useQuery(orpc.bundles.search.queryOptions({ input: { limit: 1, unsound: true } })).data;
  const bundles = useMemo(() => pages.data?.pages.flatMap((page) => page.bundles), [pages.data]);
  const { hasNextPage, isFetching, fetchNextPage } = pages;
  const onEnd = useCallback(() => {
    if (hasNextPage && !isFetching) void fetchNextPage();
  }, [hasNextPage, isFetching, fetchNextPage]);
  const paged: PagedRows = {
    total: pages.data?.pages[0]?.total ?? 0,
    filter: text,
    onFilter: setText,
    sorting,
    onSort: setSorting,
    sortable: Object.keys(SORTS),
    narrowed: unsound,
    onEnd,
  };
  const troubled: Troubled | undefined = all && bad && { total: all.total, unsound: bad.total, first: bad.bundles[0] };
  const tools = <Check label="Only those that need a look" checked={unsound} onChange={(event) => setUnsound(event.currentTarget.checked)} />;
  return { query: pages, bundles, troubled, paged, tools };
}
