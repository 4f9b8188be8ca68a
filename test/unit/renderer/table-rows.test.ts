/** Tables that people paste: read as the engine would read them, or left to the engine. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TableColumn } from '#contract';
import { cellProblem, parseLines, parseRows, rowText } from '../../../renderer/src/screens/playground/table-rows.ts';

const column = (name: string, more: Partial<TableColumn> = {}): TableColumn => ({ name, type: 'number', open: false, ...more });
const AB = { columns: [column('a'), column('b')], header: true };

describe('rows', () => {
  test.each([
    ['commas', 'b,a\n1,2\n'],
    ['semicolons and spaces', 'b; a\r\n1 ;2\r\n\r\n'],
    ['tabs, as a spreadsheet copies', 'x\tb\ta\n9\t1\t2'],
    ['a mark before the text', '\ufeffb,a\n1,2'],
    ['JSON', '[{"b": 1, "a": "2", "c": null}]'],
    ['one JSON object', '{"b": 1, "a": 2}'],
  ])('are read from %s, in the order of the recipe', (_name, text) => {
    expect(parseRows(text, AB)).toEqual([['2', '1']]);
  });

  test('without a header are read by place', () => {
    expect(parseRows('5,6,7\n8,9,10', { columns: [column('3'), column('1')], header: false })).toEqual([
      ['7', '5'],
      ['10', '8'],
    ]);
  });

  test.each([['a,c\n1,2'], [''], ['[1'], ['only words']])('are none in %j', (text) => {
    expect(parseRows(text, AB)).toBeUndefined();
  });

  test('whatever stands in a cell comes back, quoted as RFC 4180 has it', () => {
    const cell = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\r', ''));
    const rows = fc.integer({ min: 2, max: 5 }).chain((width) => fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1 }));
    fc.assert(
      fc.property(rows, (table) => {
        const text = table.map((row) => row.map((one) => `"${one.replaceAll('"', '""')}"`).join(',')).join('\n');
        expect(parseLines(text, ',')).toEqual(table);
      }),
    );
  });
});

test('a row goes to the engine by name: an empty cell is nothing, an empty text is a text', () => {
  const columns = [column('a'), column('t', { type: 'text' }), column('__proto__x')];
  expect(JSON.parse(rowText(columns, ['', '', '1,5"']))).toEqual([{ a: null, t: '', ['__proto__x']: '1,5"' }]);
});

test.each<[Partial<TableColumn>, string, '.' | ',', boolean]>([
  [{}, '1.5e-3', '.', true],
  [{}, '1,5', '.', false],
  [{}, '1,5', ',', true],
  [{}, '', '.', false],
  [{ missing: 'NaN' }, '', '.', true],
  [{}, '2024-01-02', '.', false],
  [{ type: 'integer' }, '3.0', '.', false],
  [{ type: 'integer' }, '-12', '.', true],
  [{ type: 'text' }, '', '.', true],
  [{ type: 'category', categories: ['x'] }, 'anything', '.', true],
])('a cell of %j holding %j with %j is taken: %j', (more, cell, decimal, taken) => {
  expect(cellProblem(column('a', more), cell, decimal) === undefined).toBe(taken);
});
