import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { type ElementType, elementCount, encodeNpz, makeTensor, newData, readNpy, readNpz, type Tensor, writeNpy, writeNpz } from '#core/datasets';

const dir = mkdtempSync(join(tmpdir(), 'edgewright-npz-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** An .npy by hand: what numpy would write, without numpy. */
function npy(descr: string, fortran: boolean, shape: string, body: Buffer, version = 1): Buffer {
  const dict = `{'descr': ${descr}, 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': ${shape}, }\n`;
  const head = Buffer.concat([Buffer.from('\x93NUMPY', 'latin1'), Buffer.from([version, 0])]);
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  length.writeUIntLE(dict.length, 0, length.length);
  return Buffer.concat([head, length, Buffer.from(dict, 'latin1'), body]);
}

const numericTypes = ['float32', 'float64', 'float16', 'int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64', 'bool'] as const;

const anyTensor: fc.Arbitrary<Tensor> = fc
  .tuple(
    fc.constantFrom<ElementType>(...numericTypes, 'string'),
    fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
    fc.infiniteStream(fc.integer({ min: 0, max: 255 })),
    fc.infiniteStream(fc.string({ unit: 'binary', maxLength: 5 })),
  )
  .map(([type, dims, bytes, texts]) => {
    const count = elementCount(dims);
    if (type === 'string')
      return makeTensor(
        type,
        dims,
        Array.from({ length: count }, () => (texts.next().value ?? '').replace(/\0+$/, '')),
      );
    const data = newData(type, count);
    const raw = new Uint8Array(data.buffer);
    for (let i = 0; i < raw.length; i++) raw[i] = (bytes.next().value ?? 0) & (type === 'bool' ? 1 : 255);
    return makeTensor(type, dims, data);
  });

function bytesOf(tensor: Tensor): unknown {
  return Array.isArray(tensor.data) ? tensor.data : Buffer.from(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength).toString('hex');
}

describe('reading what was written', () => {
  test('gives the same arrays, bit for bit, whatever their type and shape', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-z_][a-z0-9_/.]{0,20}$/), anyTensor), { selector: ([name]) => name, maxLength: 4 }),
        async (entries) => {
          const read = await readNpz(encodeNpz(new Map(entries)));
          expect([...read.keys()]).toEqual(entries.map(([name]) => name));
          for (const [name, tensor] of entries) {
            expect(read.get(name)?.type).toBe(tensor.type);
            expect(read.get(name)?.dims).toEqual(tensor.dims);
            expect(bytesOf(read.get(name) ?? tensor)).toEqual(bytesOf(tensor));
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  test('the same arrays give the same file', async () => {
    const arrays = new Map([['in_x', makeTensor('float32', [2, 2], Float32Array.of(1, 2, 3, 4))]]);
    const path = join(dir, 'a.npz');
    await writeNpz(path, arrays);
    expect(readFileSync(path).equals(encodeNpz(arrays))).toBe(true);
    expect((await readNpz(path)).get('in_x')?.data).toEqual(Float32Array.of(1, 2, 3, 4));
  });
});

describe('files that numpy wrote', () => {
  test('the digits test set has its samples and labels', async () => {
    const arrays = await readNpz(join(import.meta.dirname, '../../fixtures/digits/test.npz'));
    expect(arrays.get('in_image')).toMatchObject({ type: 'float32', dims: [600, 1, 8, 8] });
    expect(arrays.get('label')).toMatchObject({ type: 'int64', dims: [600] });
  });

  test('Fortran order is rearranged to row-major', () => {
    const columns = Buffer.from(Float32Array.of(1, 4, 2, 5, 3, 6).buffer);
    expect(readNpy(npy("'<f4'", true, '(2, 3)', columns)).data).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
    // numpy: np.asfortranarray(np.arange(24).reshape(2,3,4)).tobytes('F') read back is 0..23
    const cube = Int32Array.from({ length: 24 }, (_, f) => (f % 2) * 12 + (Math.floor(f / 2) % 3) * 4 + Math.floor(f / 6));
    expect(readNpy(npy("'<i4'", true, '(2, 3, 4)', Buffer.from(cube.buffer))).data).toEqual(Int32Array.from({ length: 24 }, (_, i) => i));
  });

  test('big-endian numbers are swapped', () => {
    const body = Buffer.alloc(16);
    body.writeDoubleBE(1.5, 0);
    body.writeDoubleBE(-2.25, 8);
    expect(readNpy(npy("'>f8'", false, '(2,)', body)).data).toEqual(Float64Array.of(1.5, -2.25));
    expect(readNpy(npy("'>i2'", false, '(1,)', Buffer.from([1, 2]))).data).toEqual(Int16Array.of(258));
  });

  test('text and byte strings become strings without their padding', () => {
    const wide = Buffer.alloc(2 * 3 * 4);
    [0x61, 0x1f600, 0].forEach((point, i) => wide.writeUInt32LE(point, i * 4));
    wide.writeUInt32LE(0xe9, 12);
    expect(readNpy(npy("'<U3'", false, '(2,)', wide))).toEqual({ type: 'string', dims: [2], data: ['a😀', 'é'] });
    expect(readNpy(npy("'|S2'", false, '(2,)', Buffer.from('a\0bc'))).data).toEqual(['a', 'bc']);
  });

  test('a scalar, an empty array, and versions 2 and 3 are read', () => {
    expect(readNpy(npy("'<i8'", false, '()', Buffer.from(BigInt64Array.of(7n).buffer)))).toEqual({ type: 'int64', dims: [], data: BigInt64Array.of(7n) });
    expect(readNpy(npy("'<f4'", false, '(0, 4)', Buffer.alloc(0), 2)).dims).toEqual([0, 4]);
    expect(readNpy(npy("'|b1'", false, '(2,)', Buffer.from([1, 0]), 3))).toEqual({ type: 'bool', dims: [2], data: Uint8Array.of(1, 0) });
  });

  test('our own header is aligned to 64 bytes, as numpy asks', () => {
    const bytes = writeNpy(makeTensor('float32', [1, 2, 3], new Float32Array(6)));
    expect((bytes.readUInt16LE(8) + 10) % 64).toBe(0);
    expect(bytes.toString('latin1', 10, 70)).toContain("'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 3)");
  });
});

describe('what is refused', () => {
  const four = Buffer.alloc(4);
  test.each([
    ['Python objects', npy("'|O'", false, '(1,)', four), 'npy.type-unsupported'],
    ['structured types', npy("[('a', '<f4')]", false, '(1,)', four), 'npy.type-unsupported'],
    ['complex numbers', npy("'<c8'", false, '(1,)', Buffer.alloc(8)), 'npy.type-unsupported'],
    ['bfloat16, which numpy calls V2', npy("'|V2'", false, '(2,)', four), 'npy.type-unsupported'],
    ['an array cut short', npy("'<f4'", false, '(2,)', four), 'npy.length-wrong'],
    ['a shape beyond any memory', npy("'<f4'", false, '(99999999, 99999999, 99999999)', four), 'tensor.dims-wrong'],
    ['a large shape with little data', npy("'<f4'", false, '(99999999,)', four), 'npy.length-wrong'],
    ['a bool of 2', npy("'|b1'", false, '(1,)', Buffer.from([2])), 'npy.bool-wrong'],
    ['a header cut short', npy("'<f4'", false, '(1,)', four).subarray(0, 30), 'npy.truncated'],
    ['an unknown version', npy("'<f4'", false, '(1,)', four, 4), 'npy.version'],
    ['a header without shape', Buffer.concat([Buffer.from('\x93NUMPY\x01\x00\x02\x00{}', 'latin1')]), 'npy.header-wrong'],
    ['another file', Buffer.from('<html></html>'), 'npy.not-an-array'],
  ])('%s', async (_what, bytes, code) => {
    await expect(readNpz(bytes)).rejects.toMatchObject({ code, owner: 'input' });
  });

  const good = encodeNpz(new Map([['a', makeTensor('float32', [1000], new Float32Array(1000))]]));
  const central = good.indexOf(Buffer.from([0x50, 0x4b, 1, 2]));

  function patched(change: (bytes: Buffer) => void): Buffer {
    const copy = Buffer.from(good);
    change(copy);
    return copy;
  }

  test.each([
    ['a bomb that inflates past what it declares', patched((b) => b.writeUInt32LE(100, central + 24)), 'npz.damaged'],
    ['a declared size beyond the bound', patched((b) => b.writeUInt32LE(0xf0000000, central + 24)), 'npz.too-large'],
    ['a size larger than what is there', patched((b) => b.writeUInt32LE(100_000, central + 24)), 'npz.damaged'],
    ['a wrong checksum', patched((b) => b.writeUInt32LE(1, central + 16)), 'npz.damaged'],
    ['an unknown compression', patched((b) => b.writeUInt16LE(12, central + 10)), 'npz.compression'],
    ['encryption', patched((b) => b.writeUInt16LE(1, central + 8)), 'npz.encrypted'],
    ['an entry beyond the end', patched((b) => b.writeUInt32LE(good.length, central + 42)), 'npz.damaged'],
    ['more entries than there are', patched((b) => b.writeUInt16LE(9, good.length - 12)), 'npz.damaged'],
    ['too many entries', patched((b) => b.writeUInt16LE(60_000, good.length - 12)), 'npz.too-many'],
    ['an archive cut short', good.subarray(0, good.length - 30), 'npz.damaged'],
  ])('%s', async (_what, bytes, code) => {
    await expect(readNpz(bytes)).rejects.toMatchObject({ code, owner: 'input' });
  });

  test('any damage gives an error of the input, never another one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }), async (changes) => {
        const bytes = patched((b) => changes.forEach(([at, value]) => b.writeUInt8(value, at)));
        const outcome = await readNpz(bytes).then(
          () => 'read',
          (error: unknown) => (error instanceof Error && 'owner' in error ? error.owner : error),
        );
        expect(['read', 'input']).toContain(outcome);
      }),
      { numRuns: 300 },
    );
  });
});
