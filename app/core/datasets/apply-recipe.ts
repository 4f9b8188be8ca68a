/** From the bytes of a raw input to the tensors the model takes. */
import { EdgewrightError, type TensorInfo } from '#contract';
import { UNNAMED_ARRAY, readNpz } from './npz.ts';
import { cropMiddle, decodeImage, encodePng, type Pixels, resize, toGray, toRgb } from './pixels.ts';
import type { ImageRecipe, ImageStep, Recipe } from './recipe.ts';
import { castTensor, isElementType, makeTensor, type Tensor } from './tensor.ts';

export interface Applied {
  /** By the name of the model's input. */
  feeds: Record<string, Tensor>;
  /** What the model was given, as an image. */
  preview?: { width: number; height: number; pngBase64: string };
}

/**
 * Applies a recipe; without one the bytes are read as tensors (.npz or .npy).
 * @param inputs the model's inputs; what comes out is checked against them
 * @throws image.*, npz.*, npy.*, recipe.does-not-fit (input)
 */
export async function applyRecipe(recipe: Recipe | undefined, bytes: Uint8Array, inputs: readonly TensorInfo[]): Promise<Applied> {
  const applied = recipe?.kind === 'image' ? await applyImage(recipe, bytes, inputs) : { feeds: await readTensors(bytes, inputs) };
  checkFeeds(applied.feeds, inputs);
  return applied;
}

async function applyImage(recipe: ImageRecipe, bytes: Uint8Array, inputs: readonly TensorInfo[]): Promise<Applied> {
  const name = recipe.input ?? (inputs.length === 1 ? inputs[0]?.name : undefined);
  const input = inputs.find((i) => i.name === name);
  if (!input) {
    throw misfit('The recipe does not say which input of the model the image goes to.', inputs.map((i) => i.name).join(', '), recipe.input ?? 'no input named');
  }
  let pixels = await decodeImage(bytes);
  for (const step of recipe.steps) pixels = applyPixelStep(step, pixels);
  const layout = recipe.steps.find((s) => 'layout' in s)?.layout ?? 'NCHW';
  const values = Float32Array.from(pixels.data);
  for (const step of recipe.steps) applyNumberStep(step, values, pixels.channels);
  const tensor = arrange(values, pixels, layout);
  const wanted = isElementType(input.type) && input.type !== 'string' ? input.type : 'float32';
  const png = await encodePng(pixels);
  return {
    feeds: Object.fromEntries([[input.name, castTensor(tensor, wanted)]]),
    preview: { width: pixels.width, height: pixels.height, pngBase64: png.toString('base64') },
  };
}

function applyPixelStep(step: ImageStep, pixels: Pixels): Pixels {
  if ('gray' in step) return toGray(pixels);
  if ('rgb' in step) return toRgb(pixels);
  if ('resize' in step) return resize(pixels, step.resize.width, step.resize.height, step.resize.method);
  if ('crop' in step) return cropMiddle(pixels, step.crop.width, step.crop.height);
  return pixels;
}

/** In place; storing in a Float32Array rounds after every operation. */
function applyNumberStep(step: ImageStep, values: Float32Array, channels: number): void {
  if ('scale' in step) {
    const { divide, factor = 1 } = step.scale;
    for (let i = 0; i < values.length; i++) values[i] = divide === undefined ? (values[i] ?? 0) * factor : (values[i] ?? 0) / divide;
  } else if ('normalize' in step) {
    const { mean, std } = step.normalize;
    for (const list of [mean, std]) {
      if (list.length !== 1 && list.length !== channels) throw misfit('normalize has not one number for each channel.', `1 or ${channels}`, `${list.length}`);
    }
    const per = (list: number[]) => Float32Array.from({ length: channels }, (_, c) => list[list.length === 1 ? 0 : c] ?? 0);
    const [means, stds] = [per(mean), per(std)];
    for (let i = 0; i < values.length; i++) {
      const channel = i % channels;
      values[i] = (values[i] ?? 0) - (means[channel] ?? 0);
      values[i] = (values[i] ?? 0) / (stds[channel] ?? 1);
    }
  }
}

/** From rows of pixels to a tensor with a batch axis of 1. */
function arrange(values: Float32Array, { width, height, channels }: Pixels, layout: 'NCHW' | 'NHWC'): Tensor {
  if (layout === 'NHWC') return makeTensor('float32', [1, height, width, channels], values);
  const plane = width * height;
  const data = new Float32Array(values.length);
  for (let i = 0; i < plane; i++) for (let c = 0; c < channels; c++) data[c * plane + i] = values[i * channels + c] ?? 0;
  return makeTensor('float32', [1, channels, height, width], data);
}

async function readTensors(bytes: Uint8Array, inputs: readonly TensorInfo[]): Promise<Record<string, Tensor>> {
  const arrays = await readNpz(bytes);
  const only = inputs.length === 1 && arrays.size === 1 ? inputs[0] : undefined;
  const unnamed = arrays.get(UNNAMED_ARRAY);
  if (only && unnamed) return Object.fromEntries([[only.name, unnamed]]);
  return Object.fromEntries(
    inputs.map(({ name }) => {
      const tensor = arrays.get(name) ?? arrays.get(`in_${name}`);
      if (!tensor) throw misfit(`The file holds no array for the input ${name}.`, `${name} or in_${name}`, [...arrays.keys()].join(', '));
      return [name, tensor];
    }),
  );
}

/**
 * Whether tensors fit the model's inputs: none missing, the types and the dimensions that are fixed.
 * @throws recipe.does-not-fit (input)
 */
export function checkFeeds(feeds: Readonly<Record<string, Tensor>>, inputs: readonly TensorInfo[]): void {
  for (const { name, type, dims } of inputs) {
    const tensor = Object.hasOwn(feeds, name) ? feeds[name] : undefined;
    if (!tensor) throw misfit(`The input ${name} is missing.`, inputs.map((i) => i.name).join(', '), Object.keys(feeds).join(', '));
    const fits = tensor.type === type && tensor.dims.length === dims.length && dims.every((d, i) => typeof d === 'string' || d < 0 || d === tensor.dims[i]);
    if (!fits)
      throw misfit(`What was made for the input ${name} does not fit it.`, `${type} [${dims.join(', ')}]`, `${tensor.type} [${tensor.dims.join(', ')}]`);
  }
}

function misfit(message: string, expected: string, found: string): EdgewrightError {
  return new EdgewrightError({
    code: 'recipe.does-not-fit',
    message,
    expected,
    found,
    hint: 'Change the recipe, or give the input in the form the model takes.',
    owner: 'input',
  });
}
