/** Table recipes as they are written: which columns, what each is, and to which input of the model it goes. */
import { z } from 'zod';
import type { TableInput } from '#contract';
import { MAX_CATEGORIES, MAX_TABLE_COLUMNS, MAX_TABLE_ROWS } from '../limits.ts';
import { Finite } from '../schema-parts.ts';

const Name = z.string().min(1).max(500);

const ColumnSchema = z
  .strictObject({
    /** As in the header, spaces around it left out; without a header 1, 2, 3 … */
    name: Name,
    /**
     * `boolean` is true, yes, y, t, 1 or false, no, n, f, 0 in any case; `text` goes to an input of strings. Where nothing is said a column with
     * categories is a category, and any other a number.
     */
    type: z.enum(['number', 'integer', 'boolean', 'category', 'text']).optional(),
    /** The model's input it goes to alone; the recipe's own, beside the other columns, where nothing is said. */
    input: z.string().min(1).optional(),
    /** What stands for a cell that holds nothing: nothing may, or NaN (which trees understand), or a value (a mean, a usual one) as if it stood there. */
    missing: z.union([z.literal(['error', 'nan']), z.strictObject({ value: z.union([Finite, z.string().max(1000), z.boolean()]) })]).default('error'),
    /** The known categories in order, or the number of each. */
    categories: z.union([z.array(z.string().max(1000)).min(1).max(MAX_CATEGORIES), z.record(z.string().max(1000), Finite)]).optional(),
    /** A category as its number (its place, from 0, in a list), as one number for each category (1 for its own, else 0), or as its text. */
    encode: z.enum(['index', 'one-hot', 'text']).default('index'),
    /** A category not in the list: refused, or none of them (one-hot), or a number (index). */
    unknown: z.union([z.literal(['error', 'zeros']), z.strictObject({ value: Finite })]).default('error'),
    /** (x - mean) / std of numbers, for a model that does not hold its scaler. */
    mean: Finite.default(0),
    std: Finite.refine((n) => n !== 0, 'not zero').default(1),
  })
  .superRefine((column, ctx) => {
    const problem = (field: string, message: string) => ctx.addIssue({ code: 'custom', path: [field], message });
    const { categories, encode, unknown } = column;
    const isCategory = typeOf(column) === 'category';
    if (isCategory !== (categories !== undefined)) problem('categories', isCategory ? 'a category needs its list' : 'only a category has some');
    if (encode !== 'index' && !Array.isArray(categories)) problem('encode', `${encode} needs a list of categories`);
    if (Array.isArray(categories) && new Set(categories).size !== categories.length) problem('categories', 'every category once');
    if (unknown === 'zeros' && encode !== 'one-hot') problem('unknown', 'zeros is for one-hot');
    if (typeof unknown === 'object' && (encode !== 'index' || !isCategory)) problem('unknown', 'a value is for the index of a category');
  });
export type Column = z.infer<typeof ColumnSchema>;
export type ColumnType = NonNullable<Column['type']>;

export function typeOf(column: { type?: ColumnType | undefined; categories?: unknown }): ColumnType {
  return column.type ?? (column.categories === undefined ? 'number' : 'category');
}

export const TableRecipeSchema = z
  .strictObject({
    /** CSV with a header, or JSON objects, to tensors with a row for each row. */
    kind: z.literal('table'),
    /** The model's input that takes the columns side by side; may be left out where it has one. */
    input: z.string().min(1).optional(),
    columns: z
      .array(z.preprocess((raw) => (typeof raw === 'string' ? { name: raw } : raw), ColumnSchema))
      .min(1)
      .max(MAX_TABLE_COLUMNS),
    header: z.boolean().default(true),
    /** One character, or found by the header. */
    delimiter: z
      .string()
      .refine((d) => d === 'auto' || (d.length === 1 && !/["\r\n]/.test(d)), 'one character, or auto')
      .default('auto'),
    decimal: z.literal(['.', ',']).default('.'),
    /** `samples`: each row is one. `steps`: the rows are the steps of one sample, in order of time, and the tensor is [1, steps, columns]. */
    rows: z.enum(['samples', 'steps']).default('samples'),
    /** Of steps: so many, the last of the table. */
    last: z.number().int().min(1).max(MAX_TABLE_ROWS).optional(),
    /** Of steps: what is subtracted from each column first, its value in the last or first step. */
    relativeTo: z.enum(['last', 'first']).optional(),
  })
  .superRefine((recipe, ctx) => {
    const names = recipe.columns.map((column) => column.name);
    const twice = names.findIndex((name, i) => names.indexOf(name) !== i);
    if (twice >= 0) ctx.addIssue({ code: 'custom', path: ['columns', twice, 'name'], message: 'every column once' });
    if (!recipe.header && names.some((name) => !/^[1-9]\d*$/.test(name)))
      ctx.addIssue({ code: 'custom', path: ['columns'], message: 'without a header columns are called 1, 2, 3 …' });
    if (recipe.rows === 'samples' && (recipe.last ?? recipe.relativeTo) !== undefined)
      ctx.addIssue({ code: 'custom', path: ['rows'], message: 'last and relativeTo are for steps' });
    if (recipe.rows === 'steps' && recipe.columns.some((column) => typeOf(column) !== 'number'))
      ctx.addIssue({ code: 'custom', path: ['columns'], message: 'steps are numbers' });
  });
export type TableRecipe = z.infer<typeof TableRecipeSchema>;

/** The steps in words, for people. */
export function describeTableSteps({ columns, rows, last, relativeTo }: TableRecipe): string[] {
  const steps = [`columns ${columns.map((column) => column.name).join(', ')}`];
  for (const column of columns) {
    const parts: string[] = [];
    const type = typeOf(column);
    if (type === 'category') parts.push(`${column.encode} of ${Object.keys(column.categories ?? {}).length} categories`);
    else if (type !== 'number') parts.push(type);
    if (column.missing !== 'error') parts.push(`missing is ${column.missing === 'nan' ? 'NaN' : String(column.missing.value)}`);
    if (column.mean !== 0 || column.std !== 1) parts.push(`subtract ${column.mean}, divide by ${column.std}`);
    if (parts.length > 0) steps.push(`${column.name}: ${parts.join(', ')}`);
  }
  if (rows === 'steps') steps.push(`${last === undefined ? 'all rows' : `the last ${last} rows`} are steps of one sample`);
  if (relativeTo !== undefined) steps.push(`relative to the ${relativeTo} step`);
  return steps;
}

/** The columns as a person fills them in. */
export function describeTableInput({ columns, rows, last, header, decimal }: TableRecipe): TableInput {
  return {
    columns: columns.map((column) => ({
      name: column.name,
      type: typeOf(column),
      ...(column.categories !== undefined && { categories: Array.isArray(column.categories) ? column.categories : Object.keys(column.categories) }),
      open: column.unknown !== 'error',
      ...(column.missing !== 'error' && { missing: column.missing === 'nan' ? 'NaN' : String(column.missing.value) }),
    })),
    rows,
    ...(last !== undefined && { last }),
    header,
    decimal,
  };
}
