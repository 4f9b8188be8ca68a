import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Disk, namesOnly } from './disk.ts';
import { cutAt, EXTREMES, recordOf, unsafeNames } from './power-cut.ts';
import { fresh, type Ground, OPERATIONS, prepareGround } from './store-faults.ts';

let ground: Ground;
beforeAll(async () => {
  ground = await prepareGround();
});
afterAll(() => rm(ground.dir, { recursive: true, force: true }));

/** A few over the whole of it, each end of a list's replacement, and the end of all. The long test takes every moment. */
function some(record: readonly { do: string; to?: string }[]): number[] {
  const telling = record.flatMap((entry, at) => (entry.do === 'rename' && entry.to === 'store/index.json' ? [at, at + 1, at + 2] : []));
  const spread = [1, 2, 3].map((part) => Math.ceil((record.length * part) / 4));
  return [...new Set([...spread, ...telling, record.length])].sort((a, b) => a - b);
}

for (const what of [...OPERATIONS, 'build'] as const) {
  test(`${what}: whatever a power cut leaves of what was not synced, the store is whole`, { timeout: 120_000 }, async () => {
    const recording = await recordOf(ground, what);
    expect(unsafeNames(recording)).toEqual([]);
    expect(await cutAt(ground, recording, some(recording.record), EXTREMES, what === 'import')).toBeGreaterThan(1);
  });
}

test('a build that synced nothing would be found out', { timeout: 60_000 }, async () => {
  const { record, catalogues } = await recordOf({ ...ground, dir: await fresh(ground, 'build') }, 'build');
  const careless = record.map((entry) => (entry.do === 'sync' ? { ...entry, covers: 0 } : entry));
  const files = unsafeNames({ record: careless });
  expect(files).toContain('store/index.json: named before its bytes were synced');
  expect(files).toContain('store/index.json: its folder was not synced after');
  const disk = await Disk.of(ground.empty, careless, (name) => name.startsWith('catalogue.db'));
  const recording = { what: 'build' as const, record: careless, disk, catalogues };
  await expect(cutAt(ground, recording, [record.length], [{ name: 'names and no bytes', choose: namesOnly }])).rejects.toThrow();
});
