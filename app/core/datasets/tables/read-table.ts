/** Tables as people keep them: CSV and its relatives with a header, and rows as JSON objects. Rows and columns are named in every error. */
import { CsvError, parse } from 'csv-parse/sync';
import { EdgewrightError } from '#contract';
import { MAX_CELL_CHARS, MAX_RECORD_CHARS, MAX_TABLE_BYTES, MAX_TABLE_CELLS, MAX_TABLE_COLUMNS, MAX_TABLE_ROWS } from '../limits.ts';
import { nearest } from '#core/platform';

/** JSON knows numbers, booleans and nothing; a cell of a CSV file is always text. */
export type Cell = string | number | boolean | null;

export interface Table {
  /** Row after row, a cell for each column asked for, in that order. */
  rows: Cell[][];
  /** What to call a row (counted from 0) in a message: its line in the file, or its number. */
  rowName: (row: number) => string;
}

export interface TableOptions {
  /** Without a header columns are called 1, 2, 3 … */
  header: boolean;
  /** `auto` is the first of , ; tab | that separates all wanted columns in the first line. */
  delimiter: string;
}

const DELIMITERS = [',', ';', '\t', '|'];

/**
 * Reads the wanted columns of a table; others are left out.
 * @throws table.* (input)
 */
export function readTable(bytes: Uint8Array, wanted: readonly string[], options: TableOptions): Table {
  if (bytes.length > MAX_TABLE_BYTES)
    throw tableError('table.too-large', 'The table is too large.', `at most ${MAX_TABLE_BYTES} bytes`, `${bytes.length} bytes`);
  const text = decode(bytes);
  const table = /^\s*[[{]/.test(text) ? readJson(text, wanted) : readCsv(text, wanted, options);
  if (table.rows.length === 0) throw tableError('table.empty', 'The table has no rows.', 'at least one row below the header', 'none');
  return table;
}

function decode(bytes: Uint8Array): string {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) throw encodingError('UTF-16');
  try {
    // Leaves out the mark that some programs put before UTF-8.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw encodingError('another encoding');
  }
}

interface Line {
  record: string[];
  /** The line in the file on which the record ends. */
  line: number;
}

function readCsv(text: string, wanted: readonly string[], { header, delimiter }: TableOptions): Table {
  const chosen = delimiter === 'auto' ? (DELIMITERS.find((one) => separates(text, one, wanted, header)) ?? bestDelimiter(text)) : delimiter;
  const lines = parseLines(text, chosen, MAX_TABLE_ROWS + 2);
  const [first] = lines;
  if (!first) return { rows: [], rowName: String };
  const names = header ? first.record.map((name) => name.trim()) : first.record.map((_, i) => String(i + 1));
  if (names.length > MAX_TABLE_COLUMNS)
    throw tableError('table.too-large', 'The table has too many columns.', `at most ${MAX_TABLE_COLUMNS}`, `${names.length}`);
  const places = placesOf(names, wanted);
  const body = header ? lines.slice(1) : lines;
  checkSize(body.length, wanted.length);
  const rows = body.map(({ record, line }) => {
    if (record.length !== names.length)
      throw tableError(
        'table.row-length',
        `Line ${line} of the table has not as many cells as the first line.`,
        `${names.length} cells`,
        `${record.length} cells`,
      );
    return places.map((at) => record[at] ?? '');
  });
  return { rows, rowName: (row) => `line ${body[row]?.line ?? row + 1}` };
}

function parseLines(text: string, delimiter: string, most: number): Line[] {
  try {
    const parsed: unknown = parse(text, { delimiter, info: true, relaxColumnCount: true, skipEmptyLines: true, maxRecordSize: MAX_RECORD_CHARS, to: most });
    // With `info` each record stands in an object of its own, which the parser's types leave out.
    return (parsed as { record: string[]; info: { lines: number } }[]).map(({ record, info }): Line => {
      const long = record.find((cell) => cell.length > MAX_CELL_CHARS);
      if (long !== undefined)
        throw tableError('table.cell-too-long', `A cell on line ${info.lines} is too long.`, `at most ${MAX_CELL_CHARS} characters`, `${long.length}`);
      return { record, line: info.lines };
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = 'lines' in error ? ` on line ${String(error.lines)}` : '';
    const quote = error.code.includes('QUOTE');
    throw tableError(
      'table.damaged',
      `The table cannot be read${line}.`,
      quote ? 'a quoted cell that ends with a quote, quotes inside doubled' : 'rows of cells',
      quote ? 'a quote in the wrong place' : error.code.toLowerCase().replaceAll('_', ' '),
    );
  }
}

function separates(text: string, delimiter: string, wanted: readonly string[], header: boolean): boolean {
  const first = firstLine(text, delimiter);
  return header ? wanted.every((name) => first.some((cell) => cell.trim() === name)) : first.length >= Math.max(2, ...wanted.map(Number));
}

/** Where no delimiter gives all columns: the one that gives most cells, for a message about those. */
function bestDelimiter(text: string): string {
  return DELIMITERS.reduce((best, one) => (firstLine(text, one).length > firstLine(text, best).length ? one : best));
}

function firstLine(text: string, delimiter: string): string[] {
  return parseLines(text, delimiter, 1)[0]?.record ?? [];
}

/**
 * An array of objects, or one object.
 */
function readJson(text: string, wanted: readonly string[]): Table {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw tableError(
      'table.damaged',
      'The table is not sound JSON.',
      'an array of objects',
      error instanceof Error ? error.message.slice(0, 200) : 'other text',
    );
  }
  const list: unknown[] = Array.isArray(value) ? value : [value];
  checkSize(list.length, wanted.length);
  const rows = list.map((row, i): Cell[] => {
    if (typeof row !== 'object' || row === null || Array.isArray(row))
      throw tableError('table.row-wrong', `Row ${i + 1} is no object.`, '{"column": value, …}', JSON.stringify(row).slice(0, 80));
    const cells = new Map<string, unknown>(Object.entries(row));
    return wanted.map((name) => {
      if (!cells.has(name)) throw missingColumn(name, [...cells.keys()], `Row ${i + 1}`);
      const cell = cells.get(name);
      if (cell === null || typeof cell === 'string' || typeof cell === 'number' || typeof cell === 'boolean') return cell;
      throw tableError(
        'table.cell-wrong',
        `Row ${i + 1}, column ${name}: the value is neither a number nor text.`,
        'one value',
        JSON.stringify(cell).slice(0, 80),
      );
    });
  });
  return { rows, rowName: (row) => `row ${row + 1}` };
}

function placesOf(names: readonly string[], wanted: readonly string[]): number[] {
  return wanted.map((name) => {
    const at = names.indexOf(name);
    if (at < 0) throw missingColumn(name, names, 'The table');
    if (names.includes(name, at + 1)) throw tableError('table.column-twice', `The table has the column ${name} twice.`, 'every name once', name);
    return at;
  });
}

function checkSize(rows: number, columns: number): void {
  if (rows > MAX_TABLE_ROWS || rows * columns > MAX_TABLE_CELLS)
    throw tableError(
      'table.too-large',
      'The table has too many rows.',
      `at most ${Math.min(MAX_TABLE_ROWS, Math.floor(MAX_TABLE_CELLS / columns))}`,
      `${rows}`,
    );
}

function missingColumn(name: string, names: readonly string[], where: string): EdgewrightError {
  const meant = nearest(name, names);
  return new EdgewrightError({
    code: 'table.column-missing',
    message: `${where} has no column ${name}.`,
    expected: name,
    found: names.join(', ').slice(0, 500),
    ...(meant !== undefined && { hint: `Did you mean "${meant}"? Names are compared to the letter.` }),
    owner: 'input',
  });
}

function encodingError(found: string): EdgewrightError {
  return new EdgewrightError({
    code: 'table.encoding',
    message: 'The table is not in UTF-8.',
    expected: 'UTF-8',
    found,
    hint: 'Save it again as UTF-8 (in Excel: "CSV UTF-8").',
    owner: 'input',
  });
}

export function tableError(code: string, message: string, expected: string, found: string): EdgewrightError {
  return new EdgewrightError({ code, message, expected, found, owner: 'input' });
}
