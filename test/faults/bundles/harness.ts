/** Shared by the short and the long sweep: runs a build that meets a fault, and says what must hold afterwards. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { openCatalogue, openRegistry, openStore } from '#core/bundles';
import { openKeyring } from '#core/trust';
import { type Ended, runChild } from '../child.ts';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const SAMPLE = here('../../../assets/sample-bundle/');

export interface Bench {
  dir: string;
  source: string;
  keys: string;
  /** What an undisturbed build does to the file system, in order: `rename /…/model.onnx`. */
  steps: string[];
}

/** A small bundle of the sample's model, its keys, and the list of steps of an undisturbed build. */
export async function prepare(): Promise<Bench> {
  const dir = await mkdtemp(join(tmpdir(), 'ew-fault-'));
  const bench = { dir, source: join(dir, 'source'), keys: join(dir, 'keys'), steps: [] as string[] };
  await mkdir(bench.source);
  for (const name of ['model.onnx', 'golden.npz']) await cp(join(SAMPLE, name), join(bench.source, name));
  await writeFile(join(bench.source, 'edgewright.yaml'), 'name: digits\nversion: 1.0.0\nmodel: model.onnx\ngolden: golden.npz\n');
  await openKeyring(bench.keys, { store: 'file' });
  const log = join(dir, 'steps.log');
  const work = join(dir, 'undisturbed');
  await mkdir(work);
  expect(await build(bench, work, { FAULT_LOG: log })).toEqual({ code: 0, signal: null, stderr: '' });
  bench.steps = (await readFile(log, 'utf8')).trim().split('\n');
  return bench;
}

function build(bench: Bench, work: string, env: Record<string, string>): Promise<Ended> {
  return runChild(['--import', here('fault-at.mjs'), here('store-child.ts'), work, bench.keys, 'build', bench.source], env);
}

/** Several faults side by side: most of the time goes into waiting for the disk. @returns in the order of `at` */
export async function buildWithFaults(bench: Bench, kind: 'kill' | 'full', at: readonly number[]): Promise<boolean[]> {
  const results: boolean[] = [];
  const queue = at.entries();
  const worker = async () => {
    for (const [i, step] of queue) results[i] = await buildWithFault(bench, kind, step);
  };
  await Promise.all(Array.from({ length: 4 }, worker));
  return results;
}

/**
 * Builds with a fault at step `at`, then opens the workspace again: the bundle is there whole or not at all, a second build
 * succeeds, and nothing but that bundle is left.
 * @returns whether the bundle was there after the fault
 */
async function buildWithFault(bench: Bench, kind: 'kill' | 'full', at: number): Promise<boolean> {
  const work = await mkdtemp(join(bench.dir, 'work-'));
  const ended = await build(bench, work, { FAULT_AT: String(at), FAULT_KIND: kind });
  if (kind === 'kill') expect(ended.signal, ended.stderr).toBe('SIGKILL');
  // A disk that fills up only after the bundle was committed fails nothing.
  else expect([0, 6], ended.stderr).toContain(ended.code);
  const store = await openStore(join(work, 'store'));
  const catalogue = openCatalogue(join(work, 'catalogue.db'));
  const registry = await openRegistry({ store, catalogue, keyring: await openKeyring(bench.keys, { store: 'file' }) });
  const found = registry.list();
  if (kind === 'full') {
    // Not killed, so it had to clean up itself.
    expect(await readdir(join(work, 'store', 'ingest'))).toEqual([]);
    if (ended.code === 0) expect(found).toHaveLength(1);
    // Where even undoing found no room the bundle is there whole; else nothing is.
    else if (found.length === 0) expect(await readdir(join(work, 'store', 'blobs', 'sha256'))).toEqual([]);
  }
  if (found.length > 0) {
    expect(found).toMatchObject([{ name: 'digits', version: '1.0.0', state: 'sound', signed: true }]);
    expect(await registry.verify('digits@1.0.0')).toMatchObject({ ok: true });
  }
  const again = await registry.build(bench.source, { admit: async () => ({ ok: true, warnings: [] }) });
  if (found[0]) expect(again).toEqual(found[0]);
  const { ok, blobs } = await registry.verify('digits@1.0.0');
  expect(ok).toBe(true);
  await registry.collectGarbage();
  expect(await readdir(join(work, 'store', 'blobs', 'sha256'))).toHaveLength(blobs);
  expect(await readdir(join(work, 'store', 'ingest'))).toEqual([]);
  expect((await readdir(join(work, 'store'))).filter((name) => name.startsWith('.tmp-'))).toEqual([]);
  catalogue.close();
  await rm(work, { recursive: true, force: true });
  return found.length > 0;
}
