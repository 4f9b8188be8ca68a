/** What a table of ours is made of, and how that becomes TanStack Table's columns. */
import {
  columnFilteringFeature,
  columnVisibilityFeature,
  createFilteredRowModel,
  createSortedRowModel,
  filterFn_equals,
  filterFn_includesString,
  globalFilteringFeature,
  rowSortingFeature,
  sortFn_alphanumeric,
  sortFn_basic,
  tableFeatures,
} from '@tanstack/react-table';
import type { ReactNode } from 'react';

export type CellValue = string | number | boolean | undefined;

export interface GridColumn<Row> {
  id: string;
  header: string;
  /** Written behind the header, never in the cells. */
  unit?: string;
  /** What is sorted, filtered and copied. */
  value: (row: Row) => CellValue;
  /** What is shown; the value as text when absent. */
  cell?: (row: Row) => ReactNode;
  align?: 'right';
  /** An exact count, not a measured value. */
  exact?: boolean;
  /** Sorts by this instead of the value, where words have an order of their own. */
  order?: (row: Row) => number;
  /** Names the row for screen readers; one column a table. */
  rowHeader?: boolean;
  /** Takes the room that is left and cuts what does not fit. */
  grow?: boolean;
  /** Not shown until chosen. */
  hidden?: boolean;
  /** Offers its distinct values as a filter. */
  facet?: boolean;
}

export const gridFeatures = tableFeatures({
  rowSortingFeature,
  columnFilteringFeature,
  globalFilteringFeature,
  columnVisibilityFeature,
  sortedRowModel: createSortedRowModel(),
  filteredRowModel: createFilteredRowModel(),
  sortFns: { alphanumeric: sortFn_alphanumeric, basic: sortFn_basic },
  filterFns: { includesString: filterFn_includesString, equals: filterFn_equals },
});

function sortBy<Row extends object>(column: GridColumn<Row>, sample: Row | undefined) {
  const { order } = column;
  if (order) return (a: { original: Row }, b: { original: Row }) => order(a.original) - order(b.original);
  return typeof (sample && column.value(sample)) === 'number' ? ('basic' as const) : ('alphanumeric' as const);
}

/** Numbers sort as numbers, everything else as people sort words; what is missing comes last either way. */
export function toColumnDefs<Row extends object>(columns: readonly GridColumn<Row>[], sample: Row | undefined) {
  return columns.map((column) => ({
    id: column.id,
    header: column.header,
    accessorFn: column.value,
    sortFn: sortBy(column, sample),
    sortUndefined: 'last' as const,
    filterFn: 'equals' as const,
    enableHiding: column.rowHeader !== true,
  }));
}
