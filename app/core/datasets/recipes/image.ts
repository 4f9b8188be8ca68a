/** Images: the steps from a PNG or JPEG file to one tensor, as a schema, in words, and carried out. */
import { z } from 'zod';
import { MAX_RECIPE_STEPS, MAX_RESIZE_SIDE } from '../limits.ts';
import { cropMiddle, decodeImage, encodePng, type Pixels, resize, toGray, toRgb } from '../pixels.ts';
import { castTensor, isElementType, makeTensor, type Tensor } from '../tensor.ts';
import { Finite } from '../schema-parts.ts';
import { type Applied, inputOf, misfit, type RecipeContext, type RecipeKind } from './kind.ts';

const Side = z.number().int().min(1).max(MAX_RESIZE_SIDE);
const Empty = z.strictObject({});

/**
 * Steps on pixels (8 bits a channel), then on numbers (float32, rounded after every operation as float32 arithmetic does),
 * then the layout. They must come in that order.
 */
const STEP_SCHEMAS = {
  /** One channel, unchanged for a gray file: ITU-R BT.601 luma in 16-bit fixed point, (19595 R + 38470 G + 7471 B + 32768) >> 16, as Pillow's mode L. */
  gray: z.strictObject({ gray: Empty }),
  /** Three channels, which is how an image begins; after `gray`, three equal ones. */
  rgb: z.strictObject({ rgb: Empty }),
  /** To this size, aspect ratio not kept. `area` averages (Pillow BOX), `bilinear` is the antialiased triangle (Pillow BILINEAR), both to the bit. */
  resize: z.strictObject({ resize: z.strictObject({ width: Side, height: Side, method: z.enum(['area', 'bilinear', 'nearest']).default('bilinear') }) }),
  /** The middle of the image. */
  crop: z.strictObject({ crop: z.strictObject({ width: Side, height: Side }) }),
  /** pixel / divide, or pixel * factor. */
  scale: z.strictObject({
    scale: z
      .strictObject({ divide: Finite.refine((n) => n !== 0, 'not zero').optional(), factor: Finite.optional() })
      .refine((s) => (s.divide === undefined) !== (s.factor === undefined), 'one of divide and factor'),
  }),
  /** (x - mean) / std, one number for all channels or one for each. */
  normalize: z.strictObject({
    normalize: z.strictObject({
      mean: z.array(Finite).min(1).max(4),
      std: z
        .array(Finite.refine((n) => n !== 0, 'not zero'))
        .min(1)
        .max(4),
    }),
  }),
  /** Order of the axes of the tensor. */
  layout: z.strictObject({ layout: z.enum(['NCHW', 'NHWC']) }),
};

const ImageStepSchema = z.union([
  STEP_SCHEMAS.gray,
  STEP_SCHEMAS.rgb,
  STEP_SCHEMAS.resize,
  STEP_SCHEMAS.crop,
  STEP_SCHEMAS.scale,
  STEP_SCHEMAS.normalize,
  STEP_SCHEMAS.layout,
]);
type ImageStep = z.infer<typeof ImageStepSchema>;

/** Where in the order each step stands: pixels, numbers, layout. */
const STAGE: Record<string, 0 | 1 | 2> = { gray: 0, rgb: 0, resize: 0, crop: 0, scale: 1, normalize: 1, layout: 2 };
const STAGE_WORDS = ['pixels', 'numbers', 'layout'] as const;

/** One element of `steps`, checked by the schema its key names, so that an error speaks of that step alone. */
const StepSchema = z.record(z.string(), z.unknown()).transform((raw, ctx): ImageStep => {
  const keys = Object.keys(raw);
  const name = keys[0] ?? '';
  if (keys.length !== 1 || !Object.hasOwn(STEP_SCHEMAS, name)) {
    ctx.addIssue({ code: 'custom', message: `one step of ${Object.keys(STEP_SCHEMAS).join(', ')}; found ${keys.join(' and ') || 'nothing'}` });
    return z.NEVER;
  }
  const parsed = ImageStepSchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const own = STEP_SCHEMAS[name as keyof typeof STEP_SCHEMAS].safeParse(raw);
  for (const issue of own.error?.issues ?? []) ctx.addIssue({ code: 'custom', message: issue.message, path: issue.path });
  return z.NEVER;
});

export const ImageRecipeSchema = z.strictObject({
  /** A PNG or JPEG file to one tensor. */
  kind: z.literal('image'),
  /** The model's input; may be left out where it has one. */
  input: z.string().min(1).optional(),
  steps: z
    .array(StepSchema)
    .max(MAX_RECIPE_STEPS)
    .superRefine((steps, ctx) => {
      let reached: 0 | 1 | 2 = 0;
      steps.forEach((step, i) => {
        const name = stepName(step);
        const stage = STAGE[name] ?? 0;
        if (stage < reached)
          ctx.addIssue({
            code: 'custom',
            path: [i],
            message: `${name} works on ${STAGE_WORDS[stage]} and must come before steps on ${STAGE_WORDS[reached]}`,
          });
        if (stage > reached) reached = stage;
      });
      if (steps.filter((s) => 'layout' in s).length > 1) ctx.addIssue({ code: 'custom', message: 'one layout at most' });
    }),
});
export type ImageRecipe = z.infer<typeof ImageRecipeSchema>;

function stepName(step: ImageStep): string {
  return Object.keys(step)[0] ?? '';
}

/** The steps in words, for people. */
export function describeImageSteps(recipe: ImageRecipe): string[] {
  return recipe.steps.map(describeStep);
}

function describeStep(step: ImageStep): string {
  if ('gray' in step) return 'to gray (BT.601)';
  if ('rgb' in step) return 'to three channels';
  if ('resize' in step) return `resize to ${step.resize.width} x ${step.resize.height} (${step.resize.method})`;
  if ('crop' in step) return `crop the middle ${step.crop.width} x ${step.crop.height}`;
  if ('scale' in step) return step.scale.divide === undefined ? `multiply by ${step.scale.factor ?? 1}` : `divide by ${step.scale.divide}`;
  if ('normalize' in step) return `subtract ${step.normalize.mean.join(', ')}, divide by ${step.normalize.std.join(', ')}`;
  return `axes ${step.layout}`;
}

export const imageKind: RecipeKind<ImageRecipe> = { apply: applyImage };

async function applyImage(recipe: ImageRecipe, bytes: Uint8Array, { inputs }: RecipeContext): Promise<Applied> {
  const input = inputOf(recipe.input, inputs, 'image');
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
