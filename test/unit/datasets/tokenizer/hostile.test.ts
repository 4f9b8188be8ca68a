import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Tokenizer } from '#core/datasets';
import { added, tokenizerOf, wordsTokenizer } from './small.ts';

const BYTES = Object.fromEntries(Array.from({ length: 256 }, (_, i) => [`<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`, i + 1]));
const byteFallback = () =>
  tokenizerOf({ type: 'BPE', unk_token: '<unk>', byte_fallback: true, vocab: { '<unk>': 0, ...BYTES }, merges: [] }, { decoder: { type: 'ByteFallback' } });

describe('names that objects have', () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];

  test('are tokens like any other', () => {
    const text = `{"version":"1.0","added_tokens":[],"pre_tokenizer":{"type":"WhitespaceSplit"},"model":{"type":"WordLevel","unk_token":"[UNK]","vocab":{"[UNK]":0,${names.map((name, i) => `"${name}":${i + 1}`).join()}}}}`;
    const tokenizer = Tokenizer.parse(Buffer.from(text));
    expect(tokenizer.encode(`${names.join(' ')} valueOf`).map((t) => t.id)).toEqual([1, 2, 3, 4, 0]);
    expect(tokenizer.decode([1, 2])).toBe('__proto__ constructor');
    expect(tokenizer.idOf('isPrototypeOf')).toBeUndefined();
  });

  test('are added tokens and special tokens of a template like any other', () => {
    const template = `{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"__proto__","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"pair":[],"special_tokens":{"__proto__":{"id":"__proto__","ids":[7],"tokens":["__proto__"]}}}`;
    const tokenizer = wordsTokenizer(['a'], { added_tokens: [added(2, 'constructor')], post_processor: JSON.parse(template) as unknown });
    expect(tokenizer.encode('a constructor').map((t) => t.id)).toEqual([7, 1, 2]);
  });
});

describe('files that are wrong', () => {
  const model = { type: 'BPE', vocab: { a: 0, b: 1, ab: 2 }, merges: ['a b'] };
  test.each([
    ['no JSON', '{', 'tokenizer.malformed', /not JSON/],
    ['no UTF-8', Buffer.from([0x7b, 0xff]), 'tokenizer.malformed', /not JSON/],
    ['a list', '[]', 'tokenizer.malformed', /the file/],
    ['no model', '{"version":"1.0"}', 'tokenizer.malformed', /model/],
    ['another version', JSON.stringify({ version: '2.0', model }), 'tokenizer.malformed', /version/],
    ['an unknown normalizer', JSON.stringify({ normalizer: { type: 'Reverse' }, model }), 'tokenizer.unsupported', /Reverse/],
    [
      'an unknown part deep inside',
      JSON.stringify({ normalizer: { type: 'Sequence', normalizers: [{ type: 'NFC' }, { type: 'Sequence', normalizers: [{ type: 'Magic' }] }] }, model }),
      'tokenizer.unsupported',
      /Magic/,
    ],
    ['a merge of unknown tokens', JSON.stringify({ model: { ...model, merges: [['a', 'c']] } }), 'tokenizer.malformed', /merge/],
    ['a merge of three', JSON.stringify({ model: { ...model, merges: ['a b c'] } }), 'tokenizer.malformed', /merge/],
    ['a number that is none', JSON.stringify({ model: { ...model, vocab: { a: -1 }, merges: [] } }), 'tokenizer.malformed', /number/],
    ['dropout', JSON.stringify({ model: { ...model, dropout: 0.1 } }), 'tokenizer.unsupported', /dropout/],
    [
      'a character map that is cut off',
      JSON.stringify({ normalizer: { type: 'Precompiled', precompiled_charsmap: 'AAEAAA==' }, model }),
      'tokenizer.malformed',
      /character map/,
    ],
    [
      'sequences without end',
      `{"model":${JSON.stringify(model)},"normalizer":${'{"type":"Sequence","normalizers":['.repeat(2000)}${']}'.repeat(2000)}}`,
      'tokenizer.unsupported',
      /Sequence/,
    ],
    ['a token as long as a book', JSON.stringify({ model: { ...model, vocab: { ['a'.repeat(5000)]: 0 }, merges: [] } }), 'tokenizer.malformed', /too long/],
  ])('%s', (_what, bytes, code, message) => {
    expect(() => Tokenizer.parse(Buffer.from(bytes))).toThrowError(expect.objectContaining({ code, owner: 'input', message: expect.stringMatching(message) }));
  });

  test('any bytes of a character map only change what becomes of a text', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 400 }), fc.string({ unit: 'binary' }), (bytes, text) => {
        const map = Buffer.from(bytes);
        map.writeUInt32LE(Math.ceil((map.length - 4) / 8) * 4, 0);
        const tokenizer = wordsTokenizer([], { normalizer: { type: 'Precompiled', precompiled_charsmap: map.toString('base64') } });
        tokenizer.encode(text);
      }),
    );
  });
});

describe('texts that are difficult', () => {
  test('every text comes back through bytes', () => {
    const tokenizer = byteFallback();
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => tokenizer.decode(tokenizer.encode(text).map((t) => t.id)) === text));
    expect(tokenizer.decode([0xf0, 0x9f, 0x98].map((byte) => byte + 1))).toBe('\ufffd\ufffd\ufffd');
  });

  test('offsets stay inside the text and in order', () => {
    const tokenizer = tokenizerOf(
      { type: 'BPE', unk_token: '<unk>', byte_fallback: true, vocab: { '<unk>': 0, ...BYTES }, merges: [] },
      {
        normalizer: { type: 'Sequence', normalizers: [{ type: 'NFKC' }, { type: 'Lowercase' }] },
        pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
      },
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        let last = 0;
        for (const { from, to } of tokenizer.encode(text)) {
          expect(from).toBeLessThanOrEqual(to);
          expect(to).toBeLessThanOrEqual([...text].length);
          expect(from).toBeGreaterThanOrEqual(last);
          last = from;
        }
      }),
    );
  });

  test('a thousand marks on one letter are put in order, a hundred thousand refused', () => {
    const tokenizer = wordsTokenizer([], { normalizer: { type: 'NFC' } });
    expect(tokenizer.encode(`a${'\u0301\u0323'.repeat(500)}`)).toHaveLength(1);
    expect(() => tokenizer.encode(`a${'\u0301\u0323'.repeat(50_000)}`)).toThrowError(expect.objectContaining({ code: 'tokenizer.too-costly' }));
  });

  test('a word of a hundred thousand letters is merged', () => {
    const tokenizer = tokenizerOf({
      type: 'BPE',
      vocab: { a: 0, aa: 1, aaaa: 2 },
      merges: [
        ['a', 'a'],
        ['aa', 'aa'],
      ],
    });
    expect(tokenizer.encode('a'.repeat(100_000)).map((t) => t.id)).toEqual(new Array(25_000).fill(2));
  });

  test('tokens that begin alike over and over are stopped when it goes on too long', () => {
    const pieces = Array.from({ length: 4000 }, (_, i) => ['a'.repeat(i + 1), -1]);
    const tokenizer = tokenizerOf({ type: 'Unigram', unk_id: null, vocab: pieces });
    expect(() => tokenizer.encode('a'.repeat(200_000))).toThrowError(expect.objectContaining({ code: 'tokenizer.too-costly' }));
  });

  test('an unknown character without an unknown token is told, not dropped', () => {
    const tokenizer = tokenizerOf({ type: 'Unigram', unk_id: null, vocab: [['a', -1]] });
    expect(() => tokenizer.encode('ab')).toThrowError(expect.objectContaining({ code: 'tokenizer.no-unknown-token', found: 'b' }));
  });
});
