/** Generated text with a real decoder in a real runner: a memory of earlier tokens changes how often the model is asked, never what it says. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BundleFiles, infer, parseRecipe } from '#core/datasets';
import { type Runner, startRunner } from '#core/runtime';

const folder = join(import.meta.dirname, '..', 'fixtures', 'decoder');
const tokenizer = {
  version: '1.0',
  added_tokens: [],
  pre_tokenizer: { type: 'WhitespaceSplit' },
  model: { type: 'WordLevel', unk_token: 'w0', vocab: Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`w${i}`, i])) },
};
const files = new BundleFiles(() => Promise.resolve(Buffer.from(JSON.stringify(tokenizer))));

let plain: Runner;
let cached: Runner;
beforeAll(async () => {
  [plain, cached] = (await Promise.all(
    ['plain', 'cached'].map(async (name) => {
      const runner = await startRunner({ threads: 1, label: name });
      await runner.load({ path: join(folder, `${name}.onnx`) });
      return runner;
    }),
  )) as [Runner, Runner];
});
afterAll(async () => {
  await Promise.all([plain.close(), cached.close()]);
});

/** The text, and how many tokens the model was given in each run. */
async function write(runner: Runner, prompt: string, how: string): Promise<{ text: string; given: number[] }> {
  const given: number[] = [];
  const { answer } = await infer(
    { recipe: parseRecipe(`kind: text\nanswer: {kind: generate, contextLength: 32${how}}`), files, inputs: runner.inputs },
    Buffer.from(prompt),
    {
      run: async (feeds) => {
        given.push(feeds['input_ids']?.data.length ?? 0);
        return (await runner.run(feeds)).outputs;
      },
    },
  );
  if (answer.kind !== 'text') throw new Error(answer.kind);
  return { text: answer.text, given };
}

describe('with and without a memory', () => {
  test.each([
    ['greedy', ', maxNewTokens: 12'],
    ['drawn', ', maxNewTokens: 12, temperature: 1.5, seed: 7'],
    ['drawn from few', ', maxNewTokens: 12, temperature: 2, topK: 4, topP: 0.9, seed: 11, repetitionPenalty: 1.3'],
    ['to the end of the context', ', maxNewTokens: 100, temperature: 1'],
  ])('%s: the same text', async (_what, how) => {
    for (const prompt of ['w3', 'w1 w9 w4 w4']) {
      const [a, b] = [await write(plain, prompt, how), await write(cached, prompt, how)];
      expect(a.text.split(' ').length).toBeGreaterThan(5);
      expect(b.text).toBe(a.text);
      const tokens = prompt.split(' ').length;
      expect(a.given.slice(0, 3)).toEqual([tokens, tokens + 1, tokens + 2]);
      expect(b.given.slice(0, 3)).toEqual([tokens, 1, 1]);
    }
  });

  test('another seed draws another text', async () => {
    const [a, b] = await Promise.all([1, 2].map((seed) => write(cached, 'w3', `, maxNewTokens: 12, temperature: 8, seed: ${seed}`)));
    expect(a?.text).not.toBe(b?.text);
  });
});
