/** What the room writes is what ONNX Runtime loads: split and joined models give the answers of the original. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { goldenRule } from '#core/datasets';
import { embedExternalData, externalizeModel, readModel, writeModel } from '#core/onnx';
import { runGolden, startRunner } from '#core/runtime';

const digits = (name: string) => join(import.meta.dirname, '..', '..', 'fixtures', 'digits', name);

async function answersAsBefore(path: string): Promise<void> {
  const runner = await startRunner({ threads: 1 });
  try {
    await runner.load({ path });
    expect(await runGolden(runner, digits('golden.npz'), goldenRule('fp32'))).toMatchObject({ pass: true, maxAbsError: expect.any(Number) });
  } finally {
    await runner.close();
  }
}

it.each(['one file', 'file per tensor'] as const)('loads and answers as before with its weights outside (%s), and joined again', async (layout) => {
  const dir = await mkdtemp(join(tmpdir(), 'ew-external-'));
  const { files } = await externalizeModel(await readModel(digits('model.onnx')), join(dir, 'split.onnx'), { layout, threshold: 0, checksums: true });
  expect(files.length).toBeGreaterThan(0);
  await answersAsBefore(join(dir, 'split.onnx'));
  await writeModel(await embedExternalData(await readModel(join(dir, 'split.onnx'))), join(dir, 'joined.onnx'));
  await answersAsBefore(join(dir, 'joined.onnx'));
});
