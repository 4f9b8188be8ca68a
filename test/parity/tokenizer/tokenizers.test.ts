/** Every kind of tokenizer against Python's `tokenizers`: see fixtures/tokenizers. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { expectSame, readCases } from './cases.ts';

const folder = join(import.meta.dirname, '..', '..', 'fixtures', 'tokenizers');
const kinds = readdirSync(folder).filter((name) => name.endsWith('.json'));

describe('the same tokens, offsets and texts as Python’s tokenizers', () => {
  test.each(kinds)('%s', (name) => {
    const { tokenizer, cases } = readCases(join(folder, name));
    expect(cases.length).toBeGreaterThan(9);
    for (const one of cases) expectSame(tokenizer, one);
  });
});
