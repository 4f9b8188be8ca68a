import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TensorInfo } from '#contract';
import { answer, type Applied, applyRecipe, BundleFiles, float32Tensor, infer, makeTensor, parseRecipe, type Tensor } from '#core/datasets';
import { ctcBeam, ctcGreedy } from '../../../app/core/datasets/ctc-search.ts';
import { chooseToken } from '../../../app/core/datasets/answers/sampling.ts';
import { seededPrng } from '../../../app/core/datasets/prng.ts';

const document = {
  version: '1.0',
  added_tokens: [],
  pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'WhitespaceSplit' }, { type: 'Punctuation' }] },
  post_processor: {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: '[CLS]', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [{ SpecialToken: { id: '[CLS]', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: { '[CLS]': { id: '[CLS]', ids: [1], tokens: ['[CLS]'] } },
  },
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: { '[UNK]': 0, '[CLS]': 1, in: 2, '😀': 3, New: 4, York: 5, Ber: 6, '##lin': 7, '.': 8, of: 9, '[END]': 10 },
  },
  decoder: { type: 'WordPiece', prefix: '##', cleanup: false },
};
const files = new BundleFiles(() => Promise.resolve(Buffer.from(JSON.stringify(document))));
const IDS: TensorInfo = { name: 'input_ids', type: 'int64', dims: ['batch', 'sequence'] };

async function applied(recipe: string, text: string): Promise<Applied> {
  return applyRecipe(parseRecipe(recipe), Buffer.from(text), [IDS], files);
}

/** Scores whose best is the given index, one row for each. */
function oneHot(rows: readonly number[], size: number): Tensor {
  return float32Tensor(
    [1, rows.length, size],
    rows.flatMap((best) => Array.from({ length: size }, (_, i) => (i === best ? 10 : 0))),
  );
}

describe('named parts of a text', () => {
  const recipe = 'kind: text\nanswer: {kind: spans, output: y}';
  const labels = ['O', 'B-LOC', 'I-LOC', 'B-PER'];

  test('begin and end where they stand in the text, in UTF-16 units', async () => {
    const text = '😀 in New York, Berlin.';
    const input = await applied(recipe, text);
    expect(input.text?.rows[0]?.tokens.map((t) => t.text)).toEqual(['[CLS]', '😀', 'in', 'New', 'York', '[UNK]', 'Ber', '##lin', '.']);
    const found = await answer(parseRecipe(recipe), { y: oneHot([0, 0, 0, 1, 2, 0, 1, 0, 0], 4) }, { labels, applied: input });
    if (found.kind !== 'spans') throw new Error(found.kind);
    expect(found.spans.map(({ from, to, label }) => [text.slice(from, to), label])).toEqual([
      ['New York', 'LOC'],
      // A word has the label of its first token.
      ['Berlin', 'LOC'],
    ]);
    expect(found.spans[0]?.confidence).toBeCloseTo(1 / (1 + 3 * Math.exp(-10)), 6);
  });

  test('a new B begins a new part; without marks equal neighbours are one', async () => {
    const input = await applied(recipe, 'in New York in');
    const spans = async (rows: number[], how = recipe, names = labels) => {
      const found = await answer(parseRecipe(how), { y: oneHot(rows, names.length) }, { labels: names, applied: input });
      return found.kind === 'spans' ? found.spans.map((s) => s.text) : [];
    };
    expect(await spans([0, 1, 1, 2, 3])).toEqual(['in', 'New York', 'in']);
    expect(await spans([0, 1, 1, 2, 2], 'kind: text\nanswer: {kind: spans, output: y, scheme: plain, outside: none}', ['none', 'x', 'y'])).toEqual([
      'in New',
      'York in',
    ]);
  });

  test('an output for other tokens, or an input that is no text, is named', async () => {
    const input = await applied(recipe, 'in');
    await expect(answer(parseRecipe(recipe), { y: oneHot([0], 4) }, { labels, applied: input })).rejects.toMatchObject({ code: 'answer.output-unlike' });
    await expect(answer(parseRecipe('kind: tensors\nanswer: {kind: spans, output: y}'), { y: oneHot([0], 4) })).rejects.toMatchObject({
      code: 'answer.needs-text',
    });
  });
});

describe('the answer to a question', () => {
  const recipe = 'kind: text\ntexts: pair\nanswer: {kind: extract, start: s, end: e}';
  const scores = (best: number) =>
    float32Tensor(
      [1, 5],
      Array.from({ length: 5 }, (_, i) => (i === best ? 5 : 0)),
    );

  test('is the likeliest part of the second text, never one that ends before it begins', async () => {
    const input = await applied(recipe, 'of\nin New York');
    expect(await answer(parseRecipe(recipe), { s: scores(3), e: scores(4) }, { applied: input })).toMatchObject({
      kind: 'spans',
      spans: [{ from: 3, to: 11, text: 'New York', label: 'answer' }],
    });
    const backwards = await answer(parseRecipe(recipe), { s: scores(4), e: scores(3) }, { applied: input });
    expect(backwards.kind === 'spans' && backwards.spans.every((span) => span.from < span.to)).toBe(true);
  });

  test('is none where the model points at its first token', async () => {
    const input = await applied(recipe, 'of\nin New York');
    expect(await answer(parseRecipe(recipe), { s: scores(0), e: scores(0) }, { applied: input })).toMatchObject({ spans: [] });
  });
});

describe('texts as vectors', () => {
  const recipe = (more = '') => parseRecipe(`kind: text\ntexts: several\ntokenize: {padToken: "[UNK]"}\nanswer: {kind: embedding, output: y${more}}`);
  const y = float32Tensor([2, 3, 2], [1, 0, 3, 4, 100, 100, 0, 2, 0, 4, 0, 6]);

  test('are the mean of the tokens that are no padding, of length 1, and compared', async () => {
    const input = await applyRecipe(recipe(), Buffer.from('in\nin of\n'), [IDS], files);
    const found = await answer(recipe(), { y }, { applied: input });
    if (found.kind !== 'embedding') throw new Error(found.kind);
    // (1,0) and (3,4) have the mean (2,2).
    expect(found.vectors[0]?.[0]).toBeCloseTo(Math.SQRT1_2, 12);
    expect(found.vectors[1]).toEqual([0, 1]);
    expect(found.similarity[0]?.[1]).toBeCloseTo(Math.SQRT1_2, 12);
    expect(found.similarity[0]?.[0]).toBeCloseTo(1, 12);
    expect(found.texts).toEqual(['in', 'in of']);
  });

  test.each([
    [', pooling: first, normalize: false', [1, 0]],
    [', pooling: last, normalize: false', [3, 4]],
    [', pooling: max, normalize: false', [3, 4]],
    [', pooling: mean, normalize: false', [2, 2]],
  ])('pooled%s', async (more, vector) => {
    const input = await applyRecipe(recipe(more), Buffer.from('in\nin of\n'), [IDS], files);
    expect(await answer(recipe(more), { y }, { applied: input })).toMatchObject({ vectors: [vector, expect.anything()] });
  });

  test('outputs that are pooled already are taken as they are', async () => {
    expect(await answer(recipe(), { y: float32Tensor([2, 2], [3, 4, -3, -4]) })).toMatchObject({
      dimensions: 2,
      similarity: [
        [1, -1],
        [-1, 1],
      ],
    });
  });
});

describe('CTC', () => {
  const frames = (rows: readonly (readonly number[])[]) => rows.map((row) => Float64Array.from(row, Math.log));

  test('the same symbol in a row counts once, unless a blank stands between', async () => {
    const labels = ['', 'a', 'b', '|'];
    const best = [1, 1, 0, 1, 2, 2, 3, 0, 2];
    expect(ctcGreedy(frames(best.map((b) => [0, 1, 2, 3].map((i) => (i === b ? 0.7 : 0.1)))), 0)).toEqual([1, 1, 2, 3, 2]);
    const recipe = parseRecipe('kind: tensors\nanswer: {kind: ctc, output: y}');
    expect(await answer(recipe, { y: oneHot(best, 4) }, { labels })).toEqual({ kind: 'text', text: 'aab b', tokens: 5 });
    const byTokens = parseRecipe('kind: tensors\nanswer: {kind: ctc, output: y, tokenizer: tokenizer.json}');
    expect(await answer(byTokens, { y: oneHot([4, 4, 0, 5], 11) }, { files })).toMatchObject({ text: 'New York' });
  });

  test('what many paths spell wins over the one best path', () => {
    // Best path: blank, blank (0.36). But "a" is a-, -a and aa: 0.24 + 0.24 + 0.16.
    const twice = frames([
      [0.6, 0.4],
      [0.6, 0.4],
    ]);
    expect(ctcGreedy(twice, 0)).toEqual([]);
    expect(ctcBeam(twice, 0, 4)).toEqual([1]);
  });

  test('a wide beam finds the spelling with the highest probability of all', () => {
    const symbol = fc.double({ min: 0.05, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(symbol, symbol, symbol), { minLength: 1, maxLength: 5 }), (weights) => {
        const rows = weights.map((row) => row.map((w) => w / (row[0] + row[1] + row[2])));
        const total = new Map<string, number>();
        for (let path = 0; path < 3 ** rows.length; path++) {
          const symbols = rows.map((_, t) => Math.floor(path / 3 ** t) % 3);
          const spelled = symbols.filter((s, t) => s !== 0 && s !== symbols[t - 1]).join();
          total.set(spelled, (total.get(spelled) ?? 0) + symbols.reduce((p, s, t) => p * (rows[t]?.[s] ?? 0), 1));
        }
        const best = Math.max(...total.values());
        expect(total.get(ctcBeam(frames(rows), 0, 64).join())).toBeCloseTo(best, 12);
      }),
      { numRuns: 50 },
    );
  });
});

describe('choosing a token', () => {
  const scores = Float64Array.of(1, 3, 2, 3, Number.NEGATIVE_INFINITY);
  const plain = { temperature: 0, topK: 0, topP: 1, repetitionPenalty: 1 };
  const draw = (options: Partial<typeof plain>, seen: number[] = []) => {
    const prng = seededPrng(5);
    return new Set(Array.from({ length: 400 }, () => chooseToken(scores, new Set(seen), { ...plain, ...options }, prng)));
  };

  test('without temperature the best, the first of equals', () => expect(draw({})).toEqual(new Set([1])));
  test('with it any that is possible', () => expect(draw({ temperature: 1 })).toEqual(new Set([0, 1, 2, 3])));
  test('top-k keeps the best so many', () => expect(draw({ temperature: 5, topK: 2 })).toEqual(new Set([1, 3])));
  test('top-p keeps those that together have the share, with the one that crosses it', () => {
    // Probabilities: .40, .40, .15, .05 nearly.
    expect(draw({ temperature: 1, topP: 0.35 })).toEqual(new Set([1]));
    expect(draw({ temperature: 1, topP: 0.5 })).toEqual(new Set([1, 3]));
    expect(draw({ temperature: 1, topP: 0.9 })).toEqual(new Set([1, 2, 3]));
  });
  test('a penalty makes what was there less likely, whatever the sign of its score', () => {
    expect(draw({ repetitionPenalty: 2 }, [1])).toEqual(new Set([3]));
    expect(chooseToken(Float64Array.of(-1, -1.5), new Set([0]), { ...plain, repetitionPenalty: 2 }, seededPrng(0))).toBe(1);
  });
  test('the same seed gives the same tokens', () => {
    const tokens = (seed: number) => {
      const prng = seededPrng(seed);
      return Array.from({ length: 20 }, () => chooseToken(scores, new Set(), { ...plain, temperature: 1 }, prng)).join();
    };
    expect(tokens(1)).toBe(tokens(1));
    expect(tokens(1)).not.toBe(tokens(2));
  });
});

describe('generated text', () => {
  const recipe = (more: string) =>
    parseRecipe(`kind: text\ntokenize: {specialTokens: false}\nanswer: {kind: generate, output: logits, stopTokens: ["[END]"]${more}}`);
  /** A model whose next token follows from the last by a list. */
  const next: Record<number, number> = { 2: 4, 4: 5, 5: 9, 9: 6, 6: 7, 7: 10 };
  const following = (ids: readonly number[]) =>
    oneHot(
      ids.map((id) => next[id] ?? 0),
      11,
    );
  const idsOf = (feeds: Record<string, Tensor>) => Array.from(feeds['input_ids']?.data as BigInt64Array, Number);
  const run = (feeds: Record<string, Tensor>) => Promise.resolve({ logits: following(idsOf(feeds)) });

  test('goes on until the token that ends it, and tells its text as it grows', async () => {
    const parts: string[] = [];
    const { answer: found } = await infer({ recipe: recipe(''), files, inputs: [IDS] }, Buffer.from('in'), { run, onText: (text) => parts.push(text) });
    expect(found).toEqual({ kind: 'text', text: ' New York of Berlin', tokens: 5, ended: 'end' });
    expect(parts.join('')).toBe(' New York of Berlin');
    expect(parts.length).toBeGreaterThan(3);
  });

  test.each([
    [', maxNewTokens: 2', { text: ' New York', tokens: 2, ended: 'length' }],
    [', contextLength: 4', { text: ' New York of', tokens: 3, ended: 'context' }],
    [', stop: ["k of"]', { text: ' New Yor', tokens: 3, ended: 'stop' }],
    [', stop: ["nowhere"]', { text: ' New York of Berlin', tokens: 5, ended: 'end' }],
  ])('with %s', async (more, expected) => {
    let told = '';
    const { answer: found } = await infer({ recipe: recipe(more), files, inputs: [IDS] }, Buffer.from('in'), { run, onText: (text) => (told += text) });
    expect(found).toMatchObject(expected);
    expect(told).toBe(expected.text);
  });

  test('a request can ask for other tokens than the recipe', async () => {
    const { answer: found } = await infer({ recipe: recipe(', maxNewTokens: 50'), files, inputs: [IDS] }, Buffer.from('in'), {
      run,
      generation: { maxNewTokens: 1 },
    });
    expect(found).toMatchObject({ text: ' New', ended: 'length' });
  });

  test('with a memory of earlier tokens each step gives one, its place, and what the step before remembered', async () => {
    const past: TensorInfo = { name: 'past_key_values.0.key', type: 'float32', dims: ['batch', 1, 'past', 1] };
    const inputs = [IDS, { ...IDS, name: 'attention_mask' }, { ...IDS, name: 'position_ids' }, past];
    const seen: { ids: number[]; past: number[]; mask: number; positions: number[] }[] = [];
    const remembering = (feeds: Record<string, Tensor>) => {
      const ids = idsOf(feeds);
      const before = Array.from(feeds[past.name]?.data as Float32Array);
      seen.push({
        ids,
        past: before,
        mask: feeds['attention_mask']?.data.length ?? 0,
        positions: Array.from(feeds['position_ids']?.data as BigInt64Array, Number),
      });
      const all = [...before, ...ids];
      return Promise.resolve({ logits: following(ids), 'present.0.key': float32Tensor([1, 1, all.length, 1], all) });
    };
    const plan = { recipe: recipe(', maxNewTokens: 3'), files, inputs };
    expect((await infer(plan, Buffer.from('of in'), { run: remembering })).answer).toMatchObject({ text: ' New York of', tokens: 3 });
    expect(seen).toEqual([
      { ids: [9, 2], past: [], mask: 2, positions: [0, 1] },
      { ids: [4], past: [9, 2], mask: 3, positions: [2] },
      { ids: [5], past: [9, 2, 4], mask: 4, positions: [3] },
    ]);
    const forgetful = (feeds: Record<string, Tensor>) => Promise.resolve({ logits: following(idsOf(feeds)) });
    await expect(infer(plan, Buffer.from('in'), { run: forgetful })).rejects.toMatchObject({ code: 'answer.no-memory', expected: 'present.0.key' });
  });

  test('in an input of fixed length what stands behind is ignored', async () => {
    const fixed = [{ ...IDS, dims: [1, 5] }];
    const lengths: number[] = [];
    const counting = (feeds: Record<string, Tensor>) => {
      lengths.push(idsOf(feeds).length);
      return run(feeds);
    };
    const how = parseRecipe('kind: text\ntokenize: {specialTokens: false, padToken: "[UNK]"}\nanswer: {kind: generate, stopTokens: ["[END]"]}');
    expect((await infer({ recipe: how, files, inputs: fixed }, Buffer.from('in'), { run: counting })).answer).toMatchObject({
      text: ' New York of Ber',
      ended: 'context',
    });
    expect(new Set(lengths)).toEqual(new Set([5]));
  });

  test('stops between two tokens when it is told to', async () => {
    const abort = new AbortController();
    let steps = 0;
    const stopping = (feeds: Record<string, Tensor>) => {
      if (++steps === 2) abort.abort();
      return run(feeds);
    };
    await expect(infer({ recipe: recipe(''), files, inputs: [IDS] }, Buffer.from('in'), { run: stopping, signal: abort.signal })).rejects.toThrow(/abort/i);
    expect(steps).toBe(2);
  });

  test('a prompt that fills the model, NaN, and an output of another shape are told apart', async () => {
    await expect(infer({ recipe: recipe(', contextLength: 2'), files, inputs: [IDS] }, Buffer.from('in of'), { run })).rejects.toMatchObject({
      code: 'text.prompt-too-long',
    });
    const nan = () => Promise.resolve({ logits: float32Tensor([1, 1, 2], [Number.NaN, 0]) });
    await expect(infer({ recipe: recipe(''), files, inputs: [IDS] }, Buffer.from('in'), { run: nan })).rejects.toMatchObject({ code: 'answer.not-finite' });
    const flat = () => Promise.resolve({ logits: makeTensor('float32', [11], new Float32Array(11)) });
    await expect(infer({ recipe: recipe(''), files, inputs: [IDS] }, Buffer.from('in'), { run: flat })).rejects.toMatchObject({ code: 'answer.output-unlike' });
  });

  test('one run alone tells the next token', async () => {
    const input = await applied('kind: text\ntokenize: {specialTokens: false}', 'of in');
    expect(await answer(recipe(''), { logits: following([9, 2]) }, { applied: input })).toMatchObject({ kind: 'text', text: 'New', tokens: 1 });
  });
});
