/** The TypeScript twins of the native kernels: what runs where no compiler was, and the reference the kernels are tested against. */
import { checkedParams } from './params.ts';
import type { Kernels, MinMax, QuantizedArray, QuantizeParams } from './types.ts';

/** Adding and taking away 1.5 x 2^52 leaves a double below 2^51 rounded half to even: the sum has no bits left for a fraction. */
const ROUND_MAGIC = 6755399441055744;
/** From here on every float32 is a whole number already, and far outside all our ranges. */
const WHOLE_FROM = 2 ** 31;

export const twins: Kernels = { name: 'typescript', quantizeLinear, minMax };

function quantizeLinear(input: Float32Array, output: QuantizedArray, params: QuantizeParams): number {
  const { scales, zeros, inner, low, high } = checkedParams(input, output, params);
  const channels = scales.length;
  let nans = 0;
  for (let i = 0, channel = 0, left = inner; i < input.length; i++) {
    const x = input[i] as number;
    // float32 division done in float64 and rounded once more is exact float32 division; the same holds for the sum.
    const quotient = Math.fround(x / (scales[channel] as number));
    const rounded = Math.abs(quotient) < WHOLE_FROM ? quotient + ROUND_MAGIC - ROUND_MAGIC : quotient;
    let value = Math.fround(rounded + (zeros[channel] as number));
    if (value !== value) {
      nans++;
      value = 0;
    }
    output[i] = value < low ? low : value > high ? high : value;
    if (--left === 0) {
      left = inner;
      channel = channel + 1 === channels ? 0 : channel + 1;
    }
  }
  return nans;
}

function minMax(input: Float32Array): MinMax {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < input.length; i++) {
    const x = input[i] as number;
    if (x < min) min = x;
    if (x > max) max = x;
  }
  // + 0 turns -0 into +0.
  return min > max ? { min: Number.NaN, max: Number.NaN } : { min: min + 0, max: max + 0 };
}
