/**
 * The arithmetic of scales and zero points, as ONNX Runtime 1.30's Python quantizer does it (reference/quantization.md §2).
 * Doubles with explicit rounding to float32 give the same bits: for + - * / the double rounding is innocuous.
 */
import { EdgewrightError } from '#contract';

export type IntegerType = 'int8' | 'uint8';

/** Lowest and highest quantized value. */
export interface IntegerRange {
  low: number;
  high: number;
}

export interface ScaleZero {
  /** A float32 value. */
  scale: number;
  zeroPoint: number;
}

/** Smallest normal float32: a scale below it counts as no range at all. */
const FLOAT32_TINY = 1.1754943508222875e-38;

/** The range scales are computed for. A reduced range (7 bits) wins over a symmetric one. */
export function integerRange(type: IntegerType, options: { symmetric?: boolean; reduced?: boolean } = {}): IntegerRange {
  if (options.reduced) return type === 'int8' ? { low: -64, high: 64 } : { low: 0, high: 127 };
  if (type === 'uint8') return { low: 0, high: 255 };
  return options.symmetric ? { low: -127, high: 127 } : { low: -128, high: 127 };
}

/** Nearest whole number, halves to the even one, as C's rint and numpy's round. Math.round goes up at halves and is wrong here. */
export function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest < 0.5) return below;
  if (rest > 0.5) return below + 1;
  return below % 2 === 0 ? below : below + 1;
}

/**
 * Scale and zero point for values from `min` to `max` (float32 values).
 * @param name of the tensor, for the message
 * @throws quantize.not-finite when the range is not made of finite numbers
 */
export function scaleAndZeroPoint(min: number, max: number, range: IntegerRange, symmetric: boolean, name?: string): ScaleZero {
  if (!Number.isFinite(min) || !Number.isFinite(max)) {
    throw new EdgewrightError({
      code: 'quantize.not-finite',
      message: `${name === undefined ? 'A tensor' : `The tensor '${name}'`} holds values that are infinite or not numbers. It cannot be quantized.`,
      found: `from ${min} to ${max}`,
      owner: 'input',
    });
  }
  // Zero must be exact: padding and ReLU rely on it.
  let low = Math.min(min, 0);
  let high = Math.max(max, 0);
  if (symmetric) {
    high = Math.max(Math.abs(low), Math.abs(high));
    low = -high;
  }
  // 1.30 subtracts in float32 (1.31 in float64): a quarter of all asymmetric scales differ in the last bit.
  const scale = Math.fround(high - low) / (range.high - range.low);
  if (scale < FLOAT32_TINY) return { scale: 1, zeroPoint: 0 };
  // The zero point is computed with the scale before it is rounded to float32. `+ 0` turns -0 into 0.
  const zeroPoint = symmetric ? roundHalfEven((range.low + range.high) / 2) : roundHalfEven(range.low - low / scale);
  return { scale: Math.fround(scale), zeroPoint: zeroPoint + 0 };
}
