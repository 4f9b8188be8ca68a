/**
 * The loops over weights. The hot ones come from `#native`, whose C++ and TypeScript versions agree bit for bit; here they
 * are given the shapes that weights have.
 */
import { EdgewrightError } from '#contract';
import { kernels, type QuantizedArray } from '#native';
import { type IntegerType, roundHalfEven } from './rules.ts';

export interface ValueRange {
  min: number;
  max: number;
}

const INT32 = { low: -2147483648, high: 2147483647 };

/** Lowest and highest value; 0 to 0 for no values. NaN is passed over: `quantizeValues` finds it. */
export function valueRange(values: Float32Array): ValueRange {
  return values.length === 0 ? { min: 0, max: 0 } : kernels().minMax(values);
}

/** One range for each index along `axis`; NaN is passed over as in `valueRange`. */
export function channelRanges(values: Float32Array, dims: readonly number[], axis: number): ValueRange[] {
  const channels = dims[axis] ?? 1;
  const inner = product(dims.slice(axis + 1));
  const low = new Float64Array(channels).fill(Number.POSITIVE_INFINITY);
  const high = new Float64Array(channels).fill(Number.NEGATIVE_INFINITY);
  // In the order of memory, whatever the axis: channels that lie side by side would make a call for each value.
  for (let at = 0, channel = 0; at < values.length; channel = channel + 1 === channels ? 0 : channel + 1) {
    let min = low[channel] ?? 0;
    let max = high[channel] ?? 0;
    for (const end = at + inner; at < end; at++) {
      const value = values[at] ?? 0;
      if (value < min) min = value;
      if (value > max) max = value;
    }
    low[channel] = min;
    high[channel] = max;
  }
  return Array.from({ length: channels }, (_, channel) => {
    const [min, max] = [low[channel] ?? 0, high[channel] ?? 0];
    if (values.length === 0) return { min: 0, max: 0 };
    return min > max ? { min: Number.NaN, max: Number.NaN } : { min, max };
  });
}

/**
 * Quantized values, clipped to the whole range of the type even where the scale was made for a smaller one.
 * @param scales one, or one per index along `axis`
 * @throws quantize.not-finite when a value is not a number
 */
export function quantizeValues(
  values: Float32Array,
  type: IntegerType,
  params: { scales: readonly number[]; zeroPoints: readonly number[]; dims: readonly number[]; axis: number | undefined; name: string },
): QuantizedArray {
  const output = type === 'int8' ? new Int8Array(values.length) : new Uint8Array(values.length);
  const perChannel = params.axis !== undefined;
  const notNumbers = kernels().quantizeLinear(values, output, {
    scale: perChannel ? Float32Array.from(params.scales) : (params.scales[0] ?? 1),
    zeroPoint: perChannel ? Int32Array.from(params.zeroPoints) : (params.zeroPoints[0] ?? 0),
    ...(params.axis !== undefined && { inner: product(params.dims.slice(params.axis + 1)) }),
  });
  if (notNumbers > 0) {
    throw new EdgewrightError({
      code: 'quantize.not-finite',
      message: `The tensor '${params.name}' holds ${notNumbers} values that are not numbers. It cannot be quantized.`,
      owner: 'input',
    });
  }
  return output;
}

/** int32 bias: rint(b / scale) in float64, clipped. `clipped` counts values that did not fit. */
export function quantizeBias(bias: Float32Array, scales: Float32Array): { values: Int32Array; clipped: number } {
  const values = new Int32Array(bias.length);
  let clipped = 0;
  for (let i = 0; i < bias.length; i++) {
    const exact = roundHalfEven((bias[i] ?? 0) / (scales[scales.length === 1 ? 0 : i] ?? 1));
    const fits = Math.min(Math.max(exact, INT32.low), INT32.high);
    if (fits !== exact) clipped++;
    values[i] = fits;
  }
  return { values, clipped };
}

export function product(dims: readonly number[]): number {
  return dims.reduce((all, dim) => all * dim, 1);
}

/** The transpose of a matrix in row-major order. */
export function transposed<T extends Float32Array | Int8Array | Uint8Array>(matrix: T, rows: number, columns: number, into: T): T {
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) into[c * rows + r] = matrix[r * columns + c] ?? 0;
  return into;
}
