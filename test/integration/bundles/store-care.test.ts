import { chmod, mkdir, readdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestOf } from '#core/bundles';
import { type Elsewhere, elsewhere, sourceOf } from './sources.ts';
import { admit, blobCount, catalogue, dir, edit, keyring, registry, reopen, source, store } from './workspace.ts';

const REF = 'digits@1.0.0';
let stranger: Elsewhere;
beforeEach(async () => {
  stranger = await elsewhere(join(dir, 'stranger'));
  await registry.build(source, { admit });
});
afterEach(() => stranger.close());

/** The same model in another file. */
async function otherModel(name: string): Promise<string> {
  const path = join(dir, `${name}.onnx`);
  await writeFile(path, Buffer.concat([await readFile(join(source, 'model.onnx')), Buffer.from([0x32, name.length]), Buffer.from(name)]));
  return path;
}

const indexFile = () => readFile(join(dir, 'store', 'index.json'), 'utf8');
const digestsHere = async () => (await readdir(join(dir, 'store', 'blobs', 'sha256'))).map((name) => `sha256:${name}`);

test('any flipped bits in any blobs: exactly those blobs are named, with what they affect; put back, all is well', { timeout: 120_000 }, async () => {
  await registry.addVariant(REF, { name: 'half', modelPath: await otherModel('half'), precision: 'fp16' });
  await edit((text) => text.replace('1.0.0', '1.1.0'));
  await registry.build(source, { admit });
  const all = (await digestsHere()).sort();
  const whole = new Map(await Promise.all(all.map(async (digest) => [digest, await readFile(store.path(digest))] as const)));
  for (const digest of all) await chmod(store.path(digest), 0o644);
  const flip = fc.record({ blob: fc.nat(all.length - 1), bit: fc.nat() });
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(flip, { minLength: 1, maxLength: 4, selector: (one) => one.blob }), async (flips) => {
      const hit = flips.map(({ blob, bit }) => {
        const digest = all[blob] ?? '';
        const bytes = Buffer.from(whole.get(digest) ?? '');
        const at = bit % (bytes.length * 8);
        bytes[at >> 3] = (bytes[at >> 3] ?? 0) ^ (1 << (at & 7));
        return { digest, bytes };
      });
      for (const { digest, bytes } of hit) await writeFile(store.path(digest), bytes);
      const result = await registry.verifyStore();
      expect(result.ok).toBe(false);
      expect(result.blobs).toBe(all.length);
      expect(result.bad.map((one) => one.digest).sort()).toEqual(hit.map((one) => one.digest).sort());
      for (const { affects } of result.bad) expect(affects.some((ref) => /^digits@1\.[01]\.0$/.test(ref))).toBe(true);
      const affected = new Set(result.bad.flatMap((one) => one.affects));
      for (const { name, version, state } of registry.list()) expect(state === 'sound', version).toBe(!affected.has(`${name}@${version}`));
      for (const { digest } of hit) await writeFile(store.path(digest), whole.get(digest) ?? '');
      expect(await registry.verifyStore()).toMatchObject({ ok: true, bad: [], extra: [] });
      expect(registry.list().map((bundle) => bundle.state)).toEqual(['sound', 'sound']);
    }),
    { numRuns: 15 },
  );
});

test('what is missing, cut, misnamed, superfluous or no blob at all is told apart', async () => {
  const { files } = await registry.show(REF);
  const at = (path: string) => store.path(files.find((file) => file.path === path)?.digest ?? '');
  const blobs = join(dir, 'store', 'blobs', 'sha256');
  const stray = await store.put(Buffer.from('needed by nothing'));
  await rm(at('labels.txt'));
  await chmod(at('golden.npz'), 0o644);
  await truncate(at('golden.npz'), 100);
  const misnamed = digestOf('another name');
  await rename(at('recipe.yaml'), store.path(misnamed));
  await writeFile(join(blobs, 'notes.txt'), 'x');
  await mkdir(join(blobs, 'a'.repeat(64)));
  await symlink('/etc/passwd', join(blobs, 'b'.repeat(64)));
  const result = await registry.verifyStore();
  const problem = (digest: string) => result.bad.find((one) => one.digest === digest)?.problem;
  const digestAt = (path: string) => files.find((file) => file.path === path)?.digest ?? '';
  expect(problem(digestAt('labels.txt'))).toBe('missing');
  expect(problem(digestAt('golden.npz'))).toMatch(/^100 bytes long instead of /);
  expect(problem(digestAt('recipe.yaml'))).toBe('missing');
  expect(problem(misnamed)).toMatch(/altered/);
  for (const name of ['notes.txt', 'a'.repeat(64), 'b'.repeat(64)]) expect(problem(name)).toMatch(/no blob/);
  expect(result.bad).toHaveLength(7);
  expect(result.bad.find((one) => one.digest === digestAt('labels.txt'))?.affects).toEqual([REF, `${REF}#fp32`, `${REF}#fp32 labels.txt`]);
  expect(result.extra).toEqual([{ digest: stray.digest, bytes: stray.size }]);
  expect(registry.list()[0]?.state).not.toBe('sound');
});

test('verifying can be watched and cancelled', async () => {
  const fractions: number[] = [];
  await registry.verifyStore({ onProgress: ({ fraction }) => fraction !== undefined && fractions.push(fraction) });
  expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
  const stop = new AbortController();
  await expect(registry.verifyStore({ signal: stop.signal, onProgress: () => stop.abort() })).rejects.toMatchObject({ name: 'AbortError' });
  expect(registry.list()[0]).toMatchObject({ state: 'sound' });
});

test('a bundle whose index is damaged makes nothing look superfluous', async () => {
  const { digest } = registry.identify(REF);
  await chmod(store.path(digest), 0o644);
  await writeFile(store.path(digest), 'not what it was');
  catalogue.close();
  await rm(join(dir, 'catalogue.db'));
  await reopen();
  const result = await registry.verifyStore();
  expect(result).toMatchObject({ ok: false, extra: [], bad: [{ digest, affects: [REF] }] });
  await registry.remove(REF);
  expect((await registry.collectGarbage()).blobs).toBeGreaterThan(3);
  expect(await registry.verifyStore()).toMatchObject({ ok: true, blobs: 0 });
  expect(await store.readIndex()).toEqual([]);
});

test('what somebody else needs is neither superfluous nor removed', async () => {
  const kept = await store.put(Buffer.from('a registry has it'));
  store.addKeeper((digest) => digest === kept.digest);
  expect((await registry.verifyStore()).extra).toEqual([]);
  expect(await registry.collectGarbage()).toMatchObject({ blobs: 0 });
  expect(await store.has(kept.digest)).toBe(true);
});

test('parts of blobs wait for a while, and are swept then', async () => {
  await stranger.registry.build(source, { admit });
  await registry.remove(REF);
  await expect(registry.receive(await sourceOf(stranger, REF, { breakAfter: 40_000 }), { admit })).rejects.toThrow();
  expect(await registry.collectGarbage()).toMatchObject({ partialBytes: 0 });
  const { partialBytes } = await registry.collectGarbage({ dryRun: true, partialsOlderThanMs: -1 });
  expect(partialBytes).toBeGreaterThan(30_000);
  expect(await registry.collectGarbage({ partialsOlderThanMs: -1 })).toMatchObject({ partialBytes });
  expect(await readdir(join(dir, 'store', 'partial'))).toEqual([]);
});

test('index.json is made again byte for byte, whatever happened before', async () => {
  await registry.addVariant(REF, { name: 'half', modelPath: await otherModel('half'), precision: 'fp16' });
  await registry.addVariant(REF, { name: 'half', modelPath: await otherModel('other'), precision: 'fp16', replace: true });
  await edit((text) => text.replace('1.0.0', '1.1.0'));
  await registry.build(source, { admit });
  await stranger.registry.build(source.replace(/$/, ''), { admit });
  await edit((text) => text.replace('1.1.0', '2.0.0').replace('name: digits', 'name: theirs'));
  await stranger.registry.build(source, { admit });
  await registry.receive(await sourceOf(stranger, 'theirs@2.0.0'), { admit });
  await registry.remove('digits@1.1.0');
  const [list, before, shown] = [await indexFile(), registry.list(), await registry.show(REF)];
  const steps = new Set<string>();
  for (const damage of [() => rm(join(dir, 'store', 'index.json')), () => writeFile(join(dir, 'store', 'index.json'), list.slice(0, 300))]) {
    await damage();
    catalogue.close();
    await rm(join(dir, 'catalogue.db'));
    await reopen();
    expect(await registry.rebuild({ onProgress: ({ step }) => steps.add(step) })).toEqual({ listRestored: true });
    expect(await indexFile()).toBe(list);
    expect(registry.list()).toEqual(before);
    expect(await registry.show(REF)).toEqual(shown);
  }
  expect(steps.size).toBeGreaterThan(0);
  expect(await registry.rebuild()).toEqual({ listRestored: false });
  expect(registry.list()).toEqual(before);
  expect(registry.list().map(({ name, state }) => [name, state])).toEqual([
    ['digits', 'sound'],
    ['theirs', 'quarantined'],
  ]);
});

test('a file of a stranger’s bundle that looks like a list takes no name, and the place of no bundle', async () => {
  await registry.addVariant(REF, { name: 'half', modelPath: await otherModel('half'), precision: 'fp16' });
  const real = JSON.parse((await store.read(registry.identify(REF).digest)).toString()) as {
    manifests: { annotations: Record<string, string> }[];
    annotations: Record<string, string>;
  };
  const list = await indexFile();
  // Of the real variants only one, then a variant that is the stranger's, then another name for the real ones; and the real index itself.
  await edit((text) => text.replace('name: digits', 'name: theirs'));
  await stranger.registry.build(source, { admit });
  const theirs = JSON.parse((await stranger.store.read(stranger.registry.identify('theirs@1.0.0').digest)).toString()) as typeof real;
  const fakes = [
    { ...real, manifests: real.manifests.slice(0, 1) },
    { ...real, manifests: [...real.manifests, ...theirs.manifests] },
    { ...real, annotations: { ...real.annotations, 'dev.edgewright.name': 'taken' } },
    { ...theirs, annotations: { ...theirs.annotations, 'dev.edgewright.version': '9.0.0' } },
    real,
  ];
  for (const [i, fake] of fakes.entries()) await writeFile(join(source, 'examples', `fake-${i}.json`), JSON.stringify(fake));
  await edit((text) => text.replace('1.0.0', '1.0.1'));
  await stranger.registry.build(source, { admit });
  await registry.receive(await sourceOf(stranger, 'theirs@1.0.1'), { admit });
  const before = registry.list();
  expect(before.map((b) => b.name)).toEqual(['digits', 'theirs']);
  const withTheirs = await indexFile();
  expect(withTheirs).not.toBe(list);
  await rm(join(dir, 'store', 'index.json'));
  expect(await registry.rebuild()).toEqual({ listRestored: true });
  expect(registry.list()).toEqual(before);
  expect(await indexFile()).toBe(withTheirs);
  expect(keyring.fingerprint).toBeTruthy();
  expect(await blobCount()).toBeGreaterThan(10);
});
