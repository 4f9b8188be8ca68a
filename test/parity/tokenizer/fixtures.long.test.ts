/**
 * The tokenizers of the real models, and thousands of random texts where fixtures/tokenizers/make.py wrote them. Says so loudly
 * where they are not there.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Tokenizer } from '#core/datasets';
import { expectSame, readCases } from './cases.ts';

const shared = join(import.meta.dirname, '..', '..', '..', '..', 'shared', 'fixtures');
const present = existsSync(shared);
if (!present) console.warn(`SKIPPED: no fixtures at ${shared}; the tokenizers of the real models were not compared.`);
const many = process.env['EDGEWRIGHT_TOKENIZER_CASES'];
if (many === undefined) console.warn('SKIPPED: EDGEWRIGHT_TOKENIZER_CASES names no folder of random texts; see test/fixtures/tokenizers/README.md.');

describe.skipIf(!present)('tokenizers of the real models', () => {
  test.each([
    ['docs_llm_torch', [], []],
    // Its special tokens are put around by the recipe.
    ['textlang_transformer_torch', [2], [3]],
  ])('%s gives the ids its exporter gave', (name, before, after) => {
    const tokenizer = Tokenizer.parse(readFileSync(join(shared, name, 'tokenizer.json')));
    const samples = JSON.parse(readFileSync(join(shared, name, 'tokenizer_samples.json'), 'utf8')) as { text: string; input_ids: number[] }[];
    expect(samples.length).toBeGreaterThan(5);
    for (const { text, input_ids } of samples)
      expect({ text, ids: [...before, ...tokenizer.encode(text).map((t) => t.id), ...after] }).toEqual({ text, ids: input_ids });
  });
});

describe.skipIf(many === undefined)('random texts', () => {
  test.each(many === undefined ? [] : readdirSync(many).filter((name) => name.endsWith('.json')))('%s', (name) => {
    const { tokenizer, cases } = readCases(join(many ?? '', name));
    for (const one of cases) expectSame(tokenizer, one);
  });
});
