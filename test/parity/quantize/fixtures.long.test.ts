/**
 * All neural fixtures against Python onnxruntime.quantization 1.30. Needs ../shared/fixtures beside the checkout; says so
 * loudly where it is not there.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { quantizeModel } from '#core/quantize';
import { runtime } from './ort.ts';
import { compare, SAME, VARIANTS } from './reference.ts';

const shared = join(import.meta.dirname, '..', '..', '..', '..', 'shared', 'fixtures');
const present = existsSync(shared);
if (!present) console.warn(`SKIPPED: no reference quantizations at ${shared}; the larger parity suite did not run.`);

interface Case {
  model: string;
  variant: string;
}

const cases: Case[] = (present ? readdirSync(shared) : []).flatMap((model) =>
  Object.keys(VARIANTS)
    .filter((variant) => existsSync(join(shared, model, 'quantized', `${variant}.onnx`)))
    .map((variant) => ({ model, variant })),
);

describe.skipIf(!present)('reference quantizations', () => {
  it('are there', () => expect(cases.length).toBeGreaterThan(30));

  it.each(cases)('$model $variant', async ({ model, variant }) => {
    const dir = await mkdtemp(join(tmpdir(), 'edgewright-parity-'));
    const outputPath = join(dir, `${variant}.onnx`);
    const from = join(shared, model);
    const options = { outputPath, calibration: join(from, 'calibration.npz'), samples: 128, batch: 16, ...VARIANTS[variant] } as const;
    await quantizeModel({ variant: 'int8-static', ...options, modelPath: join(from, 'preprocessed.onnx') }, runtime);
    const reference = join(from, 'quantized', `${variant}.onnx`);
    expect(await compare(outputPath, reference)).toEqual(SAME);
    // Static variants come out the same file, byte for byte. Dynamic ones may lack empty markers the reference leaves behind.
    if (variant.startsWith('static')) expect(readFileSync(outputPath).equals(readFileSync(reference))).toBe(true);
    // Our own types instead of the reference's shape inference.
    await quantizeModel({ variant: 'int8-static', ...options, modelPath: join(from, 'model.onnx'), prepare: false }, runtime);
    expect(await compare(outputPath, reference)).toEqual(SAME);
  });
});
