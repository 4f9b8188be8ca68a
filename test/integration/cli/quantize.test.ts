/** The quantize command, against what Python onnxruntime.quantization 1.30 makes of the same model. */
import { mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readModel, tensorData } from '#core/onnx';
import { quantizeApart } from '#core/trials';
import { cli, ROOT, throwAwayDir } from '../../lib/cli.ts';

const MODEL = join(ROOT, 'assets', 'sample-bundle', 'model.onnx');

let work: Awaited<ReturnType<typeof throwAwayDir>>;
beforeAll(async () => {
  work = await throwAwayDir('quantize');
});
afterAll(() => work.remove());

async function parts(path: string) {
  const model = await readModel(path);
  const initializers = await Promise.all(model.graph.initializer.map(async (t) => [t.name, await tensorData(model.dir, t)] as const));
  return { nodes: model.graph.node.map((n) => `${n.opType} ${n.input.join(',')} -> ${n.output.join(',')}`), initializers: Object.fromEntries(initializers) };
}

test('int8-dynamic has the nodes and the bytes of the reference', async () => {
  const output = join(work.dir, 'dynamic.onnx');
  const result = await cli(['quantize', MODEL, '--variant', 'int8-dynamic', '--output', output, '--json'], { home: work.dir });
  expect(result.json(), result.stderr).toMatchObject({ ok: true, output, variant: 'int8-dynamic', warnings: [] });
  expect(await parts(output)).toEqual(await parts(join(ROOT, 'test/fixtures/quantized/dynamic_s8_pt.onnx')));
});

test('a static variant without a calibration set is refused, and nothing is written', async () => {
  const output = join(work.dir, 'static.onnx');
  const result = await cli(['quantize', MODEL, '--variant', 'int8-static', '--output', output, '--json'], { home: work.dir });
  expect(result.code).toBe(64);
  await expect(readModel(output)).rejects.toThrow();
});

test('stopped in the middle it leaves nothing: no output, and no file beside it or elsewhere', async () => {
  const dir = join(work.dir, 'stopped');
  const output = join(dir, 'static.onnx');
  const calibration = join(ROOT, 'assets', 'sample-bundle', 'calibration.npz');
  const own = await mkdtemp(join(work.dir, 'tmp-'));
  vi.stubEnv('TMPDIR', own);
  const stop = new AbortController();
  const steps: string[] = [];
  const made = quantizeApart(
    { modelPath: MODEL, outputPath: output, variant: 'int8-static', calibration },
    {
      signal: stop.signal,
      onProgress: ({ step }) => {
        steps.push(step);
        if (step.startsWith('Calibrating')) stop.abort();
      },
    },
  );
  await expect(made).rejects.toMatchObject({ code: 'cancelled' });
  expect(steps).toContain('Preparing the model');
  expect(await readdir(dir)).toEqual([]);
  expect(await readdir(own)).toEqual([]);
  vi.unstubAllEnvs();
});
