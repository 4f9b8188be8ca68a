/** Tables as people have them at hand (CSV and its relatives, JSON rows), as rows of cells for the columns a recipe asks for. */
import type { TableColumn, TableInput } from '#contract';

/** Characters looked at of what is pasted or travels as an example; a form shows one row after another, not a data set. */
const MAX_CHARS = 2_000_000;
const DELIMITERS = [',', ';', '\t', '|'];

/** A cell for each wanted column, in their order; empty where nothing stands. */
export type Row = readonly string[];

/** Undefined where it is no table, or lacks a wanted column: the engine then says what is wrong with it. */
export function parseRows(text: string, { columns, header }: Pick<TableInput, 'columns' | 'header'>): Row[] | undefined {
  const given = text.slice(0, MAX_CHARS).replace(/^\ufeff/, '');
  const names = columns.map((column) => column.name);
  if (/^\s*[[{]/.test(given)) return parseJson(given, names);
  for (const delimiter of DELIMITERS) {
    const lines = parseLines(given, delimiter);
    const [first] = lines;
    if (!first) return undefined;
    const heads = header ? first.map((cell) => cell.trim()) : first.map((_cell, i) => String(i + 1));
    const places = names.map((name) => heads.indexOf(name));
    if (places.some((place) => place < 0)) continue;
    return (header ? lines.slice(1) : lines).map((line) => places.map((place) => (line[place] ?? '').trim()));
  }
  return undefined;
}

function parseJson(text: string, names: readonly string[]): Row[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const list: unknown[] = Array.isArray(value) ? value : [value];
    return list.map((row) => {
      const cells = new Map<string, unknown>(Object.entries(row ?? {}));
      return names.map((name) => {
        const cell = cells.get(name) ?? '';
        return typeof cell === 'string' ? cell : JSON.stringify(cell);
      });
    });
  } catch {
    return undefined;
  }
}

/** Lines of cells; quotes around a cell, doubled within, as RFC 4180 has them. Empty lines are none. */
export function parseLines(text: string, delimiter: string): string[][] {
  const lines: string[][] = [];
  let line: string[] = [];
  let cell = '';
  let quoted = false;
  const endCell = (): void => {
    line.push(cell);
    cell = '';
  };
  const endLine = (): void => {
    endCell();
    if (line.length > 1 || line[0] !== '') lines.push(line);
    line = [];
  };
  for (let i = 0; i < text.length; i += 1) {
    const char = text.charAt(i);
    if (quoted) {
      if (char !== '"') cell += char;
      else if (text[i + 1] === '"') {
        cell += '"';
        i += 1;
      } else quoted = false;
    } else if (char === '"' && cell === '') quoted = true;
    else if (char === delimiter) endCell();
    else if (char === '\n') endLine();
    else if (char !== '\r') cell += char;
  }
  if (cell !== '' || line.length > 0) endLine();
  return lines;
}

/** One row as the engine takes it: by name, so that no comma, quote or line break of a cell can be taken for another. */
export function rowText(columns: readonly TableColumn[], row: Row): string {
  return JSON.stringify([
    Object.fromEntries(columns.map((column, i) => [column.name, (row[i] ?? '') === '' && column.type !== 'text' ? null : (row[i] ?? '')])),
  ]);
}

/** What is wrong with a cell, before the engine is asked; undefined for one that it may take. */
export function cellProblem(column: TableColumn, cell: string, decimal: TableInput['decimal']): string | undefined {
  const text = cell.trim();
  if (text === '') return column.missing === undefined && column.type !== 'text' ? 'A value is needed' : undefined;
  if (column.type === 'integer') return /^[+-]?\d{1,19}$/.test(text) ? undefined : 'A whole number';
  if (column.type !== 'number') return undefined;
  const plain = decimal === ',' ? text.replace(',', '.') : text;
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/.test(plain)) return undefined;
  return decimal === ',' ? 'A number, with a comma before its decimals' : 'A number, with a point before its decimals';
}
