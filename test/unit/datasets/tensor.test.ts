import { describe, expect, test } from 'vitest';
import {
  castTensor,
  concatRows,
  float32Tensor,
  halfToNumber,
  makeTensor,
  numberToHalf,
  sliceRows,
  tensorBytes,
  tensorFromBytes,
  toNumbers,
} from '#core/datasets';

describe('float16', () => {
  test('every one of the 65,536 patterns keeps its value there and back', () => {
    for (let bits = 0; bits < 65_536; bits++) {
      const value = halfToNumber(bits);
      if (Number.isNaN(value)) expect(halfToNumber(numberToHalf(value))).toBeNaN();
      else if (numberToHalf(value) !== bits) expect(numberToHalf(value)).toBe(bits);
    }
  });

  test('rounds to the nearest, ties to even, as the processor does', () => {
    const native = new DataView(new ArrayBuffer(2)) as DataView & { setFloat16(offset: number, value: number): void };
    for (let i = 0; i < 20_000; i++) {
      // Numbers spread over all exponents, with many exact ties.
      const value = (i % 2 ? -1 : 1) * (1 + ((i * 37) % 4096) / 4096) * 2 ** ((i % 46) - 28);
      native.setFloat16(0, value);
      if (numberToHalf(value) !== native.getUint16(0)) expect([value, numberToHalf(value)]).toEqual([value, native.getUint16(0)]);
    }
  });
});

test('a tensor whose data does not fit its type or dimensions is refused', () => {
  expect(() => makeTensor('float32', [2], new Float32Array(3))).toThrowError(/does not fit/);
  expect(() => makeTensor('float32', [2], new Int32Array(2))).toThrowError(/does not fit/);
  expect(() => makeTensor('string', [1], new Uint8Array(1))).toThrowError(/does not fit/);
  expect(() => makeTensor('float32', [-1], new Float32Array(0))).toThrowError(/whole number/);
  expect(() => tensorFromBytes('int64', [2], new Uint8Array(15))).toThrowError(/not as long/);
});

test('rows are cut and joined along the first axis', () => {
  const all = float32Tensor([3, 2], [1, 2, 3, 4, 5, 6]);
  expect(sliceRows(all, 1, 3)).toEqual(float32Tensor([2, 2], [3, 4, 5, 6]));
  expect(concatRows([sliceRows(all, 0, 1), sliceRows(all, 1, 3)])).toEqual(all);
  const texts = makeTensor('string', [2, 1], ['a', 'b']);
  expect(concatRows([sliceRows(texts, 1, 2), texts]).data).toEqual(['b', 'a', 'b']);
  expect(() => concatRows([all, float32Tensor([1, 3], [1, 2, 3])])).toThrowError(/first dimension/);
});

test('casts round as IEEE and C do, and bytes may begin anywhere', () => {
  expect(castTensor(float32Tensor([2], [1.9, -1.9]), 'int64').data).toEqual(BigInt64Array.of(1n, -1n));
  expect([...toNumbers(castTensor(float32Tensor([2], [0.1, 1e6]), 'float16'))]).toEqual([0.0999755859375, Number.POSITIVE_INFINITY]);
  const odd = new Uint8Array(9);
  odd.set(tensorBytes(float32Tensor([2], [1.5, 2.5])), 1);
  expect(tensorFromBytes('float32', [2], odd.subarray(1)).data).toEqual(Float32Array.of(1.5, 2.5));
});
