import { createHash } from 'node:crypto';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  type Admit,
  type Catalogue,
  openCatalogue,
  openRegistry,
  openStore,
  readBundleManifest,
  type Registry,
  verifyVariantSignature,
  type BlobStore,
} from '#core/bundles';
import { type Keyring, openKeyring, verifySignature } from '#core/trust';

const SAMPLE = new URL('../../../assets/sample-bundle/', import.meta.url);
const admit: Admit = async () => ({ ok: true, warnings: [] });
const sha256 = (data: Uint8Array) => `sha256:${createHash('sha256').update(data).digest('hex')}`;

let keys: string;
let keyring: Keyring;
let dir: string;
let source: string;
let store: BlobStore;
let catalogue: Catalogue;
let registry: Registry;

beforeAll(async () => {
  keys = await mkdtemp(join(tmpdir(), 'ew-reg-keys-'));
  keyring = await openKeyring(keys);
});
afterAll(() => rm(keys, { recursive: true, force: true }));

async function reopen(): Promise<void> {
  store = await openStore(join(dir, 'store'));
  catalogue = openCatalogue(join(dir, 'catalogue.db'));
  registry = await openRegistry({ store, catalogue, keyring });
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ew-reg-'));
  source = join(dir, 'source');
  await cp(SAMPLE, source, { recursive: true });
  await reopen();
});
afterEach(async () => {
  catalogue.close();
  await rm(dir, { recursive: true, force: true });
});

async function edit(change: (text: string) => string): Promise<void> {
  const file = join(source, 'edgewright.yaml');
  await writeFile(file, change(await readFile(file, 'utf8')));
}

async function blobCount(): Promise<number> {
  return (await readdir(join(dir, 'store', 'blobs', 'sha256'))).length;
}

async function nothingLeft(): Promise<void> {
  expect(registry.list()).toEqual([]);
  expect(await store.readIndex()).toEqual([]);
  expect(await blobCount()).toBe(0);
  expect(await readdir(join(dir, 'store', 'ingest'))).toEqual([]);
}

/** Replaces the bytes of a blob, as a failing disk would. */
async function corrupt(digest: string): Promise<void> {
  const path = store.path(digest);
  const bytes = await readFile(path);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  await chmod(path, 0o644);
  await writeFile(path, bytes);
}

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
    recipe: { kind: 'image' },
    limits: { p95Ms: 50, memoryBytes: 400_000_000 },
  });
  expect(shown.examples).toHaveLength(10);
  expect(await registry.verify('digits@1.0.0')).toMatchObject({ ok: true, signed: true, signer: keyring.fingerprint, bad: [] });
  expect(await readdir(join(dir, 'store', 'ingest'))).toEqual([]);
});

test('what is stored is OCI with ModelPack media types, and the signature is a referrer', async () => {
  const built = await registry.build(source, { admit });
  const entries = await store.readIndex();
  expect(entries).toHaveLength(2);
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
  const signature = JSON.parse((await store.read(entries[1]?.digest ?? '')).toString());
  expect(signature).toMatchObject({
    artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a', size: 2 },
    subject: { digest: manifestDigest },
  });
  const files = manifest.layers.map((l: { digest: string; annotations: Record<string, string> }) => ({
    name: l.annotations['org.cncf.model.filepath'] ?? '',
    digest: l.digest,
  }));
  expect(verifySignature(await store.read(signature.layers[0].digest), [keyring.publicKeyPem], files).signer).toBe(keyring.fingerprint);
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
  // Model, its self-description, config, manifest, signature and its manifest; the index replaced the one before.
  expect(await blobCount()).toBe(before + 6);
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
  expect(await registry.collectGarbage()).toBe(0);
});

test('garbage is what nothing leads to, and nothing else', async () => {
  await registry.build(source, { admit });
  const stray = await store.put(Buffer.from('left by a power cut'));
  const before = await blobCount();
  expect(await registry.collectGarbage()).toBe(stray.size);
  expect(await blobCount()).toBe(before - 1);
  expect(await registry.verify('digits@1.0.0')).toMatchObject({ ok: true });
  await rm(store.path(registry.resolve('digits@1.0.0').variant.digest));
  // What a missing manifest leads to is unknown, so nothing may go.
  await expect(registry.collectGarbage()).rejects.toMatchObject({ code: 'store.blob-missing' });
  expect(await blobCount()).toBe(before - 2);
});

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
  expect(await store.readIndex()).toHaveLength(2);
});

test('a bundle signed by a stranger is visible and quarantined', async () => {
  await registry.build(source, { admit });
  catalogue.close();
  const stranger = await openKeyring(join(dir, 'stranger'));
  catalogue = openCatalogue(join(dir, 'other.db'));
  registry = await openRegistry({ store, catalogue, keyring: stranger });
  expect(registry.list()).toMatchObject([{ name: 'digits', state: 'quarantined', signed: false }]);
  expect(() => registry.resolve('digits@1.0.0')).toThrow(expect.objectContaining({ code: 'bundle.not-usable' }));
  expect(await registry.verify('digits@1.0.0')).toMatchObject({ ok: false, signed: false });
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
  expect(await verifyVariantSignature(device, digest, [keyring.publicKeyPem], brought)).toMatchObject({ signer: keyring.fingerprint });
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
  await expect(verifyVariantSignature(device, digest, [(await openKeyring(join(dir, 'stranger'))).publicKeyPem], brought)).rejects.toMatchObject({
    code: 'trust.signature-wrong',
  });
  await expect(verifyVariantSignature(device, digest, [keyring.publicKeyPem], [])).rejects.toMatchObject({ code: 'trust.unsigned' });
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
  await expect(verifyVariantSignature(store, swapped, [keyring.publicKeyPem], signature)).rejects.toMatchObject({ owner: 'trust' });
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
