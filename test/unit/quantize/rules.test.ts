import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { integerRange, roundHalfEven, scaleAndZeroPoint } from '#core/quantize';

describe('rounding', () => {
  it('takes halves to the even number', () => {
    expect([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.4999, 2.5001].map((value) => roundHalfEven(value) + 0)).toEqual([-2, -2, 0, 0, 2, 2, 2, 3]);
  });
});

describe('ranges', () => {
  it('are what the reference has', () => {
    expect(integerRange('int8')).toEqual({ low: -128, high: 127 });
    expect(integerRange('int8', { symmetric: true })).toEqual({ low: -127, high: 127 });
    expect(integerRange('int8', { symmetric: true, reduced: true })).toEqual({ low: -64, high: 64 });
    expect(integerRange('uint8', { symmetric: true })).toEqual({ low: 0, high: 255 });
    expect(integerRange('uint8', { reduced: true })).toEqual({ low: 0, high: 127 });
  });
});

describe('scale and zero point', () => {
  // Computed with Python onnxruntime 1.30's compute_scale_zp.
  it.each([
    [-1, 2, 'int8', false, { scale: 0.0117647061124444, zeroPoint: -43 }],
    [0, 6, 'uint8', false, { scale: 0.0235294122248888, zeroPoint: 0 }],
    [0, 1, 'int8', false, { scale: 0.003921568859368563, zeroPoint: -128 }],
    [-3, 1, 'int8', true, { scale: 0.023622047156095505, zeroPoint: 0 }],
    [-3, 1, 'uint8', true, { scale: 0.023529412224888802, zeroPoint: 128 }],
    [2, 5, 'uint8', false, { scale: 0.019607843831181526, zeroPoint: 0 }],
    [-5, -2, 'int8', false, { scale: 0.019607843831181526, zeroPoint: 127 }],
    [0, 0, 'uint8', false, { scale: 1, zeroPoint: 0 }],
    [1e-40, 1e-39, 'uint8', true, { scale: 1, zeroPoint: 0 }],
  ] as const)('of %d to %d as %s', (min, max, type, symmetric, expected) => {
    expect(scaleAndZeroPoint(min, max, integerRange(type, { symmetric }), symmetric)).toEqual(expected);
  });

  it('always hold zero exactly and cover the range', () => {
    const float = fc.float({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(float, float, fc.constantFrom('int8' as const, 'uint8' as const), fc.boolean(), (a, b, type, symmetric) => {
        const range = integerRange(type, { symmetric });
        const { scale, zeroPoint } = scaleAndZeroPoint(Math.min(a, b), Math.max(a, b), range, symmetric);
        expect(Math.fround(scale)).toBe(scale);
        expect(scale).toBeGreaterThan(0);
        expect(Number.isInteger(zeroPoint) && zeroPoint >= range.low && zeroPoint <= range.high).toBe(true);
      }),
    );
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('are refused for %d, naming the tensor', (value) => {
    expect(() => scaleAndZeroPoint(0, value, integerRange('int8'), true, 'conv.weight')).toThrow(/conv\.weight/);
  });
});
