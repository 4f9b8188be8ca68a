import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openCatalogue, openRegistry, openStore } from '#core/bundles';
import { openKeyring } from '#core/trust';
import { runChild } from '../child.ts';

const SAMPLE = join(import.meta.dirname, '..', '..', '..', 'assets', 'sample-bundle');
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ew-stress-'));
  await openKeyring(join(dir, 'keys'), { store: 'file' });
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function child(what: string, argument = '') {
  return { what, ...(await runChild([join(import.meta.dirname, 'store-child.ts'), dir, join(dir, 'keys'), what, argument])) };
}

async function source(name: string): Promise<string> {
  const folder = join(dir, name);
  await mkdir(folder);
  await cp(join(SAMPLE, 'golden.npz'), join(folder, 'golden.npz'));
  // Bundles share the golden set, so that removing one must not take it from another.
  await writeFile(join(folder, 'model.onnx'), Buffer.concat([await readFile(join(SAMPLE, 'model.onnx')), Buffer.from([0x32, name.length]), Buffer.from(name)]));
  await writeFile(join(folder, 'edgewright.yaml'), `name: ${name}\nversion: 1.0.0\nmodel: model.onnx\ngolden: golden.npz\n`);
  return folder;
}

test('processes that build, remove, verify, collect and rebuild at once harm nothing', { timeout: 300_000 }, async () => {
  const names = ['digits', 'one', 'two', 'three'];
  const sources = await Promise.all(names.map(source));
  const rounds = 2;
  for (let round = 0; round < rounds; round++) {
    const ended = await Promise.all([
      ...sources.map((folder) => child('build', folder)),
      child('verify'),
      child('gc'),
      child('remove'),
      child('rebuild'),
      child('gc'),
      child('verify'),
    ]);
    for (const { what, code, stderr } of ended) {
      // What is not there yet, or any more, cannot be removed.
      if (what === 'remove' && /usage\.unknown-bundle/.test(stderr)) continue;
      expect(code, `round ${round}, ${what}: ${stderr}`).toBe(0);
    }
    const store = await openStore(join(dir, 'store'));
    const catalogue = openCatalogue(join(dir, 'catalogue.db'));
    const registry = await openRegistry({ store, catalogue, keyring: await openKeyring(join(dir, 'keys'), { store: 'file' }) });
    const listed = registry.list();
    expect(listed.filter(({ name }) => name !== 'digits').map(({ name }) => name)).toEqual(['one', 'three', 'two']);
    for (const bundle of listed) expect(bundle).toMatchObject({ state: 'sound', signed: true });
    await store.sweepTemp();
    await registry.collectGarbage();
    expect(await registry.verifyStore()).toMatchObject({ ok: true, bad: [], extra: [] });
    expect(await readdir(join(dir, 'store', 'ingest'))).toEqual([]);
    catalogue.close();
  }
});
