/** Shared by the short and the long sweep: one thing is done to a store and meets a fault; then the store must be whole, and doing it again must succeed. */
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
const REF = 'digits@1.0.0';
const admit = async () => ({ ok: true, warnings: [] });

/** Building has a sweep of its own (build.test.ts). */
export const OPERATIONS = ['import', 'export', 'remove', 'gc', 'rebuild'] as const;
export type Operation = (typeof OPERATIONS)[number] | 'build';
export type Fault = 'kill' | 'full' | 'broken';

export interface Ground {
  dir: string;
  keys: string;
  /** A store with digits@1.0.0, and one without. */
  full: string;
  empty: string;
  source: string;
  archive: string;
}

export async function openAt(dir: string, keys: string) {
  const store = await openStore(join(dir, 'store'));
  const catalogue = openCatalogue(join(dir, 'catalogue.db'));
  return { store, catalogue, registry: await openRegistry({ store, catalogue, keyring: await openKeyring(keys, { store: 'file' }) }) };
}

export async function prepareGround(): Promise<Ground> {
  const dir = await mkdtemp(join(tmpdir(), 'ew-store-fault-'));
  const at = (name: string) => join(dir, name);
  const ground = { dir, keys: at('keys'), full: at('full'), empty: at('empty'), source: at('source'), archive: at('digits.tar') };
  const { source } = ground;
  for (const folder of [source, ground.full, ground.empty]) await mkdir(folder);
  for (const name of ['model.onnx', 'golden.npz']) await cp(join(SAMPLE, name), join(source, name));
  await writeFile(join(source, 'edgewright.yaml'), 'name: digits\nversion: 1.0.0\nmodel: model.onnx\ngolden: golden.npz\n');
  (await openAt(ground.empty, ground.keys)).catalogue.close();
  const { registry, catalogue } = await openAt(ground.full, ground.keys);
  await registry.build(source, { admit });
  await registry.export(REF, ground.archive, {});
  catalogue.close();
  return ground;
}

/** A fresh workspace for one try. */
export async function fresh(ground: Ground, what: Operation): Promise<string> {
  const work = await mkdtemp(join(ground.dir, 'work-'));
  await cp(what === 'import' || what === 'build' ? ground.empty : ground.full, work, { recursive: true });
  if (what === 'gc') for (const i of [1, 2, 3]) await writeStray(work, `left by a power cut ${i}`);
  if (what === 'rebuild') await rm(join(work, 'store', 'index.json'));
  return work;
}

async function writeStray(work: string, text: string): Promise<void> {
  const store = await openStore(join(work, 'store'));
  await store.put(Buffer.from(text));
}

/** @param preload what disturbs or records it */
export function run(ground: Ground, work: string, what: Operation, env: Record<string, string>, preload = 'fault-at.mjs'): Promise<Ended> {
  const argument = what === 'import' ? ground.archive : what === 'build' ? ground.source : join(work, 'out.tar');
  return runChild(['--import', here(preload), here('store-child.ts'), work, ground.keys, what, argument], env);
}

/** How many changes to the file system it makes undisturbed. */
export async function countSteps(ground: Ground, what: Operation): Promise<number> {
  const work = await fresh(ground, what);
  const log = join(work, 'steps.log');
  expect(await run(ground, work, what, { FAULT_LOG: log })).toMatchObject({ code: 0 });
  const steps = (await readFile(log, 'utf8')).trim().split('\n').length;
  await rm(work, { recursive: true, force: true });
  return steps;
}

/** Several side by side: most of the time goes into waiting for the disk. */
export async function withFaults(ground: Ground, what: Operation, fault: Fault, steps: readonly number[]): Promise<void> {
  const queue = steps.values();
  const worker = async () => {
    for (const step of queue) await withFault(ground, what, fault, step);
  };
  await Promise.all(Array.from({ length: 3 }, worker));
}

async function withFault(ground: Ground, what: Operation, fault: Fault, step: number): Promise<void> {
  const said = `${what}, ${fault} at step ${step}`;
  const work = await fresh(ground, what);
  const ended = await run(ground, work, what, { FAULT_AT: String(step), FAULT_KIND: fault });
  if (fault === 'kill') expect(ended.signal, `${said}: ${ended.stderr}`).toBe('SIGKILL');
  else expect([0, 6], `${said}: ${ended.stderr}`).toContain(ended.code);
  // A file of that name is the whole export or is not there.
  const out = await readFile(join(work, 'out.tar')).catch(() => undefined);
  if (out) expect(out.equals(await readFile(ground.archive)), said).toBe(true);
  await checkWhole(ground, work, what, said);
  await doAgain(ground, work, what, said);
  await rm(work, { recursive: true, force: true });
}

/** What was cut off or failed succeeds the next time, and leaves what it would have left at once. */
export async function doAgain(ground: Ground, work: string, what: Operation, said: string): Promise<void> {
  const { registry, catalogue } = await openAt(work, ground.keys);
  const before = registry.list().length;
  if (what === 'import') await registry.import(ground.archive, { admit });
  if (what === 'build') await registry.build(ground.source, { admit });
  if (what === 'export') await registry.export(REF, join(work, 'out.tar'), {});
  if (what === 'remove' && before > 0) await registry.remove(REF);
  if (what === 'rebuild') await registry.rebuild();
  expect(registry.list().length, said).toBe(what === 'remove' ? 0 : 1);
  catalogue.close();
  if (what === 'export') expect((await readFile(join(work, 'out.tar'))).equals(await readFile(ground.archive)), said).toBe(true);
  await checkWhole(ground, work, what, `${said}, done again`);
}

/** Whatever is listed is sound and whole; nothing needed is gone; nothing temporary is left. */
export async function checkWhole(ground: Ground, work: string, what: Operation, said: string): Promise<void> {
  const { store, registry, catalogue } = await openAt(work, ground.keys);
  if (what === 'rebuild') await registry.rebuild();
  const listed = registry.list();
  if (what === 'export' || what === 'gc' || what === 'rebuild') expect(listed.length, said).toBe(1);
  for (const bundle of listed) expect(bundle, said).toMatchObject({ name: 'digits', state: 'sound', signed: true });
  await store.sweepTemp();
  await registry.collectGarbage();
  expect(await registry.verifyStore(), said).toMatchObject({ ok: true, bad: [], extra: [] });
  expect(await readdir(join(work, 'store', 'ingest')), said).toEqual([]);
  expect(
    (await readdir(join(work, 'store'))).filter((name) => name.startsWith('.tmp-')),
    said,
  ).toEqual([]);
  catalogue.close();
}
