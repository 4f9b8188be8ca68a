/**
 * The one table of the screens: a semantic table with sort, filter, a choice of columns, rows that are walked with the
 * arrow keys and opened with Enter, a header that stays, copy as CSV, and only the rows in view drawn past 100 of them.
 */
import { useTable } from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { useRemembered } from '../../lib/remember.ts';
import { Empty } from '../placeholder.tsx';
import { type GridColumn, gridFeatures, toColumnDefs } from './columns.ts';
import styles from './data-grid.module.css';
import { GridHeader } from './grid-header.tsx';
import { GridRow } from './grid-row.tsx';
import { GridToolbar } from './grid-toolbar.tsx';
import { useRowKeys } from './use-row-keys.ts';

/** Rows beyond which only those in view are drawn. */
const VIRTUAL_FROM = 100;
/** Rows drawn beyond the visible ones, so that scrolling shows no gaps. */
const OVERSCAN = 12;

/** Rows that are read page by page from something that filters and sorts all of them itself. */
export interface PagedRows {
  /** How many there are, of which the table has the first ones. */
  total: number;
  filter: string;
  onFilter: (text: string) => void;
  sorting: { id: string; desc: boolean }[];
  onSort: (sorting: { id: string; desc: boolean }[]) => void;
  /** Columns by which all of them can be sorted. */
  sortable: readonly string[];
  /** Whether something narrows what is found besides the filter. */
  narrowed: boolean;
  /** The end of what was read is in view. */
  onEnd: () => void;
}

export interface DataGridProps<Row extends object> {
  /** Names the table for screen readers, and the file and the remembered choice of columns. */
  label: string;
  rows: readonly Row[];
  columns: readonly GridColumn<Row>[];
  rowId: (row: Row) => string;
  /** What a row is called, in the singular: `bundle`. */
  noun: string;
  initialSort?: { id: string; desc: boolean };
  onOpen?: (row: Row) => void;
  selectedId?: string | undefined;
  empty: ReactNode;
  /** No filter and no columns menu: for small tables inside a page. */
  plain?: boolean;
  /** Shown below the last row, such as a button that reads more. */
  more?: ReactNode;
  /** Absent when `rows` are all there are. */
  paged?: PagedRows;
  /** Stands beside the filter. */
  tools?: ReactNode;
  /** Takes the height of its place and scrolls inside; else it is as high as its rows. */
  fill?: boolean;
}

const isHidden = (value: unknown): value is Record<string, boolean> => typeof value === 'object' && value !== null;

export function DataGrid<Row extends object>(props: DataGridProps<Row>) {
  const { rows, columns, rowId, label, initialSort, onOpen, plain = false, fill = false, paged } = props;
  const [ownSorting, setOwnSorting] = useState(initialSort ? [initialSort] : []);
  const [ownFilter, setOwnFilter] = useState('');
  const sorting = paged?.sorting ?? ownSorting;
  const setSorting = paged?.onSort ?? setOwnSorting;
  const filter = paged?.filter ?? ownFilter;
  const setFilter = paged?.onFilter ?? setOwnFilter;
  const [facets, setFacets] = useState<{ id: string; value: unknown }[]>([]);
  const defaultVisibility = useMemo(() => Object.fromEntries(columns.filter((each) => each.hidden).map((each) => [each.id, false])), [columns]);
  const [visibility, setVisibility] = useRemembered<Record<string, boolean>>(`columns.${label}`, defaultVisibility, isHidden);
  const sample = rows[0];
  const columnDefs = useMemo(() => toColumnDefs(columns, sample), [columns, sample]);
  const table = useTable({
    features: gridFeatures,
    columns: columnDefs,
    data: rows,
    getRowId: rowId,
    enableSortingRemoval: false,
    manualSorting: paged !== undefined,
    manualFiltering: paged !== undefined,
    globalFilterFn: 'includesString',
    getColumnCanGlobalFilter: () => true,
    state: { sorting, globalFilter: filter, columnFilters: facets, columnVisibility: visibility },
    onColumnFiltersChange: setFacets,
    onColumnVisibilityChange: (change) => setVisibility(typeof change === 'function' ? change(visibility) : change),
  });
  const shown = table.getRowModel().rows;
  const visible = columns.filter((column) => visibility[column.id] !== false);

  const scroller = useRef<HTMLDivElement>(null);
  const virtual = shown.length > VIRTUAL_FROM;
  const rowHeight = useRowHeight();
  const virtualizer = useVirtualizer({
    count: virtual ? shown.length : 0,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: OVERSCAN,
  });
  const items = virtual ? virtualizer.getVirtualItems() : [];
  const first = items[0]?.index ?? 0;
  const last = virtual ? (items.at(-1)?.index ?? -1) : shown.length - 1;
  const drawn = virtual ? shown.slice(first, last + 1) : shown;
  const before = items[0]?.start ?? 0;
  const after = virtual ? virtualizer.getTotalSize() - (items.at(-1)?.end ?? 0) : 0;

  const keys = useRowKeys({
    count: shown.length,
    reveal: (index) => virtual && virtualizer.scrollToIndex(index),
    open: (index) => {
      const row = shown[index];
      if (row && onOpen) onOpen(row.original);
    },
  });

  const onEnd = paged?.onEnd;
  const atEnd = last >= shown.length - OVERSCAN;
  useEffect(() => {
    if (atEnd) onEnd?.();
  }, [atEnd, shown.length, onEnd]);

  if (rows.length === 0 && !paged?.filter && !paged?.narrowed) return <>{props.empty}</>;

  return (
    <div className={fill ? `${styles.frame} ${styles.fill}` : styles.frame}>
      {!plain && (
        <GridToolbar
          label={label}
          noun={props.noun}
          columns={columns}
          rows={rows}
          shown={shown.map((row) => row.original)}
          filter={filter}
          onFilter={setFilter}
          facets={facets}
          onFacets={setFacets}
          visibility={visibility}
          onVisibility={setVisibility}
          tools={props.tools}
          {...(paged && { total: paged.total })}
        />
      )}
      <div ref={scroller} className={virtual && !fill ? `${styles.scroller} ${styles.bounded}` : styles.scroller}>
        <table className={styles.table} aria-label={label} aria-rowcount={(paged?.total ?? shown.length) + 1}>
          <GridHeader columns={visible} sorting={sorting} onSort={setSorting} sortable={(id) => rows.length > 1 && (paged?.sortable.includes(id) ?? true)} />
          <tbody ref={keys.body} onKeyDown={keys.onKeyDown}>
            {before > 0 && <Spacer height={before} columns={visible.length} />}
            {drawn.map((row, offset) => (
              <GridRow
                key={row.id}
                row={row.original}
                index={first + offset}
                columns={visible}
                active={keys.active === first + offset}
                selected={row.id === props.selectedId}
                onFocus={keys.setActive}
                {...(onOpen && { onOpen })}
              />
            ))}
            {after > 0 && <Spacer height={after} columns={visible.length} />}
          </tbody>
        </table>
        {props.more !== undefined && <div className={styles.more}>{props.more}</div>}
        {shown.length === 0 && (
          <Empty title={`No ${props.noun} matches`}>
            <p>{paged ? 'Change or clear the filter to see what there is.' : `Change or clear the filter to see the ${rows.length} that are there.`}</p>
          </Empty>
        )}
      </div>
    </div>
  );
}

/** Stands in for the rows that are not drawn, so that the scroll bar tells the truth. */
function Spacer({ height, columns }: { height: number; columns: number }) {
  return (
    <tr aria-hidden className={styles.spacer}>
      <td colSpan={columns} style={{ height }} />
    </tr>
  );
}

/** The height of a row in the chosen density, in pixels. */
function useRowHeight(): number {
  const [height, setHeight] = useState(32);
  useEffect(() => {
    const root = document.documentElement;
    const read = (): void => setHeight(Number.parseInt(getComputedStyle(root).getPropertyValue('--row'), 10) || 32);
    const observer = new MutationObserver(read);
    observer.observe(root, { attributes: true, attributeFilter: ['data-density'] });
    read();
    return () => observer.disconnect();
  }, []);
  return height;
}
