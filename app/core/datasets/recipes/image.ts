/** Images: from a PNG or JPEG file to one tensor, step by step. */
import { decodeImage, encodePng } from '../images/decode.ts';
import { cropAt, padTo, type Pixels, swapRedBlue, toGray, toRgb } from '../images/pixels.ts';
import { resizeNumbers, resizePixels } from '../images/resize.ts';
import { MAX_IMAGE_VALUES, MAX_PREVIEW_PIXELS, MAX_RESIZE_SIDE } from '../limits.ts';
import { roundHalfEven } from '../rounding.ts';
import { makeTensor, type Tensor } from '../tensor.ts';
import type { ImageRecipe, ImageStep, Resize } from './image-schema.ts';
import { type Applied, fitType, type ImageFrame, inputOf, misfit, type RecipeContext, type RecipeKind } from './kind.ts';

/** An image on its way to the model, and where each of its pixels came from. */
interface Placed {
  pixels: Pixels;
  frame: ImageFrame;
}

/** Rows of pixels as numbers, `channels` together; each operation rounds to float32. */
interface Numbers {
  width: number;
  height: number;
  channels: number;
  data: Float32Array;
}

export const imageKind: RecipeKind<ImageRecipe> = { apply: applyImage };

async function applyImage(recipe: ImageRecipe, bytes: Uint8Array, { inputs }: RecipeContext): Promise<Applied> {
  const input = inputOf(recipe.input, inputs, 'image');
  const decoded = await decodeImage(bytes, recipe);
  let placed: Placed = {
    pixels: decoded,
    frame: { width: decoded.width, height: decoded.height, scaleX: 1, scaleY: 1, offsetX: 0, offsetY: 0, toWidth: 0, toHeight: 0 },
  };
  const onNumbers = recipe.steps.findIndex((step) => 'scale' in step || 'normalize' in step);
  const [pixelSteps, numberSteps] = onNumbers < 0 ? [recipe.steps, []] : [recipe.steps.slice(0, onNumbers), recipe.steps.slice(onNumbers)];
  for (const step of pixelSteps) placed = applyPixelStep(step, placed);
  const { pixels, frame } = placed;
  if (pixels.data.length > MAX_IMAGE_VALUES)
    throw misfit(
      'The recipe makes a tensor that is too large.',
      `at most ${MAX_IMAGE_VALUES} numbers`,
      `${pixels.width} x ${pixels.height} x ${pixels.channels}`,
    );
  let numbers: Numbers = { ...pixels, data: Float32Array.from(pixels.data) };
  for (const step of numberSteps) numbers = applyNumberStep(step, numbers);
  const layout = recipe.steps.find((step) => 'layout' in step)?.layout ?? 'NCHW';
  const preview = pixels.width * pixels.height <= MAX_PREVIEW_PIXELS ? await encodePng(pixels) : undefined;
  const [scaleX, scaleY] = [numbers.width / pixels.width, numbers.height / pixels.height];
  return {
    feeds: Object.fromEntries([[input.name, fitType(arrange(numbers, layout), input)]]),
    frame: { ...scaled(frame, scaleX, scaleY), toWidth: numbers.width, toHeight: numbers.height },
    ...(preview && { preview: { width: pixels.width, height: pixels.height, pngBase64: preview.toString('base64') } }),
  };
}

function applyPixelStep(step: ImageStep, { pixels, frame }: Placed): Placed {
  if ('gray' in step) return { pixels: toGray(pixels), frame };
  if ('rgb' in step) return { pixels: toRgb(pixels), frame };
  if ('bgr' in step) return { pixels: swapRedBlue(toRgb(pixels)), frame };
  if ('resize' in step) return resizeStep(step.resize, { pixels, frame });
  if ('crop' in step) {
    const { width, height, rounding } = step.crop;
    const half = (rest: number) => (rounding === 'floor' ? Math.floor(rest / 2) : roundHalfEven(rest / 2));
    const [left, top] = [half(pixels.width - width), half(pixels.height - height)];
    return { pixels: cropAt(pixels, left, top, width, height), frame: shifted(frame, -left, -top) };
  }
  return { pixels, frame };
}

function resizeStep(how: Resize, { pixels, frame }: Placed): Placed {
  const { width, height } = sizeOf(how, pixels);
  const resized = resizePixels(pixels, width, height, how.method, how.rule);
  const moved = scaled(frame, width / pixels.width, height / pixels.height);
  if (how.fit !== 'letterbox' || how.width === undefined || how.height === undefined) return { pixels: resized, frame: moved };
  const middle = how.anchor === 'middle' ? 2 : Number.POSITIVE_INFINITY;
  const [left, top] = [Math.floor((how.width - width) / middle), Math.floor((how.height - height) / middle)];
  const fill = typeof how.fill === 'number' ? [how.fill] : how.fill;
  return { pixels: padTo(resized, left, top, how.width, how.height, fill), frame: shifted(moved, left, top) };
}

/** The size of the image itself after the step, without what a letterbox fills. */
function sizeOf({ width, height, shorter, longer, fit }: Resize, from: Pixels): { width: number; height: number } {
  if (width !== undefined && height !== undefined) {
    if (fit === 'stretch') return { width, height };
    const ratio = Math.min(width / from.width, height / from.height);
    const side = (length: number, most: number) => Math.min(most, Math.max(1, roundHalfEven(length * ratio)));
    return { width: side(from.width, width), height: side(from.height, height) };
  }
  const [short, long] = [Math.min(from.width, from.height), Math.max(from.width, from.height)];
  const [newShort, newLong] =
    shorter !== undefined ? [shorter, Math.trunc((shorter * long) / short)] : [Math.max(1, Math.trunc(((longer ?? long) * short) / long)), longer ?? long];
  if (newLong > MAX_RESIZE_SIDE)
    throw misfit('The image is so narrow that the recipe would make it too large.', `at most ${MAX_RESIZE_SIDE} pixels a side`, `${newLong}`);
  return from.width <= from.height ? { width: newShort, height: newLong } : { width: newLong, height: newShort };
}

function scaled(frame: ImageFrame, x: number, y: number): ImageFrame {
  return { ...frame, scaleX: frame.scaleX * x, scaleY: frame.scaleY * y, offsetX: frame.offsetX * x, offsetY: frame.offsetY * y };
}

function shifted(frame: ImageFrame, x: number, y: number): ImageFrame {
  return { ...frame, offsetX: frame.offsetX + x, offsetY: frame.offsetY + y };
}

/** Storing in a Float32Array rounds after every operation. */
function applyNumberStep(step: ImageStep, numbers: Numbers): Numbers {
  const { data, channels } = numbers;
  if ('resize' in step) {
    const { width = 1, height = 1, method, rule } = step.resize;
    const resized = resizeNumbers({ ...numbers, data: Float64Array.from(data) }, width, height, method, rule);
    return { ...resized, data: Float32Array.from(resized.data) };
  }
  if ('scale' in step) {
    const { divide, factor = 1 } = step.scale;
    for (let i = 0; i < data.length; i++) data[i] = divide === undefined ? (data[i] ?? 0) * factor : (data[i] ?? 0) / divide;
  } else if ('normalize' in step) {
    const { mean, std } = step.normalize;
    for (const list of [mean, std]) {
      if (list.length !== 1 && list.length !== channels) throw misfit('normalize has not one number for each channel.', `1 or ${channels}`, `${list.length}`);
    }
    const per = (list: number[]) => Float32Array.from({ length: channels }, (_, c) => list[list.length === 1 ? 0 : c] ?? 0);
    const [means, stds] = [per(mean), per(std)];
    for (let i = 0; i < data.length; i++) {
      const channel = i % channels;
      data[i] = (data[i] ?? 0) - (means[channel] ?? 0);
      data[i] = (data[i] ?? 0) / (stds[channel] ?? 1);
    }
  }
  return numbers;
}

/** From rows of pixels to a tensor with its axes in order; the batch is 1. */
function arrange({ width, height, channels, data }: Numbers, layout: string): Tensor {
  if (!layout.includes('C') && channels !== 1)
    throw misfit(`The layout ${layout} has no axis for the channels.`, 'one channel: a step gray', `${channels} channels`);
  const sizes: Record<string, number> = { N: 1, C: channels, H: height, W: width };
  const dims = [...layout].map((axis) => sizes[axis] ?? 1);
  if (channels === 1 || layout.endsWith('C')) return makeTensor('float32', dims, data);
  const plane = width * height;
  const planes = new Float32Array(data.length);
  for (let i = 0; i < plane; i++) for (let c = 0; c < channels; c++) planes[c * plane + i] = data[i * channels + c] ?? 0;
  return makeTensor('float32', dims, planes);
}
