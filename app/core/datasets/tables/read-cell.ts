/** What a cell of a table means, by the type of its column. Each refusal names row and column. */
import { EdgewrightError } from '#contract';
import type { Column } from '../recipes/table-schema.ts';
import type { Cell } from './read-table.ts';

/** Words that stand for nothing, beside the empty cell; a category of the same name is that category. */
const MISSING_WORDS: ReadonlySet<string> = new Set(['', 'NA', 'N/A', 'NaN', 'nan', 'NULL', 'null', 'None']);
const TRUE_WORDS: ReadonlySet<string> = new Set(['true', 'yes', 'y', 't', '1']);
const FALSE_WORDS: ReadonlySet<string> = new Set(['false', 'no', 'n', 'f', '0']);

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/;
const INTEGER = /^[+-]?\d{1,19}$/;
const DATE = /^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T ].*)?$|^\d{1,2}:\d{2}/;

/** Reads the cells of one column; `where` is its place in words. */
export interface CellReader {
  /** Undefined stands for a missing value that becomes NaN. */
  number: (cell: Cell, where: string) => number | undefined;
  integer: (cell: Cell, where: string) => bigint;
  boolean: (cell: Cell, where: string) => boolean | undefined;
  text: (cell: Cell, where: string) => string;
}

/** @param decimal what stands between whole and broken part */
export function cellReader(column: Column, decimal: '.' | ','): CellReader {
  /** The cell, or what stands in for a missing one; undefined for NaN. */
  const present = (cell: Cell, where: string): Exclude<Cell, null> | undefined => {
    const trimmed = typeof cell === 'string' ? cell.trim() : cell;
    const known = Array.isArray(column.categories) ? column.categories.includes(String(trimmed)) : Object.hasOwn(column.categories ?? {}, String(trimmed));
    if (trimmed !== null && (typeof trimmed !== 'string' || known || !MISSING_WORDS.has(trimmed))) return trimmed;
    if (column.missing === 'nan') return undefined;
    if (column.missing !== 'error') return column.missing.value;
    throw cellError(
      'table.missing-value',
      where,
      'there is no value',
      'a value',
      'nothing',
      'Fill it in, or say in the recipe what stands for a missing one: missing: nan, or missing: { value: … }.',
    );
  };
  return {
    number(cell, where) {
      const value = present(cell, where);
      if (value === undefined || typeof value === 'number') return value;
      const text = decimal === ',' && typeof value === 'string' ? value.replace(',', '.') : String(value);
      if (typeof value === 'boolean' || !NUMBER.test(text)) throw notANumber(String(value), where, decimal);
      const number = Number(text);
      if (!Number.isFinite(number)) throw notANumber(text, where, decimal);
      return number;
    },
    integer(cell, where) {
      const value = present(cell, where);
      if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
      if (typeof value === 'string' && INTEGER.test(value)) return BigInt(value);
      throw typeof value === 'string' && !NUMBER.test(value)
        ? notANumber(value, where, decimal)
        : cellError('table.not-a-whole-number', where, 'the value is no whole number', 'a whole number', String(value ?? 'nothing'));
    },
    boolean(cell, where) {
      const value = present(cell, where);
      if (value === undefined || typeof value === 'boolean') return value;
      const word = String(value).toLowerCase();
      if (TRUE_WORDS.has(word)) return true;
      if (FALSE_WORDS.has(word)) return false;
      throw cellError('table.not-a-boolean', where, 'the value is neither true nor false', 'true or false, yes or no, 1 or 0', String(value));
    },
    text(cell, where) {
      // A text is taken to the letter, spaces and all.
      const value = present(cell, where);
      return value === undefined ? '' : typeof cell === 'string' && value === cell.trim() && column.categories === undefined ? cell : String(value);
    },
  };
}

function notANumber(found: string, where: string, decimal: '.' | ','): EdgewrightError {
  if (DATE.test(found))
    return cellError(
      'table.date',
      where,
      'the value is a date or a time, which no recipe reads',
      'a number',
      found,
      'Turn it into a number in the table first, the way it was done for training.',
    );
  const comma = decimal === '.' && /^[+-]?\d+,\d+$/.test(found) ? 'If the comma stands before the broken part, say so in the recipe: decimal: ","' : undefined;
  return cellError('table.not-a-number', where, 'the value is no number', 'a number', found, comma);
}

export function cellError(code: string, where: string, problem: string, expected: string, found: string, hint?: string): EdgewrightError {
  return new EdgewrightError({
    code,
    message: `The table, ${where}: ${problem}.`,
    expected,
    found: found.slice(0, 80),
    ...(hint !== undefined && { hint }),
    owner: 'input',
  });
}
