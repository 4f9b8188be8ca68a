/** Every sound fixture, read, checked and written back. Needs ../shared/fixtures; says so loudly where it is not there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkStructure, inspectModel, readModel, writeModel } from '#core/onnx';

const shared = join(import.meta.dirname, '..', '..', '..', '..', 'shared', 'fixtures');
const present = existsSync(shared);
if (!present) console.warn(`SKIPPED: no fixtures at ${shared}; real models were not checked.`);

const models = (present ? readdirSync(shared, { recursive: true, encoding: 'utf8' }) : []).filter(
  (name) => name.endsWith('.onnx') && !name.startsWith('hostile'),
);

describe.skipIf(!present)('real models', () => {
  it.each(models)('%s', async (name) => {
    const path = join(shared, name);
    expect((await checkStructure(path)).stages).toHaveLength(2);
    await inspectModel(path);
    const copy = join(await mkdtemp(join(tmpdir(), 'edgewright-onnx-')), 'copy.onnx');
    await writeModel(await readModel(path), copy);
    expect(readFileSync(copy).equals(readFileSync(path))).toBe(true);
  });
});
