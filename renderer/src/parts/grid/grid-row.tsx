import type { MouseEvent, ReactNode } from 'react';
import { columnNumber, count } from '../../lib/format.ts';
import { Truncate } from '../truncate.tsx';
import type { GridColumn } from './columns.ts';
import styles from './data-grid.module.css';

interface Props<Row> {
  row: Row;
  index: number;
  columns: readonly GridColumn<Row>[];
  active: boolean;
  selected: boolean;
  onFocus: (index: number) => void;
  onOpen?: (row: Row) => void;
}

export function GridRow<Row>({ row, index, columns, active, selected, onFocus, onOpen }: Props<Row>) {
  const open = (event: MouseEvent): void => {
    // A click on a link or button in the row is meant for it, and selecting text is not a click.
    if (event.target instanceof Element && event.target.closest('a, button, input, select')) return;
    if (window.getSelection()?.toString()) return;
    onOpen?.(row);
  };
  return (
    <tr
      data-index={index}
      aria-rowindex={index + 2}
      aria-selected={selected || undefined}
      tabIndex={active ? 0 : -1}
      className={onOpen ? styles.openable : undefined}
      onFocus={() => onFocus(index)}
      onClick={open}
    >
      {columns.map((column) => {
        const className = [column.align === 'right' && styles.right, column.grow && styles.grow].filter(Boolean).join(' ') || undefined;
        return column.rowHeader ? (
          <th key={column.id} scope="row" className={className} title={titleOf(column, row)}>
            {content(column, row)}
          </th>
        ) : (
          <td key={column.id} className={className}>
            {content(column, row)}
          </td>
        );
      })}
    </tr>
  );
}

/** A row's name may be cut; the whole of it is on hover. */
function titleOf<Row>(column: GridColumn<Row>, row: Row): string | undefined {
  const value = column.value(row);
  return typeof value === 'string' ? value : undefined;
}

function content<Row>(column: GridColumn<Row>, row: Row): ReactNode {
  if (column.cell) return column.cell(row);
  const value = column.value(row);
  if (value === undefined) return <span className={styles.nothing}>–</span>;
  if (typeof value === 'number') return column.exact ? count(value) : columnNumber(value);
  return column.grow ? <Truncate text={String(value)} /> : String(value);
}
