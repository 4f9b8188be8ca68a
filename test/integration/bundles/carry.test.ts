import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Elsewhere, elsewhere } from './sources.ts';
import { admit, dir, edit, keys, nothingLeft, registry, source, store } from './workspace.ts';

const run = promisify(execFile);
const REF = 'digits@1.0.0';
let friend: Elsewhere;
let file: string;
beforeEach(async () => {
  friend = await elsewhere(join(dir, 'friend'), keys);
  file = join(dir, 'digits.tar');
  await friend.registry.build(source, { admit });
});
afterEach(() => friend.close());

const exported = () => friend.registry.export(REF, file, {});

test('a bundle travels as one file, and is the same bundle where it arrives', async () => {
  const steps: number[] = [];
  const out = await friend.registry.export(REF, file, { onProgress: ({ fraction }) => fraction !== undefined && steps.push(fraction) });
  expect(out).toEqual({ file, bytes: (await stat(file)).size, resumed: 0 });
  expect(steps.at(-1)).toBe(1);
  expect(await registry.import(file, { admit })).toEqual(friend.registry.list()[0]);
  expect(await registry.verify(REF)).toMatchObject({ ok: true, signed: true });
  expect(await readdir(join(dir, 'store', 'ingest'))).toEqual([]);
  // Two workspaces export the same bytes.
  await registry.export(REF, join(dir, 'again.tar'), {});
  expect((await readFile(file)).equals(await readFile(join(dir, 'again.tar')))).toBe(true);
});

test('the file is a tar that holds an OCI image layout with one entry', async () => {
  await exported();
  const { stdout } = await run('tar', ['-tvf', file]);
  expect(stdout).toContain('index.json');
  const folder = join(dir, 'unpacked');
  await mkdir(folder);
  await run('tar', ['-xf', file, '-C', folder]);
  expect(JSON.parse(await readFile(join(folder, 'oci-layout'), 'utf8'))).toEqual({ imageLayoutVersion: '1.0.0' });
  const index = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8'));
  expect(index.manifests).toMatchObject([{ mediaType: 'application/vnd.oci.image.index.v1+json', annotations: { 'org.opencontainers.image.ref.name': REF } }]);
  expect((await readdir(join(folder, 'blobs', 'sha256'))).length).toBe((await friend.registry.verify(REF)).blobs);
  // An unpacked one, a gzipped one and one that another tar packed come in too.
  await expect(registry.import(folder, { admit })).resolves.toMatchObject({ state: 'sound' });
  await registry.remove(REF);
  await writeFile(`${file}.gz`, gzipSync(await readFile(file)));
  await expect(registry.import(`${file}.gz`, { admit })).resolves.toMatchObject({ state: 'sound' });
  await registry.remove(REF);
  for (const format of ['gnu', 'pax', 'ustar', 'v7']) {
    const other = join(dir, `${format}.tar`);
    await run('tar', [`--format=${format}`, '-cf', other, '-C', folder, '.']);
    await expect(registry.import(other, { admit }), format).resolves.toMatchObject({ state: 'sound' });
    await registry.remove(REF);
  }
  await nothingLeft();
});

test('an export that was cut off goes on from what is right of it', async () => {
  const { bytes } = await exported();
  const whole = await readFile(file);
  await rm(file);
  const partial = `${file}.partial`;
  for (const [there, right] of [
    // How much of a part counts depends on where its last piece ends, and that on the digests; the small documents come first.
    [whole.subarray(0, 50_000), 50_000],
    [Buffer.concat([whole.subarray(0, 50_000), Buffer.alloc(20_000)]), 1000],
    [Buffer.concat([whole, Buffer.from('more')]), bytes],
    [Buffer.from('something else'), 0],
    [whole, bytes],
  ] as const) {
    await writeFile(partial, there);
    const again = await exported();
    expect(again.resumed).toBeGreaterThanOrEqual(right);
    expect(again.resumed).toBeLessThanOrEqual(there.length);
    expect((await readFile(file)).equals(whole)).toBe(true);
    await expect(stat(partial)).rejects.toThrow();
  }
  const stop = new AbortController();
  const cancelled = friend.registry.export(REF, file, { signal: stop.signal, onProgress: ({ fraction }) => (fraction ?? 0) > 0.5 && stop.abort() });
  await expect(cancelled).rejects.toMatchObject({ name: 'AbortError' });
  expect((await stat(partial)).size).toBeGreaterThan(bytes / 3);
  expect((await readFile(file)).equals(whole)).toBe(true);
  expect((await exported()).resumed).toBeGreaterThan(bytes / 3);
});

test('what is damaged or not sound is not exported, and nothing to where no file can be', async () => {
  await expect(friend.registry.export(`${REF}#fp32`, file, {})).rejects.toMatchObject({ code: 'usage.ref' });
  await expect(friend.registry.export(REF, '/dev/null', {})).rejects.toMatchObject({ owner: 'usage' });
  await expect(friend.registry.export(REF, join(dir, 'no', 'where.tar'), {})).rejects.toMatchObject({ code: 'usage.missing-folder' });
  const golden = friend.registry.resolve(REF).files.get('golden.npz')?.digest ?? '';
  const path = friend.store.path(golden);
  const bytes = await readFile(path);
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  await rm(path);
  await writeFile(path, bytes);
  await expect(exported()).rejects.toMatchObject({ code: 'store.blob-altered' });
  expect((await readdir(dir)).filter((name) => name.startsWith('digits.tar'))).toEqual([]);
  await friend.registry.verify(REF);
  await expect(exported()).rejects.toMatchObject({ code: 'bundle.not-usable' });
});

test('every flipped bit of the file is noticed or harmless, and a cut one is refused', { timeout: 120_000 }, async () => {
  await exported();
  const whole = await readFile(file);
  const bad = join(dir, 'bad.tar');
  let refused = 0;
  for (let at = 100; at < whole.length; at += 4_999) {
    const copy = Buffer.from(whole);
    copy[at] = (copy[at] ?? 0) ^ 0x40;
    await writeFile(bad, copy);
    const outcome = await registry.import(bad, { admit }).catch((error: unknown) => error);
    if (outcome instanceof Error) {
      refused++;
      expect(outcome).toMatchObject({ owner: expect.stringMatching(/input|trust/) });
      await nothingLeft();
    } else {
      expect(await registry.verify(REF)).toMatchObject({ ok: true });
      await registry.remove(REF);
    }
  }
  expect(refused).toBeGreaterThan(15);
  await writeFile(bad, whole);
  for (const length of [whole.length - 60_000, 3000, 700, 512, 100, 0]) {
    await truncate(bad, length);
    await expect(registry.import(bad, { admit })).rejects.toMatchObject({ owner: 'input' });
  }
  await nothingLeft();
});

test('what is no bundle says what it is and what to do', async () => {
  const cases: [path: string, hint: RegExp][] = [
    [source, /bundle build/],
    [join(source, 'model.onnx'), /bundle build/],
    [join(source, 'golden.npz'), /Export it again/],
    [dir, /bundle build/],
  ];
  for (const [path, hint] of cases) await expect(registry.import(path, { admit }), path).rejects.toMatchObject({ hint: expect.stringMatching(hint) });
  await expect(registry.import(join(dir, 'nothing.tar'), { admit })).rejects.toMatchObject({ code: 'ENOENT' });
  await writeFile(join(dir, 'bomb.tar.gz'), gzipSync(Buffer.alloc(300 * 1024 * 1024), { level: 9 }));
  await expect(registry.import(join(dir, 'bomb.tar.gz'), { admit })).rejects.toMatchObject({ code: 'archive.unfolds-too-far' });
  await writeFile(join(dir, 'half.tar.gz'), gzipSync(Buffer.alloc(3000)).subarray(0, 20));
  await expect(registry.import(join(dir, 'half.tar.gz'), { admit })).rejects.toMatchObject({ code: 'archive.malformed' });
  await nothingLeft();
});

test('a store of several bundles is a layout too, from which one is named', async () => {
  await edit((text) => text.replace('1.0.0', '1.1.0'));
  await friend.registry.build(source, { admit });
  const folder = friend.store.dir;
  await expect(registry.import(folder, { admit })).rejects.toMatchObject({ code: 'usage.which-bundle', expected: expect.stringContaining('digits@1.1.0') });
  await expect(registry.import(folder, { admit, ref: 'digits@9.0.0' })).rejects.toMatchObject({ code: 'usage.which-bundle' });
  expect(await registry.import(folder, { admit, ref: 'digits@1.1.0' })).toMatchObject({ version: '1.1.0', state: 'sound' });
  await symlink('/etc/passwd', join(dir, 'friend', 'store', 'blobs', 'sha256', 'f'.repeat(64)));
  expect(await registry.import(folder, { admit, ref: REF })).toMatchObject({ version: '1.0.0', state: 'sound' });
  expect(await store.has(`sha256:${'f'.repeat(64)}`)).toBe(false);
});
