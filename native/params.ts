/** Checks and normal forms that both implementations share, so that they also fail alike. */
import type { QuantizedArray, QuantizeParams } from './types.ts';

export interface CheckedParams {
  scales: Float32Array;
  zeros: Float32Array;
  inner: number;
  low: number;
  high: number;
}

/** @throws RangeError naming what does not fit. */
export function checkedParams(input: Float32Array, output: QuantizedArray, params: QuantizeParams): CheckedParams {
  const [low, high] = rangeOf(output);
  const scales = asFloats(params.scale);
  const zeros = asFloats(params.zeroPoint);
  const inner = scales.length === 1 ? Math.max(input.length, 1) : (params.inner ?? 1);
  if (output.length !== input.length) throw new RangeError(`quantizeLinear: ${input.length} values do not fit an output of ${output.length}.`);
  if (scales.length === 0 || zeros.length !== scales.length) {
    throw new RangeError(`quantizeLinear: ${scales.length} scales and ${zeros.length} zero points; there must be as many of each, at least one.`);
  }
  if (!Number.isSafeInteger(inner) || inner < 1) throw new RangeError(`quantizeLinear: inner is ${inner}; it must be a whole number from 1.`);
  if (scales.length > 1 && input.length % (inner * scales.length) !== 0) {
    throw new RangeError(`quantizeLinear: ${input.length} values are no multiple of ${scales.length} channels of ${inner}.`);
  }
  for (const scale of scales) {
    if (!(scale > 0 && scale < Number.POSITIVE_INFINITY))
      throw new RangeError(`quantizeLinear: a scale is ${scale}; it must be positive and finite in float32.`);
  }
  for (const zero of zeros) {
    if (!(Number.isInteger(zero) && zero >= low && zero <= high))
      throw new RangeError(`quantizeLinear: a zero point is ${zero}; it must be a whole number from ${low} to ${high}.`);
  }
  return { scales, zeros, inner, low, high };
}

function asFloats(value: number | ArrayLike<number>): Float32Array {
  if (typeof value === 'number') return Float32Array.of(value);
  return value instanceof Float32Array ? value : Float32Array.from(value);
}

function rangeOf(output: QuantizedArray): [number, number] {
  if (output instanceof Int8Array) return [-128, 127];
  if (output instanceof Uint8Array) return [0, 255];
  if (output instanceof Int16Array) return [-32768, 32767];
  return [0, 65535];
}
