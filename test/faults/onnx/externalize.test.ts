/** Splitting a model in place, killed or out of disk at every step: the model that is there afterwards is whole and finds its weights. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { externalFiles, externalizeModel, readModel, tensorData } from '#core/onnx';
import { runChild } from '../child.ts';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const MODEL = here('../../fixtures/digits/model.onnx');

let dir = '';
let whole: unknown[] = [];
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ew-externalize-'));
  whole = await elements(MODEL);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function elements(path: string): Promise<unknown[]> {
  const model = await readModel(path);
  return Promise.all(model.graph.initializer.map((tensor) => tensorData(model.dir, tensor)));
}

async function split(work: string, layout: string, env: Record<string, string>) {
  await mkdir(work);
  await cp(MODEL, join(work, 'model.onnx'));
  return runChild(['--import', here('../bundles/fault-at.mjs'), here('externalize-child.ts'), join(work, 'model.onnx'), layout], env);
}

describe.each(['one file', 'file per tensor'] as const)('%s', (layout) => {
  it.each(['kill', 'full'] as const)('%s at any step', { timeout: 300_000 }, async (kind) => {
    const log = join(dir, `${layout} ${kind}.log`);
    expect(await split(join(dir, `${layout} ${kind} undisturbed`), layout, { FAULT_LOG: log })).toMatchObject({ code: 0 });
    const steps = (await readFile(log, 'utf8')).trim().split('\n').length;
    expect(steps).toBeGreaterThan(8);
    const isSplit: boolean[] = [];
    // The first and last steps tell most; those between repeat for each tensor.
    const at = Array.from({ length: steps }, (_, i) => i + 1).filter((step) => step <= 3 || step > steps - 8);
    for (const step of at) {
      const work = join(dir, `${layout} ${kind} ${step}`);
      const ended = await split(work, layout, { FAULT_AT: String(step), FAULT_KIND: kind });
      if (kind === 'kill') expect(ended.signal, ended.stderr).toBe('SIGKILL');
      else expect([0, 6], ended.stderr).toContain(ended.code);
      const path = join(work, 'model.onnx');
      expect(await elements(path)).toEqual(whole);
      const external = (await externalFiles(await readModel(path))).length > 0;
      isSplit.push(external);
      // Not killed, so it cleaned up itself.
      if (kind === 'full' && !external) expect(await readdir(work)).toEqual(['model.onnx']);
      await externalizeModel(await readModel(path), path, { layout });
      expect(await elements(path)).toEqual(whole);
    }
    expect(isSplit).toEqual([...isSplit].sort());
    expect(new Set(isSplit).size).toBe(2);
  });
});
