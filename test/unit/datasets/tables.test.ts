import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ErrorBody, TensorInfo } from '#contract';
import { answer, type Applied, applyRecipe, describeRecipe, float32Tensor, parseRecipe, toNumbers } from '#core/datasets';

const features = (columns: number | string, type = 'float32'): TensorInfo[] => [{ name: 'features', type, dims: ['batch', columns] }];

function applied(recipe: object, text: string | Uint8Array, inputs = features('n')): Promise<Applied> {
  return applyRecipe(parseRecipe(JSON.stringify({ kind: 'table', ...recipe })), typeof text === 'string' ? Buffer.from(text) : text, inputs);
}

async function numbers(recipe: object, text: string | Uint8Array, inputs = features('n')): Promise<number[][]> {
  const { feeds, rows } = await applied(recipe, text, inputs);
  const tensor = Object.values(feeds)[0] ?? float32Tensor([0], []);
  const width = tensor.data.length / (rows ?? 1);
  const all = [...toNumbers(tensor)];
  return Array.from({ length: rows ?? 0 }, (_, row) => all.slice(row * width, (row + 1) * width));
}

async function refusal(recipe: object, text: string | Uint8Array, inputs = features('n')): Promise<ErrorBody> {
  const thrown: unknown = await applied(recipe, text, inputs).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toMatchObject({ owner: 'input' });
  return thrown as ErrorBody;
}

const AB = { columns: ['a', 'b'] };

describe('the table as it was saved', () => {
  test.each([
    ['commas, columns in another order, one more', 'b,x,a\n2,9,1\n4,9,3\n'],
    ['semicolons', 'a;b\r\n1;2\r\n3;4'],
    ['tabs', 'a\tb\n1\t2\n3\t4\n'],
    ['bars', 'a|b\n1|2\n3|4\n'],
    ['a mark before UTF-8', '\ufeffa,b\n1,2\n3,4\n'],
    ['spaces and blank lines', 'a , b\n\n 1, 2\n3 ,4\n\n'],
    ['quotes', '"a","b"\n"1","2"\n"3",4\n'],
    ['JSON rows', '[{"a": 1, "b": 2}, {"b": "4", "a": 3, "c": null}]'],
  ])('%s', async (_what, text) => {
    expect(await numbers(AB, text)).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  test('one JSON object is one row; without a header columns have numbers; a decimal comma', async () => {
    expect(await numbers(AB, '{"a": 1.5, "b": 2}')).toEqual([[1.5, 2]]);
    expect(await numbers({ columns: ['2', '1'], header: false }, '1,2\n3,4\n')).toEqual([
      [2, 1],
      [4, 3],
    ]);
    expect(await numbers({ ...AB, decimal: ',' }, 'a;b\n1,5;2\n')).toEqual([[1.5, 2]]);
  });

  test('a quoted cell may hold delimiters, line ends and doubled quotes', async () => {
    const recipe = { columns: [{ name: 'a', type: 'text' }] };
    const { feeds } = await applied(recipe, 'a,b\n"x, ""y""\nz",1\n', features(1, 'string'));
    expect(feeds.features).toEqual({ type: 'string', dims: [1, 1], data: ['x, "y"\nz'] });
  });

  test.each([
    ['a column that is not there', 'a,B\n1,2\n', 'table.column-missing', /no column b/],
    ['a column twice', 'a,b,a\n1,2,3\n', 'table.column-twice', /column a twice/],
    ['a short row', 'a,b\n1,2\n3\n', 'table.row-length', /Line 3/],
    ['no rows', 'a,b\n', 'table.empty', /no rows/],
    ['nothing at all', '', 'table.empty', /no rows/],
    ['a quote that never ends', 'a,b\n"1,2\n', 'table.damaged', /cannot be read/],
    ['a quote in the middle', 'a,b\n1"2,3\n', 'table.damaged', /line 2/],
    ['broken JSON', '[{"a": 1,]', 'table.damaged', /JSON/],
    ['JSON that holds no rows', '[1, 2]', 'table.row-wrong', /Row 1/],
    ['a list in a cell', '[{"a": [1], "b": 2}]', 'table.cell-wrong', /Row 1, column a/],
    ['a column missing in a JSON row', '[{"a": 1, "b": 2}, {"a": 1}]', 'table.column-missing', /Row 2 has no column b/],
  ])('%s is refused, naming the place', async (_what, text, code, message) => {
    expect(await refusal(AB, text)).toMatchObject({ code, message: expect.stringMatching(message) as string });
  });

  test('other encodings are refused, naming them', async () => {
    expect(await refusal(AB, Buffer.from('\ufeffa,b\n1,2\n', 'utf16le'))).toMatchObject({ code: 'table.encoding', found: 'UTF-16' });
    expect(await refusal(AB, Buffer.from('a,b\n1,\xe9\n', 'latin1'))).toMatchObject({ code: 'table.encoding' });
  });

  test('a name that is almost right is guessed', async () => {
    expect((await refusal({ columns: ['age', 'weight'] }, 'age,wieght\n1,2\n')).hint).toContain('"wieght"');
  });

  test('more than the bounds is refused: rows, cells of a row, characters of a cell, bytes', async () => {
    expect((await refusal(AB, `a,b\n${'1,2\n'.repeat(100_001)}`)).code).toBe('table.too-large');
    expect((await refusal(AB, `${Array.from({ length: 10_001 }, (_, i) => `c${i}`).join()},a,b\n`)).code).toBe('table.too-large');
    expect((await refusal(AB, `a,b\n1,${'x'.repeat(40_000)}\n`)).code).toBe('table.cell-too-long');
    expect((await refusal(AB, `a,b\n1,${'x'.repeat(2_000_000)}\n`)).code).toBe('table.damaged');
    expect((await refusal(AB, Buffer.alloc(17 * 1024 * 1024, 0x31))).code).toBe('table.too-large');
  });

  test('whatever the bytes are, there is a tensor or a reason', async () => {
    const piece = fc.constantFrom('a', 'b', ',', ';', '"', '\n', '\r', '1', '-', '.', 'e9', 'NA', '\ufeff', '{', '}', '[', ']', ':', ' ', '\0', '2024-01-02');
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 40 }), fc.boolean(), async (pieces, header) => {
        const text = (header ? 'a,b\n' : '') + pieces.join('');
        const result = await applied(AB, text).catch((error: unknown) => error);
        expect(result).toSatisfy((r: object) => 'feeds' in r || ('code' in r && String(r.code).startsWith('table.')));
      }),
      { numRuns: 500 },
    );
  });

  test('numbers survive any writing that JavaScript or Python uses', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer()), { minLength: 1, maxLength: 5 }), async (rows) => {
        const text = `a,b\n${rows.map(([a, b]) => `${a},${b}`).join('\n')}\n`;
        expect(await numbers(AB, text, features(2, 'float64'))).toEqual(
          rows.map(([a, b]) => [a === 0 ? expect.closeTo(0) : a, b === 0 ? expect.closeTo(0) : b]),
        );
      }),
    );
  });
});

describe('what a cell means', () => {
  const one = (column: object, cell: string, inputs = features('n')) => numbers({ columns: [{ name: 'a', ...column }] }, `a,b\n${cell},x\n`, inputs);
  const no = (column: object, cell: string, inputs = features('n')) => refusal({ columns: [{ name: 'a', ...column }] }, `a,b\n${cell},x\n`, inputs);

  test.each(['12', '-1.5', '+3', '.5', '5.', '1e-3', '2E+5'])('%s is a number', async (cell) => {
    expect(await one({}, cell, features(1, 'float64'))).toEqual([[Number(cell)]]);
  });

  test.each([
    ['x', 'table.not-a-number'],
    ['0x10', 'table.not-a-number'],
    ['1 000', 'table.not-a-number'],
    ['inf', 'table.not-a-number'],
    ['1e999', 'table.not-a-number'],
    ['12 %', 'table.not-a-number'],
    ['2024-03-01', 'table.date'],
    ['1.3.2024', 'table.date'],
    ['2024-03-01T12:00:00Z', 'table.date'],
    ['12:30', 'table.date'],
    ['', 'table.missing-value'],
    ['NA', 'table.missing-value'],
    ['NaN', 'table.missing-value'],
  ])('%j is refused, naming row and column', async (cell, code) => {
    expect(await no({}, cell)).toMatchObject({ code, message: expect.stringContaining('line 2, column a') as string });
  });

  test('a missing value: NaN, a constant, a usual category', async () => {
    expect(await one({ missing: 'nan' }, '')).toEqual([[Number.NaN]]);
    expect(await one({ missing: { value: 4.5 } }, 'N/A')).toEqual([[4.5]]);
    expect(await one({ categories: ['x', 'y'], missing: { value: 'y' } }, '')).toEqual([[1]]);
    expect(await one({ type: 'boolean', missing: { value: true } }, 'null')).toEqual([[1]]);
    expect(await numbers({ columns: [{ name: 'a', missing: { value: 7 } }] }, '{"a": null}')).toEqual([[7]]);
    expect(await no({ missing: 'nan' }, '', features(1, 'int32'))).toMatchObject({ code: 'recipe.does-not-fit', found: 'NaN' });
  });

  test('a category may be called NA', async () => {
    expect(await one({ categories: ['EU', 'NA'] }, 'NA')).toEqual([[1]]);
  });

  test('categories by place, by number, spread out, and as text', async () => {
    expect(await one({ categories: ['x', 'y', 'z'] }, 'z')).toEqual([[2]]);
    expect(await one({ categories: { low: -1, high: 5 } }, 'high')).toEqual([[5]]);
    expect(await one({ categories: ['x', 'y', 'z'], encode: 'one-hot' }, 'y')).toEqual([[0, 1, 0]]);
    const text = await applied({ columns: [{ name: 'a', categories: ['x', 'y'], encode: 'text' }] }, 'a\ny\n', features(1, 'string'));
    expect(text.feeds.features?.data).toEqual(['y']);
  });

  test('an unknown category: refused with the known ones, a number, or none of them', async () => {
    expect(await no({ categories: ['x', 'y'] }, 'Z')).toMatchObject({ code: 'table.unknown-category', expected: 'x, y', found: 'Z' });
    expect(await one({ categories: ['x', 'y'], unknown: { value: -1 } }, 'Z')).toEqual([[-1]]);
    expect(await one({ categories: ['x', 'y'], encode: 'one-hot', unknown: 'zeros' }, 'Z')).toEqual([[0, 0]]);
  });

  test('true and false in their usual words', async () => {
    for (const word of ['true', 'Yes', 'Y', 'T', '1']) expect(await one({ type: 'boolean' }, word)).toEqual([[1]]);
    for (const word of ['FALSE', 'no', 'n', 'f', '0']) expect(await one({ type: 'boolean' }, word, features(1, 'bool'))).toEqual([[0]]);
    expect((await no({ type: 'boolean' }, 'maybe')).code).toBe('table.not-a-boolean');
  });

  test('whole numbers are exact to 64 bits', async () => {
    const { feeds } = await applied({ columns: [{ name: 'a', type: 'integer' }] }, 'a\n9223372036854775807\n', features(1, 'int64'));
    expect(feeds.features?.data).toEqual(BigInt64Array.of(9223372036854775807n));
    expect((await no({ type: 'integer' }, '1.5', features(1, 'int64'))).code).toBe('table.not-a-whole-number');
    expect((await no({ type: 'integer' }, '9223372036854775808', features(1, 'int64'))).code).toBe('recipe.does-not-fit');
  });

  test('a scaler the model does not hold', async () => {
    expect(await one({ mean: 10, std: 4 }, '12')).toEqual([[0.5]]);
  });

  test('text for an input of numbers is refused when the recipe meets the model', async () => {
    expect(await no({ type: 'text' }, 'x')).toMatchObject({ code: 'recipe.does-not-fit' });
    expect(await no({}, '1', features(1, 'string'))).toMatchObject({ code: 'recipe.does-not-fit', expected: 'text' });
  });
});

describe('where columns go', () => {
  const inputs: TensorInfo[] = [
    { name: 'age', type: 'float32', dims: [null, 1].map((d) => d ?? 'n') },
    { name: 'city', type: 'string', dims: ['n', 1] },
    { name: 'rest', type: 'float32', dims: ['n', 2] },
  ];

  test('each to the input of its name, or the one it names', async () => {
    const columns = ['age', { name: 'city', type: 'text' }, { name: 'x', input: 'rest' }, { name: 'y', input: 'rest' }];
    const { feeds, rows } = await applied({ columns }, 'age,city,x,y\n40,Oslo,1,2\n41, Rome ,3,4\n', inputs);
    expect(rows).toBe(2);
    expect(feeds).toEqual({
      age: float32Tensor([2, 1], [40, 41]),
      city: { type: 'string', dims: [2, 1], data: ['Oslo', ' Rome '] },
      rest: float32Tensor([2, 2], [1, 2, 3, 4]),
    });
  });

  test('a column that goes nowhere, and an input that gets nothing', async () => {
    expect(await refusal({ columns: ['q'] }, 'q\n1\n', inputs)).toMatchObject({
      code: 'recipe.does-not-fit',
      message: expect.stringContaining('column q') as string,
    });
    expect(await refusal({ columns: ['age'] }, 'age\n1\n', inputs)).toMatchObject({
      code: 'recipe.does-not-fit',
      message: expect.stringContaining('city') as string,
    });
  });

  test('any number of rows for a model of a fixed batch; the width must fit', async () => {
    const fixed: TensorInfo[] = [{ name: 'features', type: 'float32', dims: [1, 2] }];
    expect((await applied(AB, 'a,b\n1,2\n3,4\n', fixed)).feeds.features?.dims).toEqual([2, 2]);
    expect(await refusal({ columns: ['a'] }, 'a\n1\n', fixed)).toMatchObject({ code: 'recipe.does-not-fit', expected: 'float32 [1, 2]' });
  });

  test('one column for an input of one dimension', async () => {
    expect((await applied({ columns: ['a'] }, 'a\n1\n2\n', [{ name: 'a', type: 'float32', dims: ['n'] }])).feeds.a?.dims).toEqual([2]);
  });
});

describe('rows as steps in time', () => {
  const series: TensorInfo[] = [{ name: 'series', type: 'float32', dims: ['b', 3, 1] }];
  const recipe = {
    columns: [{ name: 'ppm', std: 2 }],
    rows: 'steps',
    last: 3,
    relativeTo: 'last',
    answer: { kind: 'values', output: 'forecast', scale: 2, relativeTo: 'ppm', unit: 'ppm' },
  };

  test('the last ones, relative to the last, and the answer added to it again', async () => {
    const made = await applied(recipe, 'ppm\n1\n300\n302\n310\n', series);
    expect(made.feeds.series).toEqual(float32Tensor([1, 3, 1], [-5, -4, 0]));
    expect(made.rows).toBeUndefined();
    const parsed = parseRecipe(JSON.stringify({ kind: 'table', ...recipe }));
    expect(await answer(parsed, { forecast: float32Tensor([1, 2], [1, 1.5]) }, { applied: made })).toEqual({
      kind: 'values',
      values: [
        { name: 'forecast[0]', value: 312, unit: 'ppm' },
        { name: 'forecast[1]', value: 313, unit: 'ppm' },
      ],
    });
  });

  test('too few rows are refused', async () => {
    expect(await refusal(recipe, 'ppm\n1\n2\n', series)).toMatchObject({ code: 'recipe.does-not-fit', expected: '3 rows', found: '2' });
  });
});

describe('answers row by row', () => {
  test('each row has its own, also with several parts', async () => {
    const parts = [
      { title: 'class', answer: { kind: 'labels', output: 'p', activation: 'none', top: 1 } },
      { title: 'value', answer: { kind: 'values', output: 'v' } },
    ];
    const recipe = parseRecipe(JSON.stringify({ kind: 'table', ...AB, answer: { kind: 'several', parts } }));
    const outputs = { p: float32Tensor([2, 2], [0.25, 0.75, 1, 0]), v: float32Tensor([2, 1], [5, 6]) };
    const context = { applied: { feeds: {}, rows: 2 }, labels: ['no', 'yes'] };
    expect(await answer(recipe, outputs, context)).toEqual({
      kind: 'rows',
      total: 2,
      rows: [['yes', 1, 0.75, 5] as const, ['no', 0, 1, 6] as const].map(([label, index, confidence, value]) => ({
        kind: 'several',
        parts: [
          { title: 'class', answer: { kind: 'labels', labels: [{ label, index, confidence }] } },
          { title: 'value', answer: { kind: 'values', values: [{ name: 'v', value }] } },
        ],
      })),
    });
  });

  test('without a word about answers the outputs of each row are shown, text too', async () => {
    const shown = await answer(
      parseRecipe('{kind: table, columns: [a]}'),
      { label: { type: 'string', dims: [2], data: ['x', 'y'] } },
      { applied: { feeds: {}, rows: 2 } },
    );
    expect(shown).toMatchObject({ kind: 'rows', rows: [{ tensors: [{ name: 'label', preview: ['x'] }] }, { tensors: [{ preview: ['y'] }] }] });
  });
});

describe('a recipe for tables', () => {
  test.each([
    ['{columns: []}', 'columns'],
    ['{columns: [a, a]}', 'columns.1.name'],
    ['{columns: [{name: a, type: category}]}', 'columns.0.categories'],
    ['{columns: [{name: a, categories: [x, x]}]}', 'columns.0.categories'],
    ['{columns: [{name: a, type: number, categories: [x]}]}', 'columns.0.categories'],
    ['{columns: [{name: a, categories: {x: 1}, encode: one-hot}]}', 'columns.0.encode'],
    ['{columns: [{name: a, categories: [x], unknown: zeros}]}', 'columns.0.unknown'],
    ['{columns: [a], header: false}', 'columns'],
    ['{columns: [a], delimiter: ",,"}', 'delimiter'],
    ['{columns: [a], last: 3}', 'rows'],
    ['{columns: [{name: a, type: boolean}], rows: steps}', 'columns'],
    ['{columns: [{name: a, std: 0}]}', 'columns.0.std'],
  ])('%s is refused, naming %s', (text, field) => {
    expect(() => parseRecipe(text.replace('{', '{kind: table, '))).toThrow(
      expect.objectContaining({ code: 'recipe.field-wrong', message: expect.stringContaining(`: ${field} is wrong`) as string }),
    );
  });

  test('is told in words', () => {
    const columns = '[age, {name: sex, categories: [f, m], encode: one-hot}, {name: income, missing: {value: 9}, mean: 1, std: 2}]';
    expect(describeRecipe(parseRecipe(`{kind: table, columns: ${columns}}`)).steps).toEqual([
      'columns age, sex, income',
      'sex: one-hot of 2 categories',
      'income: missing is 9, subtract 1, divide by 2',
    ]);
  });
});
