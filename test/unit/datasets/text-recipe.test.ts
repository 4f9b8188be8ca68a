import { describe, expect, test } from 'vitest';
import type { TensorInfo } from '#contract';
import { applyRecipe, BundleFiles, parseRecipe } from '#core/datasets';
import { firstBadByte } from '../../../app/core/datasets/utf8.ts';

const document = {
  version: '1.0',
  added_tokens: [],
  pre_tokenizer: { type: 'WhitespaceSplit' },
  model: { type: 'WordLevel', unk_token: '[UNK]', vocab: { '[UNK]': 0, '[PAD]': 1, '[CLS]': 2, '[SEP]': 3, a: 4, b: 5, c: 6 } },
};
const files = new BundleFiles((path) => {
  if (path !== 'tokenizer.json') throw new Error(`no ${path}`);
  return Promise.resolve(Buffer.from(JSON.stringify(document)));
});
const IDS: TensorInfo = { name: 'input_ids', type: 'int64', dims: ['batch', 'sequence'] };
const MASK: TensorInfo = { name: 'attention_mask', type: 'int64', dims: ['batch', 'sequence'] };
const TYPES: TensorInfo = { name: 'token_type_ids', type: 'int32', dims: ['batch', 'sequence'] };
const POSITIONS: TensorInfo = { name: 'position_ids', type: 'int64', dims: ['batch', 'sequence'] };

async function feedsOf(recipe: string, text: string | Uint8Array, inputs: readonly TensorInfo[] = [IDS]) {
  const { feeds } = await applyRecipe(parseRecipe(recipe), Buffer.from(text), inputs, files);
  return Object.fromEntries(
    Object.entries(feeds).map(([name, { dims, data }]) => [name, { dims, data: Array.from(data as ArrayLike<bigint | number>, Number) }]),
  );
}

describe('text to tensors', () => {
  test('each input gets what it is for, in its own type, by the names exporters use or those the recipe gives', async () => {
    const recipe = 'kind: text\ntokenize: {before: ["[CLS]"], after: ["[SEP]"], maxLength: 6, padding: max-length}';
    expect(await feedsOf(recipe, 'a b\n', [IDS, MASK, TYPES, POSITIONS])).toEqual({
      input_ids: { dims: [1, 6], data: [2, 4, 5, 3, 1, 1] },
      attention_mask: { dims: [1, 6], data: [1, 1, 1, 1, 0, 0] },
      token_type_ids: { dims: [1, 6], data: [0, 0, 0, 0, 0, 0] },
      position_ids: { dims: [1, 6], data: [0, 1, 2, 3, 3, 3] },
    });
    const named = [
      { ...IDS, name: 'words' },
      { ...MASK, name: 'there' },
    ];
    expect(await feedsOf('kind: text\ninputs: {ids: words, attentionMask: there}', 'c', named)).toEqual({
      words: { dims: [1, 1], data: [6] },
      there: { dims: [1, 1], data: [1] },
    });
    const { feeds } = await applyRecipe(parseRecipe('kind: text'), Buffer.from('a'), [{ ...IDS, type: 'int32', dims: ['n'] }], files);
    expect(feeds['input_ids']).toMatchObject({ type: 'int32', dims: [1] });
  });

  test('two texts: the first line and the rest', async () => {
    const recipe = 'kind: text\ntexts: pair\ntokenize: {before: ["[CLS]"], after: ["[SEP]"]}';
    expect(await feedsOf(recipe, 'a\r\nb\nc', [IDS, TYPES])).toEqual({
      input_ids: { dims: [1, 6], data: [2, 4, 3, 5, 6, 3] },
      token_type_ids: { dims: [1, 6], data: [0, 0, 0, 1, 1, 1] },
    });
    await expect(feedsOf(recipe, 'a')).rejects.toMatchObject({ code: 'text.no-pair' });
  });

  test('several texts: a row for each line, as long as the longest', async () => {
    const recipe = 'kind: text\ntexts: several';
    expect(await feedsOf(recipe, 'a\n\nb c\n', [IDS, MASK])).toEqual({
      input_ids: { dims: [2, 2], data: [4, 1, 5, 6] },
      attention_mask: { dims: [2, 2], data: [1, 0, 1, 1] },
    });
    expect((await feedsOf(`${recipe}\ntokenize: {padSide: left, padToken: "[UNK]"}`, 'a\nb c'))['input_ids']?.data).toEqual([0, 4, 5, 6]);
    await expect(feedsOf(recipe, '\n \n')).rejects.toMatchObject({ code: 'text.empty' });
    await expect(feedsOf(recipe, 'a\n'.repeat(65))).rejects.toMatchObject({ code: 'text.too-many' });
  });

  test('the length a model is fixed to is kept, by cutting and by filling', async () => {
    const fixed = [{ ...IDS, dims: [1, 3] }];
    expect((await feedsOf('kind: text', 'a', fixed))['input_ids']?.data).toEqual([4, 1, 1]);
    expect((await feedsOf('kind: text', 'a b c a b', fixed))['input_ids']?.data).toEqual([4, 5, 6]);
    expect((await feedsOf('kind: text\ntokenize: {truncateSide: left}', 'a b c a b', fixed))['input_ids']?.data).toEqual([6, 4, 5]);
    await expect(feedsOf('kind: text\ntokenize: {truncation: none}', 'a b c a', fixed)).rejects.toMatchObject({ code: 'text.too-long', expected: 'at most 3' });
  });

  test('a decoder’s memory begins empty', async () => {
    const past: TensorInfo = { name: 'past_key_values.0.key', type: 'float32', dims: ['batch', 2, 'past', 8] };
    const flag: TensorInfo = { name: 'use_cache_branch', type: 'bool', dims: [1] };
    const { feeds } = await applyRecipe(parseRecipe('kind: text'), Buffer.from('a'), [IDS, past, flag], files);
    expect(feeds['past_key_values.0.key']).toMatchObject({ type: 'float32', dims: [1, 2, 0, 8] });
    expect(feeds['use_cache_branch']).toMatchObject({ dims: [1], data: Uint8Array.of(0) });
    await expect(applyRecipe(parseRecipe('kind: text'), Buffer.from('a'), [IDS, { ...past, dims: [1, 2, 5, 8] }], files)).rejects.toMatchObject({
      code: 'recipe.does-not-fit',
    });
  });
});

describe('what is refused', () => {
  test.each([
    ['a byte that begins nothing', [0x61, 0xff], 1],
    ['a character cut off', [0x61, 0xe2, 0x82], 1],
    ['a lone surrogate', [0xed, 0xa0, 0x80], 0],
    ['a character longer than it need be', [0x61, 0x62, 0xc0, 0xaf], 2],
    ['beyond Unicode', [0xf4, 0x90, 0x80, 0x80], 0],
  ])('%s, with its offset', async (_what, bytes, offset) => {
    await expect(feedsOf('kind: text', Uint8Array.from(bytes))).rejects.toMatchObject({
      code: 'text.not-utf8',
      owner: 'input',
      found: expect.stringContaining(`at offset ${offset}`),
    });
  });

  test('UTF-16 is recognized', async () => {
    await expect(feedsOf('kind: text', Buffer.from('\ufeffa', 'utf16le'))).rejects.toMatchObject({
      code: 'text.not-utf8',
      hint: expect.stringContaining('UTF-16'),
    });
  });

  test('what is UTF-8 is decided as everywhere else', () => {
    const decoder = new TextDecoder('utf-8', { fatal: true });
    for (let i = 0; i < 20_000; i++) {
      const bytes = Uint8Array.from({ length: 1 + (i % 4) }, (_, k) => (Math.imul(i * 4 + k + 1, 2_654_435_761) >>> 24) | (k === 0 ? 0xc0 : 0x80));
      const right = (() => {
        try {
          decoder.decode(bytes);
          return true;
        } catch {
          return false;
        }
      })();
      expect([...bytes, firstBadByte(bytes) === undefined]).toEqual([...bytes, right]);
    }
  });

  test.each([
    ['too long a text', 'kind: text', 'a'.repeat(300_000), 'text.too-long'],
    ['an empty text', 'kind: text', '', 'text.empty'],
    ['a token the tokenizer does not have', 'kind: text\ntokenize: {before: ["[BOS]"]}', 'a', 'text.no-such-token'],
    ['an input the model does not have', 'kind: text\ninputs: {ids: nope}', 'a', 'recipe.does-not-fit'],
  ])('%s', async (_what, recipe, text, code) => {
    await expect(feedsOf(recipe, text)).rejects.toMatchObject({ code, owner: 'input' });
  });

  test.each(['../tokenizer.json', '/etc/passwd', 'a//b', 'a\\b', ''])('a tokenizer at %s', (path) => {
    expect(() => parseRecipe(`kind: text\ntokenize: {tokenizer: ${JSON.stringify(path)}}`)).toThrowError(
      expect.objectContaining({ code: 'recipe.field-wrong' }),
    );
  });

  test('a byte order mark and one line break at the end are no part of the text', async () => {
    expect((await feedsOf('kind: text', '\ufeffa b\r\n'))['input_ids']?.data).toEqual([4, 5]);
  });
});
