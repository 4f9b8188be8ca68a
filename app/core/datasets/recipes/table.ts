/** Tables: from rows of named columns to one tensor of numbers, or to one tensor for each column. */
import type { TensorInfo } from '#contract';
import { MAX_TABLE_VALUES } from '../limits.ts';
import { type Cell, readTable, type Table } from '../tables/read-table.ts';
import { cellError, cellReader } from '../tables/read-cell.ts';
import { makeTensor, type Tensor } from '../tensor.ts';
import { fitType, inputOf, misfit, type RecipeKind } from './kind.ts';
import { type Column, type TableRecipe, typeOf } from './table-schema.ts';

export const tableKind: RecipeKind<TableRecipe> = {
  // A file within its bounds is read in well under a second, so nothing here waits.
  apply: (recipe, bytes, { inputs }) => Promise.resolve().then(() => applyTable(recipe, bytes, inputs)),
};

function applyTable(recipe: TableRecipe, bytes: Uint8Array, inputs: readonly TensorInfo[]) {
  const table = readTable(
    bytes,
    recipe.columns.map((column) => column.name),
    recipe,
  );
  if (recipe.rows === 'steps') return stepsOf(recipe, table, inputs);
  const feeds = groupByInput(recipe, inputs).map(({ input, columns }): [string, Tensor] => [input.name, tensorOf(input, columns, table, recipe)]);
  return { feeds: Object.fromEntries(feeds), rows: table.rows.length };
}

interface Placed {
  column: Column;
  /** Its place in the rows of the table. */
  at: number;
}

function groupByInput(recipe: TableRecipe, inputs: readonly TensorInfo[]): { input: TensorInfo; columns: Placed[] }[] {
  const groups = new Map<string, { input: TensorInfo; columns: Placed[] }>();
  recipe.columns.forEach((column, at) => {
    // Without a word about it, a column whose name is that of an input goes there: how scikit-learn's converter names its inputs.
    const own = column.input ?? (recipe.input === undefined && inputs.length > 1 && inputs.some((i) => i.name === column.name) ? column.name : undefined);
    const input = inputOf(own ?? recipe.input, inputs, `column ${column.name}`);
    const group = groups.get(input.name) ?? { input, columns: [] };
    group.columns.push({ column, at });
    groups.set(input.name, group);
  });
  return [...groups.values()];
}

/** [rows, columns], or [rows] where the input has one dimension. */
function tensorOf(input: TensorInfo, columns: readonly Placed[], table: Table, { decimal }: TableRecipe): Tensor {
  const readers = columns.map(({ column, at }) => {
    const read = readerOf(column, input, decimal);
    return { width: read.width, read: (row: Cell[], i: number) => read.read(row[at] ?? null, `${table.rowName(i)}, column ${column.name}`) };
  });
  const width = readers.reduce((sum, { width: one }) => sum + one, 0);
  const rows = table.rows.length;
  if (rows * width > MAX_TABLE_VALUES) throw misfit('The table becomes too many numbers.', `at most ${MAX_TABLE_VALUES}`, `${rows} rows of ${width}`);
  const dims = input.dims.length === 1 && width === 1 ? [rows] : [rows, width];
  const values = table.rows.flatMap((row, i) => readers.flatMap(({ read }) => read(row, i)));
  if (input.type === 'string') return makeTensor('string', dims, values as string[]);
  if (input.type === 'int64' || input.type === 'uint64') return wholeTensor(input.type, dims, values, input.name);
  if (input.type === 'bool')
    return makeTensor(
      'bool',
      dims,
      Uint8Array.from(values, (value) => (Number(value) === 0 ? 0 : 1)),
    );
  return fitType(makeTensor('float64', dims, Float64Array.from(values, Number)), input);
}

type Value = number | bigint | string;

interface ColumnReader {
  /** Values each cell becomes. */
  width: number;
  read: (cell: Cell, where: string) => Value[];
}

/** @throws recipe.does-not-fit (input) when the column is of another kind than the input */
function readerOf(column: Column, input: TensorInfo, decimal: '.' | ','): ColumnReader {
  const cells = cellReader(column, decimal);
  const type = typeOf(column);
  const isText = type === 'text' || (type === 'category' && column.encode === 'text');
  if (isText !== (input.type === 'string'))
    throw misfit(`The column ${column.name} does not fit the input ${input.name}.`, input.type === 'string' ? 'text' : input.type, isText ? 'text' : type);
  const scaled = (x: number) => (x - column.mean) / column.std;
  switch (type) {
    case 'number':
      return { width: 1, read: (cell, where) => [scaled(cells.number(cell, where) ?? Number.NaN)] };
    case 'integer':
      return {
        width: 1,
        read: (cell, where) => [column.mean === 0 && column.std === 1 ? cells.integer(cell, where) : scaled(Number(cells.integer(cell, where)))],
      };
    case 'boolean':
      return {
        width: 1,
        read: (cell, where) => {
          const value = cells.boolean(cell, where);
          return [value === undefined ? Number.NaN : value ? 1 : 0];
        },
      };
    case 'text':
      return { width: 1, read: (cell, where) => [cells.text(cell, where)] };
    case 'category':
      return categoryReader(column, cells.text);
  }
}

function categoryReader(column: Column, text: (cell: Cell, where: string) => string): ColumnReader {
  const list = Array.isArray(column.categories) ? column.categories : undefined;
  const numbers = new Map<string, number>(list ? list.map((name, i) => [name, i] as const) : Object.entries(column.categories ?? {}));
  const { encode, unknown } = column;
  const width = encode === 'one-hot' ? numbers.size : 1;
  return {
    width,
    read(cell, where) {
      const found = text(cell, where);
      const number = numbers.get(found);
      if (number === undefined && unknown === 'error' && !(found === '' && column.missing === 'nan'))
        throw cellError('table.unknown-category', where, 'the value is none of the known categories', [...numbers.keys()].join(', ').slice(0, 300), found);
      if (encode === 'text') return [found];
      if (encode === 'one-hot') return Array.from({ length: width }, (_, i) => (i === number ? 1 : 0));
      return [number ?? (typeof unknown === 'object' && found !== '' ? unknown.value : Number.NaN)];
    },
  };
}

/** Exact, which a detour over doubles would not be beyond 2^53. */
function wholeTensor(type: 'int64' | 'uint64', dims: number[], values: readonly Value[], name: string): Tensor {
  const data = type === 'int64' ? new BigInt64Array(values.length) : new BigUint64Array(values.length);
  const [least, most] = type === 'int64' ? [-(2n ** 63n), 2n ** 63n - 1n] : [0n, 2n ** 64n - 1n];
  values.forEach((value, i) => {
    const whole = typeof value === 'bigint' ? value : Number.isInteger(value) ? BigInt(value) : undefined;
    if (whole === undefined || whole < least || whole > most) throw misfit(`The input ${name} takes whole numbers.`, type, String(value));
    data[i] = whole;
  });
  return makeTensor(type, dims, data);
}

/** [1, steps, columns], or [1, steps] and [steps] where the input has fewer dimensions and there is one column. */
function stepsOf(recipe: TableRecipe, table: Table, inputs: readonly TensorInfo[]) {
  const input = inputOf(recipe.input, inputs, 'table');
  const { last, relativeTo, columns } = recipe;
  const steps = last ?? table.rows.length;
  if (table.rows.length < steps) throw misfit('The table has too few rows.', `${steps} rows`, `${table.rows.length}`);
  const from = table.rows.length - steps;
  const readers = columns.map((column) => cellReader(column, recipe.decimal));
  const raw = table.rows
    .slice(from)
    .map((row, i) => readers.map((reader, c) => reader.number(row[c] ?? null, `${table.rowName(from + i)}, column ${columns[c]?.name ?? ''}`) ?? Number.NaN));
  const base = relativeTo === 'last' ? raw.at(-1) : relativeTo === 'first' ? raw[0] : undefined;
  const values = raw.flatMap((row) => row.map((x, c) => (x - (base?.[c] ?? 0) - (columns[c]?.mean ?? 0)) / (columns[c]?.std ?? 1)));
  const dims = columns.length === 1 && input.dims.length < 3 ? [1, steps].slice(-input.dims.length) : [1, steps, columns.length];
  const tensor = fitType(makeTensor('float64', dims, Float64Array.from(values)), input);
  return {
    feeds: Object.fromEntries([[input.name, tensor]]),
    ...(base && { base: Object.fromEntries(columns.map((column, c) => [column.name, base[c] ?? 0])) }),
  };
}
