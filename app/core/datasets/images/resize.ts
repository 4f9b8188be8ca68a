/**
 * Resizing, one axis after the other. On pixels the result is 8 bits: as Pillow's to the bit for every method; as OpenCV's to the bit for
 * `nearest` and `bilinear`, within 1 level for `bicubic` and `area`. On numbers (float32) nothing is rounded to levels: as PyTorch's
 * interpolate (antialias=True for `pillow`) within a few units of the last place.
 */
import { roundHalfEven } from '../rounding.ts';
import type { Pixels } from './pixels.ts';
import { type ResizeMethod, type ResizeRule, type Taps, tapsOf } from './taps.ts';

/** Bits of Pillow's fixed-point weights; with 8-bit pixels the sums fit 31 bits. */
const PILLOW_BITS = 22;
/** Bits of OpenCV's fixed-point weights. */
const OPENCV_BITS = 11;

type Axis = 'x' | 'y';

interface Image<A> {
  width: number;
  height: number;
  channels: number;
  data: A;
}

/**
 * A resize of pixels; an axis whose size stays is not touched. Rows come first, but in Pillow 13 columns where the height shrinks by more than
 * twice as many pixels as the width: rounding between the passes makes that a difference of a few levels.
 */
export function resizePixels(pixels: Pixels, width: number, height: number, method: ResizeMethod, rule: ResizeRule): Pixels {
  if (width === pixels.width && height === pixels.height) return pixels;
  if (method === 'nearest' || rule !== 'opencv') {
    const pass = (from: Pixels, axis: Axis) => {
      const [before, after] = axis === 'x' ? [from.width, width] : [from.height, height];
      return before === after ? from : pillowPass(from, tapsOf(before, after, method, rule), axis);
    };
    const shrunk = pixels.height - height;
    const columnsFirst = rule === 'pillow' && shrunk > 0 && shrunk > 2 * (pixels.width - width);
    return columnsFirst ? pass(pass(pixels, 'y'), 'x') : pass(pass(pixels, 'x'), 'y');
  }
  if (method === 'bilinear') return opencvBilinear(pixels, width, height);
  const exact = resizeNumbers({ ...pixels, data: Float64Array.from(pixels.data) }, width, height, method, rule);
  return { ...exact, data: Uint8Array.from(exact.data, (x) => Math.min(255, Math.max(0, Math.round(x)))) };
}

/** A resize of numbers, in doubles. */
export function resizeNumbers(image: Image<Float64Array>, width: number, height: number, method: ResizeMethod, rule: ResizeRule): Image<Float64Array> {
  const wide = width === image.width ? image : numberPass(image, tapsOf(image.width, width, method, rule), 'x');
  return height === image.height ? wide : numberPass(wide, tapsOf(image.height, height, method, rule), 'y');
}

/** Calls back for each new pixel, row after row, with its taps and the place of the first element under them. */
function walk(
  { width, height, channels }: Omit<Image<unknown>, 'data'>,
  taps: readonly Taps[],
  axis: Axis,
  visit: (which: number, start: number) => void,
): void {
  const [columns, rows] = axis === 'x' ? [taps.length, height] : [width, taps.length];
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const which = axis === 'x' ? x : y;
      const first = taps[which]?.first ?? 0;
      visit(which, (axis === 'x' ? y * width + first : first * width + x) * channels);
    }
  }
}

/** Distance in elements between neighbours along the axis. */
function stepOf(image: Omit<Image<unknown>, 'data'>, axis: Axis): number {
  return axis === 'x' ? image.channels : image.width * image.channels;
}

function sizeAfter({ width, height, channels }: Omit<Image<unknown>, 'data'>, taps: readonly Taps[], axis: Axis) {
  return axis === 'x' ? { width: taps.length, height, channels } : { width, height: taps.length, channels };
}

/** Weights in fixed point, rounded away from zero at the half; each pass is rounded to 8 bits. */
function pillowPass(from: Pixels, taps: readonly Taps[], axis: Axis): Pixels {
  const to = sizeAfter(from, taps, axis);
  const fixed = taps.map(({ weights }) => Int32Array.from(weights, (w) => Math.trunc((w < 0 ? -0.5 : 0.5) + w * (1 << PILLOW_BITS))));
  const data = new Uint8Array(to.width * to.height * to.channels);
  const step = stepOf(from, axis);
  const none = new Int32Array();
  let out = 0;
  walk(from, taps, axis, (which, start) => {
    const weights = fixed[which] ?? none;
    for (let c = 0; c < from.channels; c++) {
      let sum = 1 << (PILLOW_BITS - 1);
      for (let k = 0, at = start + c; k < weights.length; k++, at += step) sum += (from.data[at] ?? 0) * (weights[k] ?? 0);
      data[out++] = Math.min(255, Math.max(0, sum >> PILLOW_BITS));
    }
  });
  return { ...to, data };
}

function numberPass(from: Image<Float64Array>, taps: readonly Taps[], axis: Axis): Image<Float64Array> {
  const to = sizeAfter(from, taps, axis);
  const data = new Float64Array(to.width * to.height * to.channels);
  const step = stepOf(from, axis);
  const all = taps.map(({ weights }) => Float64Array.from(weights));
  const none = new Float64Array();
  let out = 0;
  walk(from, taps, axis, (which, start) => {
    const weights = all[which] ?? none;
    for (let c = 0; c < from.channels; c++) {
      let sum = 0;
      for (let k = 0, at = start + c; k < weights.length; k++, at += step) sum += (from.data[at] ?? 0) * (weights[k] ?? 0);
      data[out++] = sum;
    }
  });
  return { ...to, data };
}

/**
 * cv2.resize on 8 bits: 11-bit weights, rows summed in whole numbers, then two rows mixed with the low bits cut on the way. Above the first and below
 * the last row both rows are the same, but are still mixed, which can cost one level.
 */
function opencvBilinear(from: Pixels, width: number, height: number): Pixels {
  const { channels } = from;
  const one = 1 << OPENCV_BITS;
  const place = (i: number, inSize: number, outSize: number) => {
    const at = Math.fround((i + 0.5) * (1 / (outSize / inSize)) - 0.5);
    const below = Math.floor(at);
    return { below, t: Math.fround(at - below) };
  };
  const mix = (t: number): [number, number] => [roundHalfEven(Math.fround(1 - t) * one), roundHalfEven(t * one)];
  const columns = Array.from({ length: width }, (_, x) => {
    const { below, t } = place(x, from.width, width);
    if (below < 0) return { a: 0, b: 0, weights: mix(0) };
    if (below >= from.width - 1) return { a: from.width - 1, b: from.width - 1, weights: mix(0) };
    return { a: below, b: below + 1, weights: mix(t) };
  });
  const row = (y: number): Int32Array => {
    const out = new Int32Array(width * channels);
    const start = Math.min(from.height - 1, Math.max(0, y)) * from.width;
    columns.forEach(({ a, b, weights: [wa, wb] }, x) => {
      for (let c = 0; c < channels; c++) {
        out[x * channels + c] = (from.data[(start + a) * channels + c] ?? 0) * wa + (from.data[(start + b) * channels + c] ?? 0) * wb;
      }
    });
    return out;
  };
  const data = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    const { below, t } = place(y, from.height, height);
    const [wa, wb] = mix(t);
    const [upper, lower] = [row(below), row(below + 1)];
    for (let i = 0; i < upper.length; i++) {
      const sum = ((wa * ((upper[i] ?? 0) >> 4)) >> 16) + ((wb * ((lower[i] ?? 0) >> 4)) >> 16);
      data[y * upper.length + i] = Math.min(255, Math.max(0, (sum + 2) >> 2));
    }
  }
  return { width, height, channels, data };
}
