/** What is taken in must have shown that it loads and runs: nothing of a model that never ends, or wants all memory, is stored. */
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { cli, throwAwayDir } from '../../lib/cli.ts';

const hostile = (name: string) => join(import.meta.dirname, '..', '..', 'fixtures', 'hostile', name);
const home = await throwAwayDir('admit-test');
afterAll(() => home.remove());

async function build(model: string, files: readonly string[] = []) {
  const { dir, remove } = await throwAwayDir('admit-source');
  try {
    await copyFile(hostile(model), join(dir, 'model.onnx'));
    await writeFile(join(dir, 'edgewright.yaml'), ['name: bomb', 'version: 1.0.0', 'model: model.onnx', ...files].join('\n'));
    const result = await cli(['bundle', 'build', '--json', dir], { home: home.dir });
    return { code: result.code, document: result.json() };
  } finally {
    await remove();
  }
}

it.each([
  ['loop_memory_bomb.onnx', 'model.run-memory'],
  ['shape_mismatch.onnx', 'model.bad-shape'],
])('%s is refused and not stored', async (model, code) => {
  expect(await build(model)).toMatchObject({ code: 2, document: { ok: false, error: { code, owner: 'input', message: expect.stringMatching(/node '.+'/i) } } });
  const list = await cli(['bundle', 'list', '--json'], { home: home.dir });
  expect(list.json()).toMatchObject({ ok: true, bundles: [] });
});

it('a sound one without a golden set is stored, with a warning', async () => {
  const { code, document } = await build('valid_mlp.onnx');
  expect([code, document]).toMatchObject([0, { ok: true, warnings: [{ code: 'bundle.no-golden' }] }]);
});
