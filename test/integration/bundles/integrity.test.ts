import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openCatalogue, openRegistry, openStore, readBundleManifest, verifyVariantSignature } from '#core/bundles';
import { openKeyring, trustKeys } from '#core/trust';
import { admit, blobCount, catalogue, corrupt, dir, edit, keyring, nothingLeft, registry, reopen, source, store } from './workspace.ts';

test('removing drops what only this bundle needs', async () => {
  await registry.build(source, { admit });
  await edit((text) => text.replace('1.0.0', '1.1.0'));
  await registry.build(source, { admit });
  const { freedBytes } = await registry.remove('digits@1.0.0');
  expect(freedBytes).toBeGreaterThan(0);
  expect(registry.list().map((b) => b.version)).toEqual(['1.1.0']);
  expect(await registry.verify('digits@1.1.0')).toMatchObject({ ok: true });
  await registry.remove('digits@1.1.0');
  await nothingLeft();
  await expect(registry.remove('digits@1.1.0')).rejects.toMatchObject({ code: 'usage.unknown-bundle', owner: 'usage' });
});

test('every changed or missing blob is found, says what it affects, and the bundle is unusable until it is whole again', async () => {
  const built = await registry.build(source, { admit });
  const digests = (await registry.show('digits@1.0.0')).files.map((file) => file.digest);
  const manifest = built.variants[0]?.digest ?? '';
  for (const digest of [...digests, manifest, built.digest]) {
    const good = await readFile(store.path(digest));
    await corrupt(digest);
    const result = await registry.verify('digits@1.0.0');
    expect(result.ok).toBe(false);
    expect(result.bad.find((b) => b.digest === digest)?.affects).toContain('digits@1.0.0');
    expect(() => registry.resolve('digits@1.0.0')).toThrow(expect.objectContaining({ code: 'bundle.not-usable', owner: 'trust' }));
    await rm(store.path(digest));
    expect((await registry.verify('digits@1.0.0')).bad.find((b) => b.digest === digest)?.problem).toBe('missing');
    expect(registry.list()[0]?.state).toBe('incomplete');
    await writeFile(store.path(digest), good);
    expect(await registry.verify('digits@1.0.0')).toMatchObject({ ok: true });
    expect(registry.list()[0]?.state).toBe('sound');
  }
});

test('building a damaged bundle again from its folder repairs it', async () => {
  const built = await registry.build(source, { admit });
  const file = (await registry.show('digits@1.0.0')).files.find((f) => f.role === 'golden');
  await corrupt(file?.digest ?? '');
  await registry.verify('digits@1.0.0');
  expect(await registry.build(source, { admit })).toEqual(built);
  expect(await registry.verify('digits@1.0.0')).toMatchObject({ ok: true });
  await rm(store.path(built.variants[0]?.digest ?? ''));
  await registry.verify('digits@1.0.0');
  expect(await registry.build(source, { admit })).toMatchObject({ state: 'sound', signed: true });
  expect(await registry.verify('digits@1.0.0')).toMatchObject({ ok: true });
  expect(await store.readIndex()).toHaveLength(4);
});

test('a bundle signed by a stranger is visible and quarantined', async () => {
  await registry.build(source, { admit });
  const theirs = openCatalogue(join(dir, 'other.db'));
  const stranger = await openRegistry({ store, catalogue: theirs, keyring: await openKeyring(join(dir, 'stranger')) });
  expect(stranger.list()).toMatchObject([{ name: 'digits', state: 'quarantined', signed: false }]);
  expect(() => stranger.resolve('digits@1.0.0')).toThrow(expect.objectContaining({ code: 'bundle.not-usable' }));
  expect(await stranger.verify('digits@1.0.0')).toMatchObject({ ok: false, signed: false });
  theirs.close();
});

test('a device gets everything but calibration and test set, and needs nothing else', async () => {
  const built = await registry.build(source, { admit });
  const digest = built.variants[0]?.digest ?? '';
  const closure = await registry.manifestClosure(digest);
  expect(closure.filter((entry) => ['calibration', 'test'].includes(entry.role))).toEqual([]);
  const device = await openStore(join(dir, 'device'));
  for (const entry of closure)
    expect(await device.put(store.stream(entry.digest), { digest: entry.digest, size: entry.size })).toEqual({ digest: entry.digest, size: entry.size });
  const brought = closure.map((entry) => entry.digest);
  expect(await verifyVariantSignature(device, digest, trustKeys([keyring.publicKeyPem]), brought)).toMatchObject({ signer: keyring.fingerprint });
  const resolved = await readBundleManifest(device, digest);
  expect(resolved).toMatchObject({
    name: 'digits',
    version: '1.0.0',
    variant: { name: 'fp32', precision: 'fp32' },
    source: { metric: { name: 'top1_accuracy' } },
  });
  const slot = join(dir, 'slot');
  await resolved.materialize(slot);
  await resolved.materialize(slot);
  for (const name of ['model.onnx', 'golden.npz', 'labels.txt', 'recipe.yaml', 'edgewright.yaml', 'examples/digit-3.png'])
    expect(await readFile(join(slot, name))).toEqual(await readFile(join(source, name)));
  expect(await readdir(slot)).not.toContain('test.npz');
  await expect(verifyVariantSignature(device, digest, trustKeys([(await openKeyring(join(dir, 'stranger'))).publicKeyPem]), brought)).rejects.toMatchObject({
    code: 'trust.signer-unknown',
  });
  await expect(verifyVariantSignature(device, digest, trustKeys([keyring.publicKeyPem]), [])).rejects.toMatchObject({ code: 'trust.unsigned' });
});

test('a slot is never laid out from changed bytes, nor without a file', async () => {
  const built = await registry.build(source, { admit });
  const resolved = registry.resolve('digits@1.0.0');
  const golden = resolved.files.get('golden.npz')?.digest ?? '';
  await corrupt(golden);
  await expect(resolved.materialize(join(dir, 'slot'))).rejects.toMatchObject({ code: 'store.blob-altered', owner: 'trust' });
  expect(await readdir(join(dir, 'slot'))).not.toContain('golden.npz');
  await rm(store.path(golden));
  await expect(resolved.materialize(join(dir, 'slot'))).rejects.toMatchObject({ code: 'store.blob-missing' });
  await expect(readBundleManifest(store, built.digest)).rejects.toMatchObject({ owner: 'trust' });
});

test('a manifest put together from other parts is refused, although every digest is right', async () => {
  const built = await registry.build(source, { admit });
  const manifest = JSON.parse((await store.read(built.variants[0]?.digest ?? '')).toString());
  const path = (l: { annotations: Record<string, string> }) => l.annotations['org.cncf.model.filepath'];
  const forge = async (change: (m: typeof manifest) => void) => {
    const copy = structuredClone(manifest);
    change(copy);
    return (await store.put(Buffer.from(JSON.stringify(copy)))).digest;
  };
  const find = (m: typeof manifest, name: string) => m.layers.find((l: { annotations: Record<string, string> }) => path(l) === name);
  const signature = (await registry.manifestClosure(built.variants[0]?.digest ?? ''))
    .filter((entry) => entry.role === 'signature')
    .map((entry) => entry.digest);
  for (const change of [
    (m: typeof manifest) => void (find(m, 'golden.npz').annotations['dev.edgewright.role'] = 'example'),
    (m: typeof manifest) => void (find(m, 'golden.npz').annotations['org.cncf.model.filepath'] = '../golden.npz'),
    (m: typeof manifest) => void (find(m, 'golden.npz').annotations['org.cncf.model.filepath'] = 'model.onnx'),
    (m: typeof manifest) => void m.layers.splice(m.layers.indexOf(find(m, 'golden.npz')), 1),
    (m: typeof manifest) => void m.layers.splice(m.layers.indexOf(find(m, 'edgewright.variant.json')), 1),
    (m: typeof manifest) => void (m.artifactType = 'application/x'),
    (m: typeof manifest) =>
      void m.layers.push({ ...find(m, 'golden.npz'), annotations: { 'org.cncf.model.filepath': 'more.bin', 'dev.edgewright.role': 'weights' } }),
  ]) {
    await expect(readBundleManifest(store, await forge(change))).rejects.toMatchObject({ owner: expect.stringMatching(/trust|input/) });
  }
  // Swapped content keeps every path and role, so only the signature tells.
  const swapped = await forge((m) => Object.assign(find(m, 'golden.npz'), { digest: find(m, 'labels.txt').digest, size: find(m, 'labels.txt').size }));
  await expect(verifyVariantSignature(store, swapped, trustKeys([keyring.publicKeyPem]), signature)).rejects.toMatchObject({ owner: 'trust' });
});

test('two builds at once of the same folder give one bundle; of two folders, two', async () => {
  const other = join(dir, 'other');
  await cp(source, other, { recursive: true });
  await writeFile(join(other, 'edgewright.yaml'), (await readFile(join(source, 'edgewright.yaml'), 'utf8')).replace('1.0.0', '3.0.0'));
  const second = await openRegistry({ store: await openStore(join(dir, 'store')), catalogue, keyring });
  const [a, b, c] = await Promise.all([registry.build(source, { admit }), second.build(source, { admit }), second.build(other, { admit })]);
  expect(a).toEqual(b);
  expect(
    registry
      .list()
      .map((s) => s.version)
      .sort(),
  ).toEqual(['1.0.0', '3.0.0']);
  for (const ref of ['digits@1.0.0', c.digest]) expect(await registry.verify(ref)).toMatchObject({ ok: true });
});

test('a damaged catalogue is made again from the store', async () => {
  await registry.build(source, { admit });
  const before = registry.list();
  catalogue.close();
  const file = join(dir, 'catalogue.db');
  const whole = await readFile(file);
  for (const damaged of [Buffer.alloc(9000, 7), whole.subarray(0, 5000), Buffer.concat([whole.subarray(0, 4096), Buffer.alloc(whole.length - 4096, 0xff)])]) {
    await writeFile(file, damaged);
    await reopen();
    expect(registry.list()).toEqual(before);
    expect((await registry.show('digits@1.0.0')).parameters).toBe(14_822);
    catalogue.close();
  }
  await reopen();
});

test('without its list a store says so, loses nothing, and is put right from the blobs', async () => {
  await registry.build(source, { admit });
  const blobs = await blobCount();
  const file = join(dir, 'store', 'index.json');
  const list = await readFile(file);
  const before = registry.list();
  for (const damage of [() => rm(file), () => writeFile(file, 'half a list')]) {
    await damage();
    catalogue.close();
    await reopen();
    const lost = {
      code: expect.stringMatching(/^store\.index-(missing|altered)$/),
      hint: expect.stringContaining('store rebuild'),
      message: expect.stringContaining(file),
    };
    expect(() => registry.list()).toThrow(expect.objectContaining(lost));
    await expect(registry.build(source, { admit })).rejects.toMatchObject(lost);
    await expect(registry.collectGarbage()).rejects.toMatchObject(lost);
    expect(await blobCount()).toBe(blobs);
    expect(await registry.rebuild()).toEqual({ listRestored: true });
    expect(registry.list()).toEqual(before);
    expect(await readFile(file)).toEqual(list);
    expect(await registry.verify('digits@1.0.0')).toMatchObject({ ok: true });
  }
});
