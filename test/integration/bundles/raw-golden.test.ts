/** Raw inputs beside a golden set: named by their sample, stored and signed with it, and the recipe held to them before anything is stored. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readBundleManifest } from '#core/bundles';
// The engine's own judgement, without its composition root.
import { admit as judge } from '../../../app/engine/admit.ts';
import { admit, edit, nothingLeft, registry, source, store } from './workspace.ts';

test('they are files of the bundle, with a role of their own', async () => {
  const built = await registry.build(source, { admit: judge });
  const bundle = await readBundleManifest(store, built.variants[0]?.digest ?? '');
  const raw = [...bundle.files.values()].filter((file) => file.role === 'golden-raw').map((file) => file.path);
  expect(raw).toEqual(['golden/0-digit.png', 'golden/1-digit.png', 'golden/2-digit.png']);
  expect(bundle.source).toMatchObject({ golden: 'golden.npz', goldenRaw: 'golden' });
});

test('a recipe that prepares them otherwise than the exporter did is refused, with what it looks like', async () => {
  const recipe = join(source, 'recipe.yaml');
  await writeFile(recipe, (await readFile(recipe, 'utf8')).replace(/^.*normalize.*$/m, ''));
  await expect(registry.build(source, { admit: judge })).rejects.toMatchObject({
    code: 'bundle.raw-mismatch',
    owner: 'gate',
    message: expect.stringMatching(
      /input image of golden sample 0 \(golden\/0-digit\.png\): largest difference 1 at \[0,0,0,0\].*mean 0\.5 and std 0\.5/,
    ) as string,
  });
  await nothingLeft();
});

test('a difference that is meant to be may be allowed', async () => {
  const recipe = join(source, 'recipe.yaml');
  await writeFile(recipe, (await readFile(recipe, 'utf8')).replace('mean: [0.5]', 'mean: [0.501]'));
  await expect(registry.build(source, { admit: judge })).rejects.toMatchObject({ code: 'bundle.raw-mismatch' });
  await edit((text) => text.replace('raw: golden }', 'raw: golden, rawTolerance: { atol: 0.01 } }'));
  await expect(registry.build(source, { admit: judge })).resolves.toMatchObject({ state: 'sound' });
});

test.each([
  ['a file that names no sample', () => rename(join(source, 'golden/1-digit.png'), join(source, 'golden/one.png')), 'bundle.raw-name'],
  ['two of one sample', () => rename(join(source, 'golden/1-digit.png'), join(source, 'golden/0.png')), 'bundle.raw-name'],
  ['none of the golden set', () => rename(join(source, 'golden/1-digit.png'), join(source, 'golden/99.png')), 'bundle.raw-mismatch'],
  ['a file that is none the recipe reads', () => writeFile(join(source, 'golden/1-digit.png'), 'hello'), 'image.format'],
  ['no recipe', () => edit((text) => text.replace(/^recipe:.*$/m, '')), 'bundle.raw-no-recipe'],
  ['a mistyped field', () => edit((text) => text.replace('raw: golden }', 'rau: golden }')), 'bundle.field-unknown'],
  ['no tensors', () => edit((text) => text.replace('tensors: golden.npz, ', '')), 'bundle.field-missing'],
  ['too large a file', () => writeFile(join(source, 'golden/3.png'), Buffer.alloc(5 * 1024 * 1024)), 'bundle.file-too-large'],
])('%s: refused, and nothing is stored', async (_what, change, code) => {
  await mkdir(join(source, 'golden'), { recursive: true });
  await change();
  await expect(registry.build(source, { admit: judge })).rejects.toMatchObject({ code });
  await nothingLeft();
});

test('a list of files, and the plain form of a golden set, stay valid', async () => {
  await edit((text) => text.replace('raw: golden }', 'raw: [golden/2-digit.png] }'));
  expect(await registry.build(source, { admit: judge })).toMatchObject({ state: 'sound' });
  await edit((text) => text.replace(/^golden:.*$/m, 'golden: golden.npz').replace('version: 1.0.0', 'version: 1.1.0'));
  expect(await registry.build(source, { admit })).toMatchObject({ version: '1.1.0' });
});
