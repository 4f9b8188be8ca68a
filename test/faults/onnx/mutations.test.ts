/** Whatever is done to a model's file, the check answers: sound, with or without warnings, or refused with a reason that is its own. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { EdgewrightError } from '#contract';
import { checkStructure, parseModel, serializeModel } from '#core/onnx';
import { byteChanges, changeBytes, changeGraph, graphChanges } from './mutations.ts';

const fixture = (name: string) => readFileSync(join(import.meta.dirname, '..', '..', 'fixtures', name));
const SEEDS = [
  'digits/model.onnx',
  'hostile/valid_mlp.onnx',
  'hostile/valid_loop.onnx',
  'hostile/valid_scan.onnx',
  'hostile/valid_if.onnx',
  'hostile/valid_local_function.onnx',
  'hostile/string_input.onnx',
].map(fixture);
const dir = mkdtempSync(join(tmpdir(), 'edgewright-mutations-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
/** `npm run test:long` sets this: minutes instead of seconds. */
const runs = process.env.EDGEWRIGHT_LONG === '1' ? { numRuns: 60_000, interruptAfterTimeLimit: 300_000 } : { numRuns: 400 };
/** Which model, by number: a counterexample stays short. */
const seed = fc.nat(SEEDS.length - 1);
const original = (index: number) => SEEDS[index] ?? Buffer.alloc(0);

async function answers(bytes: Uint8Array): Promise<void> {
  const path = join(dir, 'model.onnx');
  writeFileSync(path, bytes);
  try {
    expect((await checkStructure(path)).stages).toHaveLength(2);
  } catch (error) {
    if (!(error instanceof EdgewrightError)) throw error;
    expect(error.owner).toBe('input');
    expect(error.code).toMatch(/^model\./);
    expect(`${error.message}${error.expected ?? ''}${error.found ?? ''}`).not.toMatch(/[\u0000-\u001f\u202e]/);
    expect(error.message.length).toBeLessThan(3_000);
  }
}

it('whose bytes were changed', async () => {
  await fc.assert(
    fc.asyncProperty(seed, byteChanges, (index, changes) => answers(changeBytes(original(index), changes))),
    runs,
  );
});

it('whose parts were changed', async () => {
  await fc.assert(
    fc.asyncProperty(seed, graphChanges, async (index, changes) => {
      const model = parseModel(original(index));
      changeGraph(model, changes);
      await answers(await serializeModel(model));
    }),
    runs,
  );
});
