/** Text in and out on the command line, with a real model: what people see, what scripts get, and what is refused. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli, throwAwayDir } from '../../lib/cli.ts';
import { writeBigram } from '../bigram.ts';

let work: Awaited<ReturnType<typeof throwAwayDir>>;
let home: string;
const run = (...args: string[]) => cli(['run', 'bigram@1.0.0', ...args], { home });

beforeAll(async () => {
  work = await throwAwayDir('text');
  home = join(work.dir, 'home');
  const built = await cli(['bundle', 'build', await writeBigram(join(work.dir, 'bigram'), { answer: 'kind: generate, stopTokens: ["[END]"]' }), '--json'], {
    home,
  });
  expect(built.code, `${built.stdout}${built.stderr}`).toBe(0);
});
afterAll(() => work.remove());

describe('edgewright run', () => {
  test('goes on with a text: as it grows for people, whole for scripts', async () => {
    const human = await run('--text', 'the pump');
    expect(human.code, human.stderr).toBe(0);
    expect(human.stdout).toMatch(/^ stopped at noon\n3 tokens, .* a second; /);
    const script = await run('--text', 'the pump', '--json');
    expect(script.json()).toMatchObject({
      ok: true,
      answer: { kind: 'text', text: ' stopped at noon', tokens: 3, ended: 'end' },
      outputs: [{ name: 'logits' }],
    });
  });

  test('reads a text from a file, and generates as it is told', async () => {
    const file = join(work.dir, 'prompt.txt');
    await writeFile(file, 'the\n');
    expect((await run('--input', file, '--max-new-tokens', '2', '--json')).json()).toMatchObject({ answer: { text: ' pump stopped', ended: 'length' } });
    expect((await run('--input', file, '--stop', ' at', '--json')).json()).toMatchObject({ answer: { text: ' pump stopped', ended: 'stop' } });
    const drawn = await Promise.all([1, 1].map(async (seed) => (await run('--input', file, '--temperature', '9', '--seed', String(seed), '--json')).json()));
    expect(drawn[0]).toMatchObject({ answer: (drawn[1] as { answer: unknown }).answer });
  });

  test.each([
    ['nothing', [], 64, 'usage.input'],
    ['two inputs', ['--text', 'a', '--input', 'a.txt'], 64, 'usage.input'],
    ['a number that is none', ['--text', 'the', '--max-new-tokens', 'many'], 64, 'usage.input'],
    ['too many tokens', ['--text', 'the', '--max-new-tokens', '1000000'], 64, 'usage.input'],
    ['no text', ['--text', ''], 2, 'text.empty'],
  ])('refuses %s', async (_what, args, code, error) => {
    const result = await run(...args, '--json');
    expect(result.code, result.stdout).toBe(code);
    expect(result.json()).toMatchObject({ ok: false, error: { code: error } });
  });

  test('names the byte of a file that is not UTF-8', async () => {
    const file = join(work.dir, 'latin1.txt');
    await writeFile(file, Buffer.from('caf\xe9 noir', 'latin1'));
    const result = await run('--input', file);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('offset 3');
  });
});

describe('a bundle with a tokenizer', () => {
  const build = async (change: (dir: string) => Promise<void>) => {
    const dir = await writeBigram(join(work.dir, `b${Math.random()}`), { name: 'other' });
    await change(dir);
    return cli(['bundle', 'build', dir, '--json'], { home });
  };

  test('takes the file in without a line of its own', async () => {
    const shown = await cli(['bundle', 'show', 'bigram@1.0.0', '--json'], { home });
    expect(shown.json()).toMatchObject({ files: expect.arrayContaining([expect.objectContaining({ path: 'tokenizer.json', role: 'tokenizer' })]) as unknown });
  });

  test.each([
    ['is missing', (dir: string) => rm(join(dir, 'tokenizer.json')), 'bundle.file-missing'],
    ['is broken', (dir: string) => writeFile(join(dir, 'tokenizer.json'), '{"version":"1.0"}'), 'tokenizer.malformed'],
    [
      'lies outside',
      async (dir: string) => {
        const recipe = join(dir, 'recipe.yaml');
        await writeFile(recipe, (await readFile(recipe, 'utf8')).replace('kind: text', 'kind: text\ntokenize: {tokenizer: ../home/tokenizer.json}'));
      },
      'recipe.field-wrong',
    ],
  ])('that %s is not built', async (_what, change, code) => {
    const result = await build(change);
    expect(result.code).toBe(2);
    expect(result.json()).toMatchObject({ ok: false, error: { code } });
  });
});
