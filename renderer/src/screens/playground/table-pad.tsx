/** A row of a table as a form, and several as they are pasted; rows of an example or of what is pasted fill it. */
import { IconChevronLeft, IconChevronRight, IconPlayerPlay } from '@tabler/icons-react';
import { type ClipboardEvent, type KeyboardEvent, useState } from 'react';
import type { TableInput } from '#contract';
import { csvLine } from '../../lib/csv.ts';
import { count, plural } from '../../lib/format.ts';
import { plainName } from '../../lib/plain-name.ts';
import { Button, IconButton } from '../../parts/button.tsx';
import { TextArea } from '../../parts/field.tsx';
import { Tabs } from '../../parts/tabs.tsx';
import styles from './table.module.css';
import { TableField } from './table-field.tsx';
import { cellProblem, parseRows, type Row, rowText } from './table-rows.ts';

/** Rows to choose from, and where they are from. */
export interface Rows {
  rows: readonly Row[];
  from: string;
}

interface Props {
  table: TableInput;
  /** An example that was chosen; another one has another key. */
  loaded: Rows | undefined;
  onText: (text: string, what: string) => void;
}

const MODES = [
  { value: 'row', label: 'One row' },
  { value: 'csv', label: 'Several rows' },
] as const;

export function TablePad({ table, loaded, onText }: Props) {
  const { columns, decimal } = table;
  const steps = table.rows === 'steps';
  const [mode, setMode] = useState<'row' | 'csv'>(steps ? 'csv' : 'row');
  const [rows, setRows] = useState<Rows>(loaded ?? { rows: [], from: '' });
  const [at, setAt] = useState(0);
  const [cells, setCells] = useState<Row>(loaded?.rows[0] ?? columns.map(() => ''));
  const [strict, setStrict] = useState(false);
  const [csv, setCsv] = useState(() => (loaded && steps ? toLines(table, loaded.rows) : ''));

  const show = (from: Rows, index: number): void => {
    const row = from.rows[index] ?? [];
    setRows(from);
    setAt(index);
    setCells(row);
    setStrict(false);
    onText(rowText(columns, row), `row ${index + 1} of ${from.from}`);
  };
  const run = (): void => {
    if (mode === 'csv') return onText(csv, 'the rows above');
    setStrict(true);
    if (columns.every((column, i) => cellProblem(column, cells[i] ?? '', decimal) === undefined)) onText(rowText(columns, cells), 'the row above');
  };
  /** A table pasted into any field fills the form; a single value goes into its field. */
  const paste = (event: ClipboardEvent): void => {
    const text = event.clipboardData.getData('text');
    const found = /[\n\t]/.test(text.trim()) ? parseRows(text, table) : undefined;
    if (!found?.[0]) return;
    event.preventDefault();
    show({ rows: found, from: 'what was pasted' }, 0);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    run();
  };

  return (
    <div className={styles.pad} onKeyDown={onKeyDown}>
      {!steps && <Tabs label="Rows" options={MODES} value={mode} onChange={setMode} />}
      {mode === 'row' ? (
        <div className={styles.form} onPaste={paste}>
          {rows.rows.length > 1 && (
            <div className={styles.picker}>
              <IconButton label="The row before" icon={<IconChevronLeft size={14} />} disabled={at === 0} onClick={() => show(rows, at - 1)} />
              <span role="status">
                Row {count(at + 1)} of {count(rows.rows.length)}, {plainName(rows.from)}
              </span>
              <IconButton
                label="The row after"
                icon={<IconChevronRight size={14} />}
                disabled={at === rows.rows.length - 1}
                onClick={() => show(rows, at + 1)}
              />
            </div>
          )}
          <div className={styles.fields}>
            {columns.map((column, i) => (
              <TableField
                key={column.name}
                column={column}
                decimal={decimal}
                value={cells[i] ?? ''}
                strict={strict}
                onChange={(value) => setCells(columns.map((_column, j) => (j === i ? value : (cells[j] ?? ''))))}
              />
            ))}
          </div>
        </div>
      ) : (
        <TextArea
          label={steps ? 'Steps, one a line, the newest last' : 'Rows as CSV, or as JSON objects'}
          mono
          rows={10}
          spellCheck={false}
          placeholder={table.header ? columns.map((column) => column.name).join(',') : ''}
          hint={hintOf(table)}
          value={csv}
          onChange={(event) => setCsv(event.currentTarget.value)}
        />
      )}
      <div className={styles.run}>
        <Button kind="primary" icon={<IconPlayerPlay size={14} aria-hidden />} disabled={mode === 'csv' && csv.trim() === ''} onClick={run}>
          {mode === 'row' ? 'Run the row' : steps ? 'Run the steps' : 'Run the rows'}
        </Button>
        <span className="dim small">Ctrl+Enter{mode === 'row' ? '; a pasted table fills the form' : ''}</span>
      </div>
    </div>
  );
}

function hintOf({ columns, header, rows, last }: TableInput): string {
  const head = header ? 'The first line names the columns.' : `${plural(columns.length, 'column')}, without a line of names.`;
  if (rows === 'samples') return `${head} Each line below is a sample.`;
  return last === undefined ? head : `${head} The last ${count(last)} lines are taken.`;
}

/** Rows as the text a person may change. */
function toLines({ columns, header }: TableInput, rows: readonly Row[]): string {
  const head = header ? [columns.map((column) => column.name)] : [];
  return [...head, ...rows].map(csvLine).join('\n');
}
