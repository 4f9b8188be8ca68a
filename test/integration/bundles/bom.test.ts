import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { expect, test } from 'vitest';
import { digestOf } from '#core/bundles';
import { admit, blobCount, catalogue, dir, edit, keyring, registry, reopen, source, store } from './workspace.ts';

const REF = 'digits@1.0.0';

interface Component {
  type: string;
  name: string;
  hashes: { alg: string; content: string }[];
  properties: { name: string; value: string }[];
}
interface Bom {
  serialNumber: string;
  version: number;
  metadata: {
    timestamp: string;
    component: Component & {
      version: string;
      licenses?: unknown;
      purl: string;
      pedigree?: { ancestors: { purl: string }[]; notes: string };
      modelCard: { modelParameters: { task?: string }; quantitativeAnalysis?: { performanceMetrics: unknown[] } };
    };
  };
  components: Component[];
}

async function bomOf(ref: string): Promise<{ text: string; bom: Bom }> {
  const { text } = await registry.bom(ref);
  return { text, bom: JSON.parse(text) as Bom };
}

async function schemaProblem(text: string): Promise<unknown> {
  return new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text);
}

/** The model with a doc string: another file that answers the same. */
async function addVariant(name: string, more: { quantization?: string; metric?: { name: string; value: number; low: number; high: number } } = {}) {
  const modelPath = join(dir, `${name}.onnx`);
  await writeFile(modelPath, Buffer.concat([await readFile(join(source, 'model.onnx')), Buffer.from([0x32, name.length]), Buffer.from(name)]));
  return registry.addVariant(REF, { name, modelPath, precision: 'int8', ...more });
}

test('a build attaches a signed bill of materials that the official schema takes, with every file by its hash', async () => {
  const built = await registry.build(source, { admit });
  const { text, bom } = await bomOf(REF);
  expect(await schemaProblem(text)).toBeNull();
  const { files, referrers, warnings } = await registry.show(REF);
  expect(new Map(bom.components.map(({ name, hashes }) => [name, `sha256:${hashes[0]?.content}`]))).toEqual(new Map(files.map((f) => [f.path, f.digest])));
  expect(bom.metadata.component).toMatchObject({
    type: 'machine-learning-model',
    name: 'digits',
    version: '1.0.0',
    licenses: [{ expression: 'CC0-1.0' }],
    modelCard: { modelParameters: { task: 'classification', architectureFamily: 'convolutional neural network' } },
    hashes: [{ alg: 'SHA-256', content: files.find((f) => f.path === 'model.onnx')?.digest.slice(7) }],
  });
  expect(bom.metadata.component.properties).toContainEqual({ name: 'edgewright:manifest', value: built.variants[0]?.digest });
  expect(referrers.map(({ kind, valid, signer }) => ({ kind, valid, signer }))).toEqual(
    expect.arrayContaining(['signature', 'bom', 'attestation'].map((kind) => ({ kind, valid: true, signer: keyring.fingerprint }))),
  );
  expect(referrers).toHaveLength(3);
  expect(warnings).toEqual([]);
  expect(await registry.verify(REF)).toMatchObject({ ok: true, warnings: [] });
  // It is a referrer like any other: its manifest names the variant's.
  const manifest = JSON.parse((await store.read(referrers.find(({ kind }) => kind === 'bom')?.digest ?? '')).toString()) as {
    subject: unknown;
    layers: object[];
  };
  expect(manifest).toMatchObject({ artifactType: 'application/vnd.cyclonedx+json', subject: { digest: built.variants[0]?.digest } });
  expect(manifest.layers).toMatchObject([{ mediaType: 'application/vnd.cyclonedx+json', digest: digestOf(text) }]);
});

test('a quantized variant names what it was made from, how, and what a trial found', async () => {
  const built = await registry.build(source, { admit });
  await addVariant('int8-static', { quantization: 'S8S8 per-channel', metric: { name: 'top1_accuracy', value: 0.97, low: 0.95, high: 0.98 } });
  const { text, bom } = await bomOf(`${REF}#int8-static`);
  expect(await schemaProblem(text)).toBeNull();
  const { pedigree, modelCard } = bom.metadata.component;
  expect(pedigree?.ancestors[0]?.purl).toBe(`pkg:oci/digits@${encodeURIComponent(built.variants[0]?.digest ?? '')}`);
  expect(pedigree?.notes).toContain('S8S8 per-channel');
  expect(modelCard.quantitativeAnalysis?.performanceMetrics).toEqual([
    { type: 'top1_accuracy', value: '0.97', slice: 'test.npz', confidenceInterval: { lowerBound: '0.95', upperBound: '0.98' } },
  ]);
  expect(await registry.verify(REF)).toMatchObject({ ok: true, warnings: [] });
});

test('what a later trial found makes the next revision, which takes the place of the one before', async () => {
  await registry.build(source, { admit });
  const blobs = await blobCount();
  const first = await bomOf(REF);
  const metric = { name: 'top1_accuracy', value: 0.98, low: 0.96, high: 0.99 };
  const id = { name: 'digits', version: '1.0.0' };
  await registry.noteMetric(id, 'fp32', metric);
  const second = await bomOf(REF);
  expect(await schemaProblem(second.text)).toBeNull();
  expect(second.bom).toMatchObject({ serialNumber: first.bom.serialNumber, version: 2, components: first.bom.components });
  expect(second.bom.metadata.component.modelCard.quantitativeAnalysis?.performanceMetrics).toMatchObject([{ value: '0.98' }]);
  // The same figure again is nothing new; another one replaces it.
  await registry.noteMetric(id, 'fp32', metric);
  expect((await bomOf(REF)).text).toBe(second.text);
  await registry.noteMetric(id, 'fp32', { ...metric, value: 0.99 });
  expect((await bomOf(REF)).bom).toMatchObject({
    version: 3,
    metadata: { component: { modelCard: { quantitativeAnalysis: { performanceMetrics: [{ value: '0.99' }] } } } },
  });
  expect(await blobCount()).toBe(blobs);
  expect(await registry.verify(REF)).toMatchObject({ ok: true, warnings: [] });
  expect(await registry.verifyStore()).toMatchObject({ ok: true, extra: [] });
});

test('a licence that is no SPDX expression is named, not claimed to be one', async () => {
  for (const [license, expected] of [
    ['MIT OR Apache-2.0', { expression: 'MIT OR Apache-2.0' }],
    ['Proprietary', { license: { name: 'Proprietary' } }],
    ['see LICENSE file', { license: { name: 'see LICENSE file' } }],
  ] as const) {
    await edit((text) => text.replace(/^license:.*$/m, `license: ${license}`));
    await registry.build(source, { admit });
    const { text, bom } = await bomOf(REF);
    expect(bom.metadata.component.licenses).toEqual([expected]);
    expect(await schemaProblem(text)).toBeNull();
    await registry.remove(REF);
  }
});

/** What a store was before bills of materials: the list without them, the bundle's index without them. */
async function withoutBom(): Promise<void> {
  const entries = await store.readIndex();
  const isBom = (one: { artifactType?: string | undefined; annotations?: Record<string, string> | undefined }) =>
    one.artifactType === 'application/vnd.cyclonedx+json' || one.annotations?.['dev.sigstore.bundle.predicateType'] === 'https://cyclonedx.org/bom';
  const rewritten: typeof entries = [];
  for (const entry of entries.filter((one) => !isBom(one))) {
    if (entry.annotations?.['org.opencontainers.image.ref.name'] === undefined) {
      rewritten.push(entry);
      continue;
    }
    const index = JSON.parse((await store.read(entry.digest)).toString()) as { manifests: typeof entries };
    const bytes = Buffer.from(JSON.stringify({ ...index, manifests: index.manifests.filter((one) => !isBom(one)) }));
    rewritten.push({ ...entry, ...(await store.put(bytes)) });
  }
  await store.exclusively(() => store.writeIndex(rewritten));
  catalogue.close();
  await reopen();
  await registry.collectGarbage();
}

test('a bundle of before has none: it can be used, is warned of, and bundle sign adds the very same bill', async () => {
  await registry.build(source, { admit });
  await addVariant('int8-static', { quantization: 'S8S8 per-channel' });
  const before = [await bomOf(REF), await bomOf(`${REF}#int8-static`)];
  await withoutBom();
  expect(registry.list()).toMatchObject([{ state: 'sound', signed: true }]);
  expect(registry.resolve(REF).variant.signed).toBe(true);
  const warning = { code: 'bundle.no-bom', message: expect.stringContaining('fp32, int8-static'), hint: expect.stringContaining('bundle sign') };
  expect(await registry.show(REF)).toMatchObject({ warnings: [warning], referrers: [{ kind: 'signature' }, { kind: 'signature' }] });
  expect(await registry.verify(REF)).toMatchObject({ ok: true, signed: true, warnings: [warning] });
  await expect(registry.bom(REF)).rejects.toMatchObject({ code: 'bundle.no-bom', owner: 'usage' });
  await registry.sign(REF, { admit });
  expect([await bomOf(REF), await bomOf(`${REF}#int8-static`)]).toEqual(before);
  expect(await registry.verify(REF)).toMatchObject({ ok: true, warnings: [] });
  await expect(registry.sign(REF, { admit })).rejects.toMatchObject({ code: 'bundle.signed-already' });
  // Made again from the blobs alone, everything is found.
  const [there] = registry.list();
  await writeFile(store.indexFile, 'lost');
  catalogue.close();
  await reopen();
  await registry.rebuild();
  expect(registry.list()).toEqual([there]);
  expect(await bomOf(REF)).toEqual(before[0]);
});
