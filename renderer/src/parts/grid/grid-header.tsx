import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import type { GridColumn } from './columns.ts';
import styles from './data-grid.module.css';

interface Props<Row> {
  columns: readonly GridColumn<Row>[];
  sorting: readonly { id: string; desc: boolean }[];
  onSort: (sorting: { id: string; desc: boolean }[]) => void;
  sortable: (id: string) => boolean;
}

/** The header row: each cell sorts by its column and says so to screen readers. */
export function GridHeader<Row>({ columns, sorting, onSort, sortable }: Props<Row>) {
  return (
    <thead>
      <tr>
        {columns.map((column) => {
          const sorted = sorting.find((each) => each.id === column.id);
          const name = (
            <>
              {column.header}
              {column.unit !== undefined && <span className={styles.unit}> {column.unit}</span>}
            </>
          );
          return (
            <th
              key={column.id}
              scope="col"
              className={[column.align === 'right' && styles.right, column.grow && styles.grow].filter(Boolean).join(' ') || undefined}
              aria-sort={sorted ? (sorted.desc ? 'descending' : 'ascending') : undefined}
            >
              {sortable(column.id) ? (
                <button
                  type="button"
                  className={styles.sort}
                  onClick={() => onSort([{ id: column.id, desc: sorted ? !sorted.desc : column.align === 'right' }])}
                >
                  {name}
                  {sorted && (sorted.desc ? <IconArrowDown size={12} aria-hidden /> : <IconArrowUp size={12} aria-hidden />)}
                </button>
              ) : (
                <span className={styles.sort}>{name}</span>
              )}
            </th>
          );
        })}
      </tr>
    </thead>
  );
}
