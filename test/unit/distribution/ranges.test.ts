import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseChunkRange, parseRange, parseUploadRange, uploadRange } from '../../../app/core/distribution/ranges.ts';

const sizes = fc.integer({ min: 0, max: 2 ** 40 });

describe('the Range of a blob', () => {
  test('what it gives always lies inside the blob', () => {
    const number = fc.option(fc.integer({ min: 0, max: 2 ** 41 }).map(String), { nil: '' });
    fc.assert(
      fc.property(sizes, number, number, (size, first, last) => {
        const range = parseRange(`bytes=${first}-${last}`, size);
        if (range === undefined || range === 'unsatisfiable') return;
        expect(range.start).toBeGreaterThanOrEqual(0);
        expect(range.end).toBeGreaterThanOrEqual(range.start);
        expect(range.end).toBeLessThan(size);
      }),
    );
  });

  test('a range inside the blob is given as it was asked for', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), fc.nat(), fc.nat(), (size, a, b) => {
        const [start, end] = [Math.min(a % size, b % size), Math.max(a % size, b % size)];
        expect(parseRange(`bytes=${start}-${end}`, size)).toEqual({ start, end });
        expect(parseRange(`bytes=${start}-`, size)).toEqual({ start, end: size - 1 });
        expect(parseRange(`bytes=-${size - start}`, size)).toEqual({ start, end: size - 1 });
      }),
    );
  });

  test.each([
    [undefined, undefined],
    ['bytes=-', undefined],
    ['bytes=0-1,3-4', undefined],
    ['items=0-1', undefined],
    ['bytes=1e3-2', undefined],
    ['bytes=9999999999999999-', undefined],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=5-2', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=-99', { start: 0, end: 9 }],
    ['bytes=8-99', { start: 8, end: 9 }],
  ])('%s of 10 bytes', (header, expected) => expect(parseRange(header, 10)).toEqual(expected));

  test('an empty blob has no range', () => expect(parseRange('bytes=0-', 0)).toBe('unsatisfiable'));
});

describe('the ranges of an upload', () => {
  test('a chunk range is read back as it was written', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (start, more) => {
        for (const form of [`${start}-${start + more}`, `bytes ${start}-${start + more}/*`, `bytes ${start}-${start + more}/${start + more + 1}`]) {
          expect(parseChunkRange(form)).toEqual({ start, end: start + more });
        }
      }),
    );
  });

  test.each(['', '-', '1-', '-1', '2-1', 'a-b', '0-1-2', '0x1-2', '1-2/', '0-99999999999999999'])('%j is no chunk range', (text) =>
    expect(parseChunkRange(text)).toBeUndefined(),
  );

  test('an upload of more than one byte is read back', () => {
    fc.assert(
      fc.property(sizes, (bytes) => {
        expect(parseUploadRange(uploadRange(bytes))).toBe(bytes === 1 ? 0 : bytes);
      }),
    );
  });

  test.each(['1-2', '0-', '-1', 'bytes 0-1', '0--1', '0-1x'])('%j is no upload range', (text) => expect(parseUploadRange(text)).toBeUndefined());
});
