/** A store of many real bundles, made quickly: one is built, the others are its documents under other names, each signed. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BlobStore, digestOf, openCatalogue, openRegistry, openStore } from '#core/bundles';
import { openKeyring, signFiles } from '#core/trust';
import { workspacePaths } from '#core/platform';

const SAMPLE = join(import.meta.dirname, '..', '..', 'assets', 'sample-bundle');

interface Entry {
  digest: string;
  size: number;
  annotations: Record<string, string>;
}
interface Documents {
  index: { manifests: Entry[]; annotations: Record<string, string> };
  manifest: { config: Entry; layers: Entry[]; annotations: Record<string, string> };
  config: { descriptor: { name: string; version: string }; modelfs: { diffIds: string[] } };
  signature: { layers: Entry[]; subject: Entry };
  source: string;
  self: { name: string; version: string };
}

/** @returns seconds that making the catalogue from the blobs took */
export async function makeBundles(home: string, count: number): Promise<number> {
  const paths = workspacePaths(home);
  const store = await openStore(paths.store);
  const keyring = await openKeyring(paths.keys, { store: 'file' });
  const catalogue = openCatalogue(paths.catalogue);
  const registry = await openRegistry({ store, catalogue, keyring });
  await registry.build(SAMPLE, { admit: async () => ({ ok: true, warnings: [] }) });
  const template = await readDocuments(store, registry.identify('digits@1.0.0').digest);
  for (let i = 1; i < count; i++) {
    const named = { name: `model-${String(i % 1000).padStart(3, '0')}`, version: `1.${Math.floor(i / 1000)}.0` };
    await writeBundle(store, template, named, (files) => signFiles(keyring, `${named.name}@${named.version}`, files));
  }
  await rm(join(paths.store, 'index.json'));
  const began = performance.now();
  await registry.rebuild();
  const seconds = (performance.now() - began) / 1000;
  catalogue.close();
  return seconds;
}

const FILE_PATH = 'org.cncf.model.filepath';
const layerOf = (manifest: Documents['manifest'], path: string) => {
  const layer = manifest.layers.find((one) => one.annotations[FILE_PATH] === path);
  if (!layer) throw new Error(`the sample has no ${path}`);
  return layer;
};

async function readDocuments(store: BlobStore, digest: string): Promise<Documents> {
  const json = async <T>(blob: string) => JSON.parse((await readFile(store.path(blob))).toString()) as T;
  const index = await json<Documents['index']>(digest);
  const manifest = await json<Documents['manifest']>(index.manifests[0]?.digest ?? '');
  return {
    index,
    manifest,
    config: await json(manifest.config.digest),
    signature: await json(index.manifests[1]?.digest ?? ''),
    source: (await readFile(store.path(layerOf(manifest, 'edgewright.yaml').digest))).toString(),
    self: await json(layerOf(manifest, 'edgewright.variant.json').digest),
  };
}

async function writeBundle(
  store: BlobStore,
  template: Documents,
  { name, version }: { name: string; version: string },
  sign: (files: { name: string; digest: string }[]) => Promise<Uint8Array>,
): Promise<void> {
  const { index, manifest, config, signature, source, self } = structuredClone(template);
  const put = async (entry: Pick<Entry, 'digest' | 'size'>, bytes: Uint8Array) => {
    Object.assign(entry, { digest: digestOf(bytes), size: bytes.length });
    await writeFile(store.path(entry.digest), bytes);
  };
  const json = (value: unknown) => Buffer.from(JSON.stringify(value));
  await put(
    layerOf(manifest, 'edgewright.yaml'),
    Buffer.from(source.replace('name: digits', `name: ${name}`).replace('version: 1.0.0', `version: ${version}`)),
  );
  await put(layerOf(manifest, 'edgewright.variant.json'), json({ ...self, name, version }));
  Object.assign(config.descriptor, { name, version });
  config.modelfs.diffIds = manifest.layers.map((layer) => layer.digest);
  await put(manifest.config, json(config));
  const about = { 'dev.edgewright.name': name, 'dev.edgewright.version': version };
  Object.assign(manifest.annotations, about);
  const [variant, signed] = index.manifests;
  const [envelope] = signature.layers;
  if (!variant || !signed || !envelope) throw new Error('the sample is not what it was');
  await put(variant, json(manifest));
  await put(envelope, await sign(manifest.layers.map((layer) => ({ name: layer.annotations[FILE_PATH] ?? '', digest: layer.digest }))));
  Object.assign(signature.subject, { digest: variant.digest, size: variant.size });
  await put(signed, json(signature));
  Object.assign(signed.annotations, { 'dev.edgewright.subject': variant.digest });
  Object.assign(index.annotations, about);
  await put({ digest: '', size: 0 }, json(index));
}
