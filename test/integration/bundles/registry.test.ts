import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Admit } from '#core/bundles';
import { trustKeys, verifySignature } from '#core/trust';
import { admit, blobCount, catalogue, dir, edit, keyring, nothingLeft, registry, reopen, source, store } from './workspace.ts';

const sha256 = (data: Uint8Array) => `sha256:${createHash('sha256').update(data).digest('hex')}`;

test('a folder becomes a listed, shown, signed and verified bundle', async () => {
  const built = await registry.build(source, { admit });
  expect(built).toMatchObject({
    name: 'digits',
    version: '1.0.0',
    signed: true,
    state: 'sound',
    variants: [{ name: 'fp32', precision: 'fp32', bytes: 62_315, signed: true }],
  });
  expect(registry.list()).toEqual([built]);
  const shown = await registry.show('digits@1.0.0');
  expect(shown).toMatchObject({
    inputs: [{ name: 'image', type: 'float32' }],
    outputs: [{ name: 'logits' }],
    parameters: 14_822,
    labels: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
    metric: { name: 'top1_accuracy', output: 'logits' },
    recipe: { kind: 'image', steps: expect.arrayContaining(['to gray (BT.601)']) },
    limits: { p95Ms: 50, memoryBytes: 400_000_000 },
  });
  expect(shown.examples).toHaveLength(10);
  expect(await registry.verify('digits@1.0.0')).toMatchObject({ ok: true, signed: true, signer: keyring.fingerprint, bad: [] });
  expect(await readdir(join(dir, 'store', 'ingest'))).toEqual([]);
});

test('what is stored is OCI with ModelPack media types, and the signature and the bill of materials are referrers', async () => {
  const built = await registry.build(source, { admit });
  const entries = await store.readIndex();
  expect(entries.map(({ artifactType }) => artifactType).sort()).toEqual([
    'application/vnd.cyclonedx+json',
    'application/vnd.dev.sigstore.bundle.v0.3+json',
    'application/vnd.dev.sigstore.bundle.v0.3+json',
    undefined,
  ]);
  expect(entries[0]).toMatchObject({
    mediaType: 'application/vnd.oci.image.index.v1+json',
    digest: built.digest,
    annotations: { 'org.opencontainers.image.ref.name': 'digits@1.0.0' },
  });
  const manifestDigest = built.variants[0]?.digest ?? '';
  const manifest = JSON.parse((await store.read(manifestDigest)).toString());
  expect(manifest).toMatchObject({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    artifactType: 'application/vnd.cncf.model.manifest.v1+json',
    config: { mediaType: 'application/vnd.cncf.model.config.v1+json' },
  });
  const layer = (path: string) => manifest.layers.find((l: { annotations: Record<string, string> }) => l.annotations['org.cncf.model.filepath'] === path);
  expect(layer('model.onnx')).toMatchObject({
    mediaType: 'application/vnd.cncf.model.weight.v1.raw',
    digest: sha256(await readFile(join(source, 'model.onnx'))),
    annotations: { 'dev.edgewright.role': 'model' },
  });
  expect(JSON.parse(layer('model.onnx').annotations['org.cncf.model.file.metadata+json'])).toMatchObject({ name: 'model.onnx', size: 62_315, typeflag: 48 });
  expect(layer('test.npz').mediaType).toBe('application/vnd.cncf.model.dataset.v1.raw');
  expect(layer('recipe.yaml').mediaType).toBe('application/vnd.cncf.model.weight.config.v1.raw');
  const config = JSON.parse((await store.read(manifest.config.digest)).toString());
  expect(config).toMatchObject({
    descriptor: { name: 'digits', version: '1.0.0', licenses: ['CC0-1.0'] },
    config: { format: 'onnx', precision: 'float32', paramSize: '14.8K' },
  });
  expect(config.modelfs).toEqual({ type: 'layers', diffIds: manifest.layers.map((l: { digest: string }) => l.digest) });
  const signed = entries.find((entry) => entry.annotations?.['dev.sigstore.bundle.predicateType'] === 'https://model_signing/signature/v1.0');
  const signature = JSON.parse((await store.read(signed?.digest ?? '')).toString());
  expect(signature).toMatchObject({
    artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a', size: 2 },
    subject: { digest: manifestDigest },
  });
  const files = manifest.layers.map((l: { digest: string; annotations: Record<string, string> }) => ({
    name: l.annotations['org.cncf.model.filepath'] ?? '',
    digest: l.digest,
  }));
  expect(verifySignature(await store.read(signature.layers[0].digest), trustKeys([keyring.publicKeyPem]), files).signer).toBe(keyring.fingerprint);
});

test('the same content again changes nothing and is not run again; other content under the same name is refused', async () => {
  const first = await registry.build(source, { admit });
  const index = await readFile(join(dir, 'store', 'index.json'), 'utf8');
  const never: Admit = () => Promise.reject(new Error('was run again'));
  expect(await registry.build(source, { admit: never })).toEqual(first);
  expect(await readFile(join(dir, 'store', 'index.json'), 'utf8')).toBe(index);
  await edit((text) => text.replace('50 ms', '60 ms'));
  await expect(registry.build(source, { admit: never })).rejects.toMatchObject({ code: 'bundle.version-taken', owner: 'input' });
  await edit((text) => text.replace('1.0.0', '1.0.1'));
  await registry.build(source, { admit });
  expect(
    registry
      .list()
      .map((b) => b.version)
      .sort(),
  ).toEqual(['1.0.0', '1.0.1']);
});

test('the engine is shown a private copy: what changes in the folder meanwhile changes nothing', async () => {
  const original = await readFile(join(source, 'model.onnx'));
  const built = await registry.build(source, {
    admit: async (candidate) => {
      await writeFile(join(source, 'model.onnx'), 'swapped');
      expect(await readFile(candidate.modelPath)).toEqual(original);
      expect(candidate).toMatchObject({ name: 'digits', tolerances: { int8: { agreement: 0.95 } }, metric: { name: 'top1_accuracy' } });
      for (const path of [
        candidate.goldenPath,
        candidate.calibrationPath,
        candidate.testPath,
        candidate.recipePath,
        candidate.labelsPath,
        ...candidate.examplePaths,
      ])
        expect((await stat(path ?? '')).isFile()).toBe(true);
      return { ok: true, warnings: [] };
    },
  });
  expect(built.variants[0]?.bytes).toBe(original.length);
});

test.each<[string, () => Promise<unknown>, object]>([
  [
    'the engine refuses it',
    async () => registry.build(source, { admit: () => Promise.reject(Object.assign(new Error('golden'), { marker: 1 })) }),
    { marker: 1 },
  ],
  [
    'its checks say no',
    async () => registry.build(source, { admit: async () => ({ ok: false, warnings: [{ code: 'x', message: 'slow' }] }) }),
    { code: 'bundle.refused' },
  ],
  ['it is cancelled', async () => registry.build(source, { admit, signal: AbortSignal.abort() }), { name: 'AbortError' }],
  ['the model is no ONNX', async () => writeFile(join(source, 'model.onnx'), 'no model').then(() => registry.build(source, { admit })), { owner: 'input' }],
  [
    'the model is truncated',
    async () =>
      writeFile(join(source, 'model.onnx'), (await readFile(join(source, 'model.onnx'))).subarray(0, 30_000)).then(() => registry.build(source, { admit })),
    { owner: 'input' },
  ],
  ['a file is missing', async () => rm(join(source, 'golden.npz')).then(() => registry.build(source, { admit })), { code: 'bundle.file-missing' }],
  ['there is no description', async () => rm(join(source, 'edgewright.yaml')).then(() => registry.build(source, { admit })), { code: 'bundle.source-missing' }],
  ['there is no folder', async () => registry.build(join(dir, 'nowhere'), { admit }), { owner: 'usage' }],
  ['the folder is a file', async () => registry.build(join(source, 'model.onnx'), { admit }), { owner: 'usage' }],
  [
    'a field is unknown',
    async () => edit((text) => text.replace('labels:', 'lables:')).then(() => registry.build(source, { admit })),
    { code: 'bundle.field-unknown', hint: 'Did you mean "labels"?' },
  ],
  [
    'the metric reads an output that is not there',
    async () => edit((text) => text.replace('output: logits', 'output: logit')).then(() => registry.build(source, { admit })),
    { code: 'bundle.metric-output', hint: 'Did you mean "logits"?' },
  ],
  [
    'the recipe has a step that does not exist',
    async () => writeFile(join(source, 'recipe.yaml'), 'kind: image\nsteps: [grey]\n').then(() => registry.build(source, { admit })),
    { owner: 'input', code: expect.stringMatching(/^recipe\./) },
  ],
  [
    'the recipe reads an output that is not there',
    async () =>
      writeFile(join(source, 'recipe.yaml'), 'kind: image\nsteps: []\nanswer: { kind: labels, output: logit }\n').then(() => registry.build(source, { admit })),
    { code: 'bundle.recipe-output', hint: 'Did you mean "logits"?' },
  ],
  [
    'two paths collide',
    async () =>
      cp(join(source, 'labels.txt'), join(source, 'RECIPE.yaml'))
        .then(() => edit((text) => text.replace('labels.txt', 'RECIPE.yaml')))
        .then(() => registry.build(source, { admit })),
    { code: 'bundle.paths-collide' },
  ],
])('nothing is stored when %s', async (_name, attempt, error) => {
  await expect(attempt()).rejects.toMatchObject(error);
  await nothingLeft();
});

test('links: inside the folder they are followed, out of it they are refused; a folder or a pipe is no file', async () => {
  await rename(join(source, 'golden.npz'), join(source, 'real.npz'));
  await symlink('real.npz', join(source, 'golden.npz'));
  await registry.build(source, { admit });
  await edit((text) => text.replace('1.0.0', '2.0.0'));
  await rm(join(source, 'labels.txt'));
  await writeFile(join(dir, 'secret.txt'), 'secret');
  await symlink('../secret.txt', join(source, 'labels.txt'));
  await expect(registry.build(source, { admit })).rejects.toMatchObject({ code: 'bundle.path-leaves', owner: 'input' });
  await rm(join(source, 'labels.txt'));
  await mkdir(join(source, 'labels.txt'));
  await expect(registry.build(source, { admit })).rejects.toMatchObject({ code: 'bundle.not-a-file', owner: 'input' });
});

test('the catalogue follows from the blobs: deleted, or behind, it is made again', async () => {
  const built = await registry.build(source, { admit });
  const shown = await registry.show('digits@1.0.0');
  catalogue.close();
  for (const name of await readdir(dir)) if (name.startsWith('catalogue.db')) await rm(join(dir, name));
  await reopen();
  expect(registry.list()).toEqual([built]);
  expect(await registry.show('digits@1.0.0')).toEqual(shown);
  await store.exclusively(() => store.writeIndex([]));
  catalogue.close();
  await reopen();
  expect(registry.list()).toEqual([]);
});

test('a variant joins the bundle, shares its files, is signed by itself, and can be addressed', async () => {
  await registry.build(source, { admit });
  const before = await blobCount();
  const model = await readFile(join(source, 'model.onnx'));
  // A metadata entry at the end: another file, the same model.
  const other = join(dir, 'other.onnx');
  await writeFile(other, Buffer.concat([model, Buffer.from([0x72, 0x06, 0x0a, 0x01, 0x61, 0x12, 0x01, 0x62])]));
  const variant = await registry.addVariant('digits@1.0.0', { name: 'int8-static', modelPath: other, precision: 'int8', quantization: 'S8S8 per-channel' });
  expect(variant).toMatchObject({ name: 'int8-static', precision: 'int8', quantization: 'S8S8 per-channel', signed: true, bytes: model.length + 8 });
  // Model, its self-description, config, manifest; signature, bill and statement with a manifest each; the index replaced the one before.
  expect(await blobCount()).toBe(before + 10);
  expect(registry.list()[0]?.variants.map((v) => v.name)).toEqual(['fp32', 'int8-static']);
  expect(registry.resolve('digits@1.0.0').variant.name).toBe('fp32');
  expect(registry.resolve('digits@1.0.0#int8-static').variant).toEqual(variant);
  expect(registry.resolve(variant.digest).variant).toEqual(variant);
  expect(await registry.verify('digits@1.0.0')).toMatchObject({ ok: true });
  expect(await registry.addVariant('digits@1.0.0', { name: 'int8-static', modelPath: other, precision: 'int8' })).toEqual(variant);
  await expect(registry.addVariant('digits@1.0.0', { name: 'int8-static', modelPath: join(source, 'model.onnx'), precision: 'int8' })).rejects.toMatchObject({
    code: 'bundle.variant-taken',
  });
  const replaced = await registry.addVariant('digits@1.0.0', { name: 'int8-static', modelPath: join(source, 'model.onnx'), precision: 'int8', replace: true });
  expect(replaced.digest).not.toBe(variant.digest);
  expect(await store.has(variant.digest)).toBe(false);
  expect(await registry.verify('digits@1.0.0')).toMatchObject({ ok: true });
  expect(() => registry.resolve('digits@1.0.0#int9')).toThrow(expect.objectContaining({ code: 'usage.unknown-variant' }));
  expect(await registry.collectGarbage()).toMatchObject({ blobs: 0, freedBytes: 0 });
});

test('garbage is what nothing leads to, and nothing else', async () => {
  await registry.build(source, { admit });
  const stray = await store.put(Buffer.from('left by a power cut'));
  const before = await blobCount();
  expect(await registry.collectGarbage({ dryRun: true })).toMatchObject({ blobs: 1, freedBytes: stray.size });
  expect(await registry.collectGarbage()).toMatchObject({ blobs: 1, freedBytes: stray.size });
  expect(await blobCount()).toBe(before - 1);
  expect(await registry.verify('digits@1.0.0')).toMatchObject({ ok: true });
  await rm(store.path(registry.resolve('digits@1.0.0').variant.digest));
  // What a missing manifest leads to is unknown, so nothing may go.
  await expect(registry.collectGarbage()).rejects.toMatchObject({ code: 'store.damaged', owner: 'machine' });
  expect(await blobCount()).toBe(before - 2);
});
