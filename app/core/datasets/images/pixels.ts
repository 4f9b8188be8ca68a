/** Pixels, and what is done to them in whole numbers, so that it gives the same bytes everywhere. */
import { EdgewrightError } from '#contract';

/** Rows of pixels, `channels` bytes each (1 gray, 3 colour). */
export interface Pixels {
  width: number;
  height: number;
  channels: number;
  data: Uint8Array;
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

/** Red and blue change places. */
export function swapRedBlue(pixels: Pixels): Pixels {
  if (pixels.channels !== 3) return pixels;
  const data = Uint8Array.from(pixels.data);
  for (let at = 0; at < data.length; at += 3) [data[at], data[at + 2]] = [data[at + 2] ?? 0, data[at] ?? 0];
  return { ...pixels, data };
}

/** A part, from its left upper corner. */
export function cropAt(pixels: Pixels, left: number, top: number, width: number, height: number): Pixels {
  if (width > pixels.width || height > pixels.height) {
    throw imageError(
      'image.too-small',
      'The image is smaller than the part the recipe cuts out.',
      `at least ${width} x ${height}`,
      `${pixels.width} x ${pixels.height}`,
    );
  }
  const data = new Uint8Array(width * height * pixels.channels);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * pixels.width + left) * pixels.channels;
    data.set(pixels.data.subarray(from, from + width * pixels.channels), y * width * pixels.channels);
  }
  return { width, height, channels: pixels.channels, data };
}

/** A larger image with this one in it, and one colour around it. */
export function padTo(pixels: Pixels, left: number, top: number, width: number, height: number, fill: readonly number[]): Pixels {
  const { channels } = pixels;
  const data = new Uint8Array(width * height * channels);
  for (let at = 0; at < data.length; at++) data[at] = fill[fill.length === 1 ? 0 : at % channels] ?? 0;
  for (let y = 0; y < pixels.height; y++) {
    const row = pixels.data.subarray(y * pixels.width * channels, (y + 1) * pixels.width * channels);
    data.set(row, ((top + y) * width + left) * channels);
  }
  return { width, height, channels, data };
}

export function imageError(code: string, message: string, expected: string, found: string): EdgewrightError {
  return new EdgewrightError({ code, message, expected, found, owner: 'input' });
}
