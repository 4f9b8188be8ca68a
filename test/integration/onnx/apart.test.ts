/** The check of a file in a process of its own says what the check itself says, and ends when it is to. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkStructure, checkStructureApart } from '#core/onnx';

const fixture = (name: string) => join(import.meta.dirname, '..', '..', 'fixtures', name);

describe('a model checked in a process of its own', () => {
  it('is found as it is', async () => {
    const [apart, here] = await Promise.all([
      checkStructureApart(fixture('hostile/hostile_strings.onnx')),
      checkStructure(fixture('hostile/hostile_strings.onnx')),
    ]);
    expect(apart.warnings.length).toBeGreaterThan(0);
    expect(apart).toMatchObject({
      warnings: here.warnings,
      storedBytes: here.storedBytes,
      stages: [{ name: 'bounds' }, { name: 'structure', outcome: 'warned' }],
    });
  });

  it('is refused with every word of the reason', async () => {
    const refusal = (error: { toBody(): unknown }) => error.toBody();
    const path = fixture('hostile/shape_mismatch.onnx');
    const apart = await checkStructureApart(path).catch(refusal);
    expect(apart).toEqual(await checkStructure(path).catch(refusal));
    expect(apart).toMatchObject({ code: 'model.bad-shape', owner: 'input', expected: expect.any(String), found: expect.any(String) });
  });

  it('is said to be missing when it is', async () => {
    await expect(checkStructureApart(fixture('none.onnx'))).rejects.toMatchObject({ code: 'usage.missing-file', owner: 'usage' });
  });

  it('stops when it is told to, before and meanwhile', async () => {
    await expect(checkStructureApart(fixture('digits/model.onnx'), { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
    const stop = new AbortController();
    const work = checkStructureApart(fixture('digits/model.onnx'), { signal: stop.signal });
    setImmediate(() => stop.abort());
    await expect(work).rejects.toMatchObject({ code: 'cancelled', owner: 'cancelled' });
  });
});
