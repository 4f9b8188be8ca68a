/** What is extracted is what was signed, for any verifier, and nothing on disk is ever overwritten or left half-written. */
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { openRegistry, type Registry } from '#core/bundles';
import { judgeFolder, trustKeys } from '#core/trust';
import { elsewhere, sourceOf } from './sources.ts';
import { admit, catalogue, corrupt, dir, keyring, source, store } from './workspace.ts';

const REF = 'digits@1.0.0';
let registry: Registry;
beforeEach(async () => {
  registry = await openRegistry({ store, catalogue, keyring });
});

const parts = async (folder: string) => (await readdir(folder, { recursive: true, withFileTypes: true })).filter((e) => e.isFile()).map((e) => e.name);

test('exactly the signed files lie there, and a verifier that knows only the key accepts them until one byte changes', async () => {
  await registry.build(source, { admit });
  const target = join(dir, 'new', 'digits');
  const done = await registry.extract(REF, target);
  expect(done).toMatchObject({ name: 'digits', version: '1.0.0', dir: target, signer: keyring.fingerprint });
  expect(await readFile(join(target, 'signer.pub'), 'utf8')).toBe(keyring.publicKeyPem);
  const listed = await parts(target);
  expect(listed).toHaveLength(done.files + 2);
  const signaturePath = join(target, 'model.sig');
  const judged = async () =>
    judgeFolder(target, await readFile(signaturePath), {
      anchors: trustKeys([keyring.publicKeyPem]),
      signaturePath,
      ignore: [join(target, 'signer.pub')],
      ignoreUnsigned: false,
      now: Date.now(),
    });
  await judged();
  // A copy, not a link into the store: changing it is seen here, and harms nothing there.
  const model = join(target, 'model.onnx');
  expect((await stat(model)).nlink).toBe(1);
  await writeFile(model, Buffer.concat([await readFile(model), Buffer.from([0])]));
  await expect(judged()).rejects.toMatchObject({ owner: 'trust' });
  expect((await registry.verify(REF)).bad).toEqual([]);
});

test('an empty folder is filled; one with anything in it, or a file, is left as it is', async () => {
  await registry.build(source, { admit });
  const empty = join(dir, 'empty');
  await mkdir(empty);
  await registry.extract(REF, empty);
  expect(await parts(empty)).toContain('model.sig');
  await expect(registry.extract(REF, empty)).rejects.toMatchObject({ code: 'usage.not-empty', owner: 'usage' });
  const file = join(dir, 'file');
  await writeFile(file, 'mine');
  await expect(registry.extract(REF, file)).rejects.toMatchObject({ code: 'usage.not-a-folder', owner: 'usage' });
  expect(await readFile(file, 'utf8')).toBe('mine');
});

test('a damaged blob, or a person who stops it, leaves no folder behind', async () => {
  await registry.build(source, { admit });
  const before = await readdir(dir);
  await expect(registry.extract(REF, join(dir, 'out'), { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
  expect(await readdir(dir)).toEqual(before);
  const { files } = await registry.show(REF);
  await corrupt(files.find((one) => one.path === 'model.onnx')?.digest ?? '');
  await expect(registry.extract(REF, join(dir, 'out'))).rejects.toMatchObject({ code: 'store.digest-mismatch', owner: 'trust' });
  expect(await readdir(dir)).toEqual(before);
});

test('what nobody trusted signed is not extracted', async () => {
  const stranger = await elsewhere(join(dir, 'stranger'));
  try {
    await stranger.registry.build(source, { admit });
    await registry.receive(await sourceOf(stranger, REF), { admit });
    await expect(registry.extract(REF, join(dir, 'out'))).rejects.toMatchObject({ code: 'bundle.not-usable', owner: 'trust' });
  } finally {
    stranger.close();
  }
});
