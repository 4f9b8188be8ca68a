/** Pixels: decoding PNG and JPEG, and the arithmetic of the pixel steps. All of it is exact integer arithmetic, so it gives the same bytes everywhere. */
import { EdgewrightError } from '#contract';
import { MAX_IMAGE_BYTES, MAX_IMAGE_PIXELS } from './limits.ts';

/** Rows of pixels, `channels` bytes each (1 gray, 3 colour). */
export interface Pixels {
  width: number;
  height: number;
  channels: number;
  data: Uint8Array;
}

export type ResizeMethod = 'area' | 'bilinear' | 'nearest';

/** Bits of the fixed-point weights of a resize; with 8-bit pixels the sums fit 31 bits. */
const WEIGHT_BITS = 22;

const PNG = [0x89, 0x50, 0x4e, 0x47];
const JPEG = [0xff, 0xd8, 0xff];

export function looksLikeImage(bytes: Uint8Array): boolean {
  return [PNG, JPEG].some((magic) => magic.every((byte, i) => bytes[i] === byte));
}

/** Loaded on first use: a device or a command that sees no images never loads the decoder. */
async function loadSharp() {
  const { default: sharp } = await import('sharp');
  return sharp;
}

/**
 * Decodes a PNG or JPEG to three channels of 8 bits, whatever form the file has. Transparency is laid over white: (c * a + 255 * (255 - a)) / 255, rounded.
 * Colour profiles and the orientation note of cameras are not applied, as in the usual training pipelines.
 * @throws image.* (input)
 */
export async function decodeImage(bytes: Uint8Array): Promise<Pixels> {
  if (!looksLikeImage(bytes)) throw imageError('image.format', 'The input is not an image this recipe can read.', 'a PNG or JPEG file', 'other content');
  if (bytes.length > MAX_IMAGE_BYTES)
    throw imageError('image.too-large', 'The image file is too large.', `at most ${MAX_IMAGE_BYTES} bytes`, `${bytes.length} bytes`);
  const sharp = await loadSharp();
  const source = sharp(bytes, { limitInputPixels: MAX_IMAGE_PIXELS, ignoreIcc: true, failOn: 'warning' });
  try {
    const { data, info } = await source.toColourspace('srgb').raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    const alpha = info.channels === 2 || info.channels === 4;
    const pixels: Pixels = { width: info.width, height: info.height, channels: info.channels, data };
    return toRgb(alpha ? overWhite(pixels) : pixels);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (message.includes('pixel limit'))
      throw imageError('image.too-large', 'The image has too many pixels.', `at most ${MAX_IMAGE_PIXELS} pixels`, message.split('\n')[0] ?? '');
    throw new EdgewrightError(
      {
        code: 'image.damaged',
        message: 'The image cannot be decoded.',
        found: message.split('\n')[0] ?? '',
        hint: 'Save it again as PNG or JPEG.',
        owner: 'input',
      },
      { cause: error },
    );
  }
}

/** The image as PNG, for people to look at. */
export async function encodePng(pixels: Pixels): Promise<Buffer> {
  const sharp = await loadSharp();
  return sharp(pixels.data, { raw: { width: pixels.width, height: pixels.height, channels: pixels.channels === 1 ? 1 : 3 } })
    .png()
    .toBuffer();
}

/** BT.601 luma as Pillow's mode L computes it; equal channels stay as they are. */
export function toGray(pixels: Pixels): Pixels {
  if (pixels.channels === 1) return pixels;
  const count = pixels.width * pixels.height;
  const data = new Uint8Array(count);
  const from = pixels.data;
  for (let i = 0, at = 0; i < count; i++, at += 3) {
    data[i] = ((from[at] ?? 0) * 19595 + (from[at + 1] ?? 0) * 38470 + (from[at + 2] ?? 0) * 7471 + 0x8000) >> 16;
  }
  return { width: pixels.width, height: pixels.height, channels: 1, data };
}

export function toRgb(pixels: Pixels): Pixels {
  if (pixels.channels === 3) return pixels;
  const data = new Uint8Array(pixels.data.length * 3);
  pixels.data.forEach((value, i) => data.fill(value, i * 3, i * 3 + 3));
  return { ...pixels, channels: 3, data };
}

/** The middle; an odd rest leaves the smaller half on the left and top. */
export function cropMiddle(pixels: Pixels, width: number, height: number): Pixels {
  if (width > pixels.width || height > pixels.height) {
    throw imageError(
      'image.too-small',
      'The image is smaller than the part the recipe cuts out.',
      `at least ${width} x ${height}`,
      `${pixels.width} x ${pixels.height}`,
    );
  }
  const left = Math.floor((pixels.width - width) / 2);
  const top = Math.floor((pixels.height - height) / 2);
  const data = new Uint8Array(width * height * pixels.channels);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * pixels.width + left) * pixels.channels;
    data.set(pixels.data.subarray(from, from + width * pixels.channels), y * width * pixels.channels);
  }
  return { width, height, channels: pixels.channels, data };
}

/**
 * Separable resampling as Pillow's `Image.resize` defines it: weights from the filter stretched by the scale when shrinking,
 * in 22-bit fixed point, rows first, each pass rounded to 8 bits. An axis whose size stays is not touched.
 */
export function resize(pixels: Pixels, width: number, height: number, method: ResizeMethod): Pixels {
  const wide = width === pixels.width ? pixels : resample(pixels, width, method, 'x');
  return height === pixels.height ? wide : resample(wide, height, method, 'y');
}

function resample(from: Pixels, size: number, method: ResizeMethod, axis: 'x' | 'y'): Pixels {
  const { channels } = from;
  const to = axis === 'x' ? { width: size, height: from.height } : { width: from.width, height: size };
  const weights = weightsOf(axis === 'x' ? from.width : from.height, size, method);
  const data = new Uint8Array(to.width * to.height * channels);
  // Distance in bytes between neighbours along the axis.
  const step = axis === 'x' ? channels : from.width * channels;
  const half = 1 << (WEIGHT_BITS - 1);
  let out = 0;
  for (let y = 0; y < to.height; y++) {
    for (let x = 0; x < to.width; x++) {
      const { first, fixed } = weights[axis === 'x' ? x : y] ?? { first: 0, fixed: [] };
      const start = axis === 'x' ? (y * from.width + first) * channels : (first * from.width + x) * channels;
      for (let c = 0; c < channels; c++) {
        let sum = half;
        for (let k = 0, at = start + c; k < fixed.length; k++, at += step) sum += (from.data[at] ?? 0) * (fixed[k] ?? 0);
        data[out++] = Math.min(255, sum >> WEIGHT_BITS);
      }
    }
  }
  return { ...to, channels, data };
}

/** For each pixel of the result: the first source pixel it is made of, and the weights of it and those after. */
function weightsOf(inSize: number, outSize: number, method: ResizeMethod): { first: number; fixed: number[] }[] {
  const scale = inSize / outSize;
  const one = 1 << WEIGHT_BITS;
  if (method === 'nearest') return Array.from({ length: outSize }, (_, i) => ({ first: Math.min(inSize - 1, Math.floor((i + 0.5) * scale)), fixed: [one] }));
  const stretch = Math.max(1, scale);
  const support = (method === 'area' ? 0.5 : 1) * stretch;
  const filter = method === 'area' ? (t: number) => (t > -0.5 && t <= 0.5 ? 1 : 0) : (t: number) => Math.max(0, 1 - Math.abs(t));
  return Array.from({ length: outSize }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(inSize, Math.trunc(centre + support + 0.5));
    const raw = Array.from({ length: end - first }, (_unused, k) => filter((first + k - centre + 0.5) / stretch));
    const total = raw.reduce((a, b) => a + b, 0);
    return { first, fixed: raw.map((w) => Math.trunc(0.5 + (total === 0 ? w : w / total) * one)) };
  });
}

function overWhite(pixels: Pixels): Pixels {
  const colours = pixels.channels - 1;
  const count = pixels.width * pixels.height;
  const data = new Uint8Array(count * colours);
  for (let i = 0; i < count; i++) {
    const alpha = pixels.data[i * pixels.channels + colours] ?? 255;
    for (let c = 0; c < colours; c++) {
      data[i * colours + c] = Math.round(((pixels.data[i * pixels.channels + c] ?? 0) * alpha + 255 * (255 - alpha)) / 255);
    }
  }
  return { ...pixels, channels: colours, data };
}

function imageError(code: string, message: string, expected: string, found: string): EdgewrightError {
  return new EdgewrightError({ code, message, expected, found, owner: 'input' });
}
