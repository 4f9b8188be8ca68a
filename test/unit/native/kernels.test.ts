import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Kernels, kernels, loadNative, nativeStatus, type QuantizedArray, twins } from '#native';

const native = loadNative();
const TYPES = { int8: Int8Array, uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array } as const;
type TypeName = keyof typeof TYPES;
const RANGE: Record<TypeName, [number, number]> = { int8: [-128, 127], uint8: [0, 255], int16: [-32768, 32767], uint16: [0, 65535] };

/** Every implementation this machine has: the twins, and each kernel set of the addon. */
const implementations: { label: string; use: () => Kernels }[] = [{ label: 'typescript', use: () => twins }];
for (const name of native?.kernelNames() ?? []) {
  implementations.push({
    label: `native ${name}`,
    use: () => {
      native?.useKernels(name);
      return native as Kernels;
    },
  });
}

/** Floats that matter: plain ones, halves, huge, tiny, infinite, NaN and both zeros. */
const float = fc.oneof(
  { weight: 6, arbitrary: fc.float({ noNaN: true, min: -1000, max: 1000 }) },
  { weight: 3, arbitrary: fc.integer({ min: -600, max: 600 }).map((n) => n / 2) },
  { weight: 1, arbitrary: fc.float() },
  { weight: 1, arbitrary: fc.constantFrom(0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3.4e38, -3.4e38, 1e-45, 8388607.5, 16777217) },
);
const scale = fc.oneof(fc.float({ min: Math.fround(1e-6), max: 1000, noNaN: true }), fc.constantFrom(1, 0.5, 0.1, 2, Math.fround(1.2e-38)));
const typeName = fc.constantFrom<TypeName>('int8', 'uint8', 'int16', 'uint16');

describe.each(implementations)('quantizeLinear, $label', ({ use }) => {
  it('rounds halves to even, adds the zero point and clips to the full range', () => {
    const input = Float32Array.of(0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 1e9, -1e9, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0);
    const out = new Int8Array(input.length);
    expect(use().quantizeLinear(input, out, { scale: 1, zeroPoint: 0 })).toBe(0);
    expect([...out]).toEqual([0, 2, 2, 0, -2, -2, 127, -128, 127, -128, 0, 0]);
    const shifted = new Uint8Array(input.length);
    use().quantizeLinear(input, shifted, { scale: 1, zeroPoint: 128 });
    expect([...shifted]).toEqual([128, 130, 130, 128, 126, 126, 255, 0, 255, 0, 128, 128]);
  });

  it('divides; a reciprocal would put these values one step off', () => {
    // Multiples of half a step: here the last bit of the quotient decides which way a value goes.
    const s = Math.fround(0.013);
    const input = Float32Array.from({ length: 4096 }, (_, i) => Math.fround((i - 2048) / 2) * s);
    const out = new Int16Array(input.length);
    use().quantizeLinear(input, out, { scale: s, zeroPoint: 0 });
    const even = (x: number) => (Math.abs(x - Math.trunc(x)) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));
    expect([...out]).toEqual([...input].map((x) => even(Math.fround(x / s)) + 0));
    const reciprocal = Math.fround(1 / s);
    expect([...out]).not.toEqual([...input].map((x) => even(Math.fround(x * reciprocal)) + 0));
  });

  it('counts NaN and stores 0 for it', () => {
    const input = Float32Array.from({ length: 40 }, (_, i) => (i % 3 === 0 ? Number.NaN : 7));
    const out = new Uint8Array(40);
    expect(use().quantizeLinear(input, out, { scale: 1, zeroPoint: 100 })).toBe(14);
    expect(out[0]).toBe(0);
    expect(out[1]).toBe(107);
  });

  it('takes one scale per channel, at any axis', () => {
    const input = Float32Array.from({ length: 2 * 3 * 5 }, (_, i) => i);
    const out = new Uint8Array(30);
    use().quantizeLinear(input, out, { scale: [1, 2, 4], zeroPoint: [0, 1, 2], inner: 5 });
    expect([...out.subarray(0, 15)]).toEqual([0, 1, 2, 3, 4, 3, 4, 5, 5, 5, 4, 5, 5, 5, 6]);
    const columns = new Int8Array(30);
    use().quantizeLinear(input, columns, { scale: Float32Array.of(1, 2, 4), zeroPoint: Int32Array.of(0, 0, 0) });
    expect([...columns.subarray(0, 6)]).toEqual([0, 0, 0, 3, 2, 1]);
  });

  it('refuses what does not fit', () => {
    const k = use();
    const one = new Float32Array(6);
    const out = new Int8Array(6);
    for (const params of [
      { scale: 0, zeroPoint: 0 },
      { scale: -1, zeroPoint: 0 },
      { scale: Number.NaN, zeroPoint: 0 },
      { scale: 1e-60, zeroPoint: 0 },
      { scale: 1, zeroPoint: 128 },
      { scale: 1, zeroPoint: 0.5 },
      { scale: [1, 1], zeroPoint: [0] },
      { scale: [], zeroPoint: [] },
      { scale: [1, 1, 1, 1], zeroPoint: [0, 0, 0, 0] },
      { scale: [1, 1], zeroPoint: [0, 0], inner: 0 },
    ]) {
      expect(() => k.quantizeLinear(one, out, params)).toThrow(RangeError);
    }
    expect(() => k.quantizeLinear(one, new Int8Array(5), { scale: 1, zeroPoint: 0 })).toThrow(RangeError);
    expect(k.quantizeLinear(new Float32Array(0), new Int8Array(0), { scale: 1, zeroPoint: 0 })).toBe(0);
  });
});

describe.each(implementations)('minMax, $label', ({ use }) => {
  it('passes over NaN, and is NaN when nothing else is there', () => {
    const values = new Float32Array(100).fill(Number.NaN);
    expect(use().minMax(values)).toEqual({ min: Number.NaN, max: Number.NaN });
    expect(use().minMax(new Float32Array(0))).toEqual({ min: Number.NaN, max: Number.NaN });
    values[37] = -3;
    values[98] = 4;
    expect(use().minMax(values)).toEqual({ min: -3, max: 4 });
    expect(Object.is(use().minMax(new Float32Array(50).fill(-0)).min, 0)).toBe(true);
    expect(use().minMax(new Float32Array(33).fill(Number.POSITIVE_INFINITY))).toEqual({ min: Number.POSITIVE_INFINITY, max: Number.POSITIVE_INFINITY });
  });
});

describe.runIf(native !== undefined)('the addon against its twins', () => {
  const label = implementations.slice(1);

  it.each(label)('quantizes identically: $label', ({ use }) => {
    fc.assert(
      fc.property(fc.array(float, { maxLength: 70 }), typeName, scale, fc.double({ min: 0, max: 1, noNaN: true }), (values, type, s, at) => {
        const input = Float32Array.from(values);
        const [low, high] = RANGE[type];
        const params = { scale: s, zeroPoint: Math.round(low + at * (high - low)) };
        const expected = new TYPES[type](input.length) as QuantizedArray;
        const actual = new TYPES[type](input.length) as QuantizedArray;
        const count = twins.quantizeLinear(input, expected, params);
        expect(use().quantizeLinear(input, actual, params)).toBe(count);
        expect(actual).toEqual(expected);
      }),
      { numRuns: 400 },
    );
  });

  it.each(label)('quantizes identically per channel: $label', ({ use }) => {
    const shape = fc.record({ outer: fc.integer({ min: 1, max: 3 }), channels: fc.integer({ min: 1, max: 20 }), inner: fc.integer({ min: 1, max: 9 }) });
    fc.assert(
      fc.property(shape, typeName, fc.infiniteStream(float), fc.infiniteStream(scale), ({ outer, channels, inner }, type, values, scales) => {
        const take = <T>(n: number, from: Iterator<T>) => Array.from({ length: n }, () => from.next().value as T);
        const input = Float32Array.from(take(outer * channels * inner, values[Symbol.iterator]()));
        const [low, high] = RANGE[type];
        const params = {
          scale: take(channels, scales[Symbol.iterator]()),
          zeroPoint: Array.from({ length: channels }, (_, c) => (c % 2 ? low + c : high - c)),
          inner,
        };
        const expected = new TYPES[type](input.length) as QuantizedArray;
        const actual = new TYPES[type](input.length) as QuantizedArray;
        expect(use().quantizeLinear(input, actual, params)).toBe(twins.quantizeLinear(input, expected, params));
        expect(actual).toEqual(expected);
      }),
      { numRuns: 150 },
    );
  });

  it.each(label)('finds the same bounds: $label', ({ use }) => {
    fc.assert(
      fc.property(fc.array(float, { maxLength: 70 }), fc.integer({ min: 0, max: 3 }), (values, skip) => {
        // A view that begins off the vector width: loads must not need alignment.
        const input = Float32Array.from(values).subarray(Math.min(skip, values.length));
        expect(use().minMax(input)).toEqual(twins.minMax(input));
      }),
      { numRuns: 300 },
    );
  });

  it('refuses arguments that would touch foreign memory, without the façade too', async () => {
    const { createRequire } = await import('node:module');
    const raw = createRequire(import.meta.url)('../../../native/build/Release/edgewright.node') as {
      quantizeLinear(...args: unknown[]): number;
      minMax(...args: unknown[]): unknown;
    };
    const f = new Float32Array(8);
    const one = Float32Array.of(1);
    for (const args of [
      [],
      [f, new Int8Array(7), one, one, 1],
      [f, new Int32Array(8), one, one, 1],
      [f, new Int8Array(8), new Float32Array(0), new Float32Array(0), 1],
      [f, new Int8Array(8), new Float32Array(3), new Float32Array(3), 1],
      [f, new Int8Array(8), one, one, 3],
      [f, new Int8Array(8), one, one, 2 ** 60],
      [f, new Int8Array(8), one, one, Number.NaN],
      [f, 'x', one, one, 1],
      [new Float64Array(8), new Int8Array(8), one, one, 1],
      [{}, null, undefined, Symbol.iterator, 1],
    ]) {
      expect(() => raw.quantizeLinear(...args)).toThrow(TypeError);
    }
    expect(() => raw.minMax([1, 2])).toThrow(TypeError);
    expect(() => raw.minMax()).toThrow(TypeError);
  });
});

describe('the façade', () => {
  it('gives the twins when the addon is switched off', () => {
    process.env.EDGEWRIGHT_NO_NATIVE = '1';
    try {
      expect(loadNative()).toBeUndefined();
      expect(kernels().name).toBe('typescript');
      expect(nativeStatus()).toEqual({ native: false, detail: 'switched off by EDGEWRIGHT_NO_NATIVE' });
    } finally {
      delete process.env.EDGEWRIGHT_NO_NATIVE;
    }
  });
});
