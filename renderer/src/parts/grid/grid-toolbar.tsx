import { Menu } from '@mantine/core';
import { IconCheck, IconColumns3, IconCopy, IconSearch, IconX } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { toCsv } from '../../lib/csv.ts';
import { count, plural } from '../../lib/format.ts';
import { Button, IconButton } from '../button.tsx';
import { useCopy } from '../copy.tsx';
import type { GridColumn } from './columns.ts';
import styles from './data-grid.module.css';

interface Props<Row> {
  label: string;
  noun: string;
  columns: readonly GridColumn<Row>[];
  rows: readonly Row[];
  shown: readonly Row[];
  filter: string;
  onFilter: (text: string) => void;
  facets: readonly { id: string; value: unknown }[];
  onFacets: (facets: { id: string; value: unknown }[]) => void;
  visibility: Record<string, boolean>;
  onVisibility: (visibility: Record<string, boolean>) => void;
  /** How many there are, where `rows` are only the first of them. */
  total?: number;
  tools?: ReactNode;
}

/** Filter by words and by value, choose columns, copy what is shown. */
export function GridToolbar<Row>(props: Props<Row>) {
  const { columns, rows, shown, visibility, total } = props;
  const isPart = total !== undefined && total > rows.length;
  const [copied, copy] = useCopy();
  const visible = columns.filter((column) => visibility[column.id] !== false);
  const copyCsv = (): void =>
    copy(
      toCsv(
        visible.map((column) => (column.unit === undefined ? column.header : `${column.header} (${column.unit})`)),
        shown.map((row) => visible.map((column) => column.value(row))),
      ),
    );
  return (
    <div className={styles.toolbar}>
      <div className={styles.search}>
        <IconSearch size={14} aria-hidden />
        <input
          type="text"
          value={props.filter}
          placeholder="Filter"
          aria-label={`Filter ${props.label.toLowerCase()}`}
          onChange={(event) => props.onFilter(event.currentTarget.value)}
        />
        {props.filter !== '' && <IconButton label="Clear the filter" icon={<IconX size={14} />} onClick={() => props.onFilter('')} />}
      </div>
      {props.tools}
      {/* The values of those that were read are not the values of all. */}
      {(total === undefined ? columns : [])
        .filter((column) => column.facet)
        .map((column) => (
          <Facet key={column.id} {...props} column={column} />
        ))}
      <span className={styles.count} role="status">
        {shown.length === rows.length ? plural(total ?? rows.length, props.noun) : `${count(shown.length)} of ${plural(rows.length, props.noun)}`}
      </span>
      <Menu>
        <Menu.Target>
          <Button kind="quiet" icon={<IconColumns3 size={14} aria-hidden />}>
            Columns
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {columns.map((column) => {
            const unit = column.unit === undefined ? '' : ` (${column.unit})`;
            return (
              <Menu.CheckboxItem
                key={column.id}
                checked={visibility[column.id] !== false}
                disabled={column.rowHeader ?? false}
                checkIcon={<IconCheck size={14} aria-hidden />}
                onChange={(on) => props.onVisibility({ ...visibility, [column.id]: on })}
              >
                {column.header}
                {unit}
              </Menu.CheckboxItem>
            );
          })}
        </Menu.Dropdown>
      </Menu>
      <Button kind="quiet" icon={copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />} onClick={copyCsv}>
        {copied ? 'Copied' : isPart ? `Copy the first ${count(rows.length)} as CSV` : 'Copy as CSV'}
      </Button>
    </div>
  );
}

function Facet<Row>({ column, rows, facets, onFacets }: Props<Row> & { column: GridColumn<Row> }) {
  const values = [...new Set(rows.map((row) => column.value(row)).filter((value) => value !== undefined))].map(String).sort();
  const chosen = facets.find((each) => each.id === column.id)?.value;
  if (values.length < 2) return null;
  return (
    <select
      className={styles.facet}
      aria-label={column.header}
      value={typeof chosen === 'string' ? chosen : ''}
      onChange={(event) => {
        const rest = facets.filter((each) => each.id !== column.id);
        onFacets(event.currentTarget.value === '' ? rest : [...rest, { id: column.id, value: event.currentTarget.value }]);
      }}
    >
      <option value="">{column.header}: any</option>
      {values.map((value) => (
        <option key={value} value={value}>
          {value}
        </option>
      ))}
    </select>
  );
}
