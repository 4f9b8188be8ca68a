import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPieces } from '#core/platform';

const CONTENT = Buffer.from(Array.from({ length: 1_000 }, (_, i) => i % 251));
let dir: string;
let path: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ew-pieces-'));
  path = join(dir, 'file');
  await writeFile(path, CONTENT);
});
afterAll(() => rm(dir, { recursive: true }));

test('whatever a read gives at once, pieces are whole and in order, to the end that was asked for or that there is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(1_000), fc.nat(1_200), fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 400 }), async (start, more, bytes, most) => {
      const handle = await open(path, 'r');
      try {
        const read = handle.read.bind(handle) as (buffer: Buffer, offset: number, length: number, at: number) => Promise<{ bytesRead: number }>;
        // A file system across a network may give less than it was asked for.
        handle.read = ((buffer: Buffer, offset: number, length: number, at: number) => read(buffer, offset, Math.min(length, most), at)) as never;
        const pieces: Buffer[] = [];
        // Copied: the memory of a piece is used again.
        for await (const piece of readPieces(handle, { start, end: start + more, bytes })) pieces.push(Buffer.from(piece));
        expect(Buffer.concat(pieces)).toEqual(CONTENT.subarray(start, start + more));
        expect(pieces.slice(0, -1).every((piece) => piece.length === bytes)).toBe(true);
      } finally {
        await handle.close();
      }
    }),
    { numRuns: 100 },
  );
});
