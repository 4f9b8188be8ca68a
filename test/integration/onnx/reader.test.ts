/** What is told of a model by the process that reads it, and what becomes of that process and of the next question whatever the model does. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkStructure, checkStructureApart, ModelReader, reportOnFile, withReader } from '#core/onnx';

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

const digits = fixture('digits/model.onnx');
const ops = { search: '', ops: [], limit: 5 };

/** Children of this process that read models. Linux only. */
function readers(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const parent = /\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
        return Number(parent) === process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('reader-main');
      } catch {
        return false;
      }
    });
}

describe('a process that reads models', () => {
  it('tells the same as reading it here', async () => {
    const apart = await withReader((reader) => reader.ask('report', { path: digits, ref: digits, largest: 3 }));
    expect(apart).toEqual(await reportOnFile(digits, { largest: 3 }));
  });

  it('answers many questions, and again after one that cannot be answered', async () => {
    await withReader(async (reader) => {
      const [page, node] = await Promise.all([reader.ask('nodes', { ...ops, path: digits }), reader.ask('node', { path: digits, id: '0.0' })]);
      expect(page.nodes).toHaveLength(5);
      expect(node.id).toBe('0.0');
      await expect(reader.ask('node', { path: digits, id: '7.0' })).rejects.toMatchObject({ owner: 'usage' });
      await expect(reader.ask('nodes', { ...ops, path: fixture('hostile/truncated.onnx') })).rejects.toMatchObject({ owner: 'input' });
      await expect(reader.ask('nodes', { ...ops, path: fixture('none.onnx') })).rejects.toMatchObject({ code: 'usage.missing-file' });
      expect((await reader.ask('tensors', { path: digits, search: '', types: [], sort: 'bytes', limit: 1 })).tensors).toHaveLength(1);
    });
  });

  it.runIf(process.platform === 'linux')('is made anew when something ends it, and who asks meanwhile waits for the new one', async () => {
    await withReader(async (reader) => {
      await reader.ask('inspect', { path: digits });
      const [pid = -1] = readers();
      const answers = Array.from({ length: 4 }, () => reader.ask('inspect', { path: digits }));
      process.kill(pid, 'SIGKILL');
      const [first, ...others] = await Promise.allSettled(answers);
      // The one it was at is not asked twice by itself: it may have been the reason.
      if (first?.status === 'rejected') expect(first.reason).toMatchObject({ code: 'machine.check-ended', owner: 'machine' });
      expect(others.map((one) => one.status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
      expect(readers()).not.toContain(pid);
    });
    expect(readers()).toEqual([]);
  });

  it('stops at once when it is told to, and answers the next question', async () => {
    await withReader(async (reader) => {
      await reader.ask('inspect', { path: digits });
      const stop = new AbortController();
      const work = reader.ask('tensorStats', { path: digits, id: '0.0' }, { signal: stop.signal });
      stop.abort();
      await expect(work).rejects.toMatchObject({ code: 'cancelled' });
      expect((await reader.ask('tensorStats', { path: digits, id: '0.0' })).tensor.id).toBe('0.0');
    });
  });

  it('says how it is held', async () => {
    const { stages } = await checkStructureApart(digits);
    expect(stages[0]?.detail).toMatch(/in a process of its own/);
  });

  it('once closed is gone, and what is asked of it starts another', async () => {
    const reader = new ModelReader();
    await reader.ask('inspect', { path: digits });
    await reader.close();
    expect((await reader.ask('inspect', { path: digits })).nodes).toBeGreaterThan(0);
    await reader.close();
  });
});
