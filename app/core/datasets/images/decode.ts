/** From the bytes of a PNG or JPEG file to pixels, by libvips, which decodes both as Pillow does. */
import { EdgewrightError } from '#contract';
import { IMAGE_DECODE_SECONDS, MAX_IMAGE_BYTES, MAX_IMAGE_PIXELS } from '../limits.ts';
import { imageError, type Pixels, toRgb } from './pixels.ts';

/** What a recipe says about reading the file. */
export interface DecodeOptions {
  /** Whether the camera's note on how it was held turns the image. Training pipelines mostly ignore it. */
  orientation: 'ignore' | 'apply';
  /** What shines through where the image is transparent: white, black, or its own colour as if it were opaque (Pillow's convert('RGB')). */
  alpha: 'white' | 'black' | 'drop';
}

const PNG = [0x89, 0x50, 0x4e, 0x47];
const JPEG = [0xff, 0xd8, 0xff];

/** Formats people try, so that a refusal can call them by name. */
const OTHERS: readonly [string, RegExp][] = [
  ['WebP', /^RIFF....WEBP/s],
  ['GIF', /^GIF8/],
  ['BMP', /^BM/],
  ['TIFF', /^(II\*\0|MM\0\*)/],
  ['HEIC or AVIF', /^....ftyp(heic|heix|mif1|avif)/s],
  ['SVG', /^\s*<(\?xml|svg)/],
  ['PDF', /^%PDF/],
];

export function looksLikeImage(bytes: Uint8Array): boolean {
  return [PNG, JPEG].some((magic) => magic.every((byte, i) => bytes[i] === byte));
}

/** Loaded on first use: a device or a command that sees no images never loads the decoder. */
async function loadSharp() {
  try {
    const { default: sharp } = await import('sharp');
    return sharp;
  } catch (error) {
    throw new EdgewrightError(
      {
        code: 'image.no-decoder',
        message: 'This machine has no image decoder, so images cannot be read here.',
        found: error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error),
        owner: 'machine',
      },
      { cause: error },
    );
  }
}

/**
 * Decodes a PNG or JPEG to three channels of 8 bits, whatever form the file has: palettes are looked up, gray is repeated, of 16 bits the upper 8 are kept
 * (as OpenCV does), colour profiles are not applied. Transparency c, a over white is (c a + 255 (255 - a)) / 255, rounded.
 * @throws image.* (input): another format, CMYK, damaged, too large
 */
export async function decodeImage(bytes: Uint8Array, options: DecodeOptions): Promise<Pixels> {
  if (!looksLikeImage(bytes)) throw imageError('image.format', 'The input is not an image this recipe can read.', 'a PNG or JPEG file', formatOf(bytes));
  if (bytes.length > MAX_IMAGE_BYTES)
    throw imageError('image.too-large', 'The image file is too large.', `at most ${MAX_IMAGE_BYTES} bytes`, `${bytes.length} bytes`);
  const sharp = await loadSharp();
  const source = sharp(bytes, { limitInputPixels: MAX_IMAGE_PIXELS, ignoreIcc: true, failOn: 'warning' });
  try {
    const { space } = await source.metadata();
    if (space === 'cmyk')
      throw imageError('image.cmyk', 'The image is made for print (CMYK), and its colours on a screen depend on the printer.', 'gray or RGB', 'CMYK');
    const upright = options.orientation === 'apply' ? source.autoOrient() : source;
    const { data, info } = await upright
      .timeout({ seconds: IMAGE_DECODE_SECONDS })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const pixels: Pixels = { width: info.width, height: info.height, channels: info.channels, data };
    const alpha = info.channels === 2 || info.channels === 4;
    return toRgb(alpha ? opaque(pixels, options.alpha) : pixels);
  } catch (error) {
    if (error instanceof EdgewrightError) throw error;
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

function formatOf(bytes: Uint8Array): string {
  const head = Buffer.from(bytes.subarray(0, 64)).toString('latin1');
  return OTHERS.find(([, pattern]) => pattern.test(head))?.[0] ?? 'other content';
}

function opaque(pixels: Pixels, alpha: DecodeOptions['alpha']): Pixels {
  const colours = pixels.channels - 1;
  const count = pixels.width * pixels.height;
  const behind = alpha === 'white' ? 255 : 0;
  const data = new Uint8Array(count * colours);
  for (let i = 0; i < count; i++) {
    const share = alpha === 'drop' ? 255 : (pixels.data[i * pixels.channels + colours] ?? 255);
    for (let c = 0; c < colours; c++) {
      data[i * colours + c] = Math.round(((pixels.data[i * pixels.channels + c] ?? 0) * share + behind * (255 - share)) / 255);
    }
  }
  return { ...pixels, channels: colours, data };
}
