/** Image recipes as they are written: the steps from a PNG or JPEG file to one tensor. */
import { z } from 'zod';
import { MAX_RECIPE_STEPS, MAX_RESIZE_SIDE } from '../limits.ts';
import { Finite } from '../schema-parts.ts';

const Side = z.number().int().min(1).max(MAX_RESIZE_SIDE);
const Empty = z.strictObject({});

const Level = z.number().int().min(0).max(255);

/**
 * How large: `width` and `height`, reached by stretching, or with the aspect ratio kept and the rest filled (`letterbox`); or the length of the `shorter`
 * or `longer` side, the other one following, rounded down (torchvision's Resize). How: see images/taps.ts for `method` and `rule`, images/resize.ts for
 * how exactly each is that of Pillow, OpenCV and PyTorch.
 */
const ResizeSchema = z
  .strictObject({
    width: Side.optional(),
    height: Side.optional(),
    shorter: Side.optional(),
    longer: Side.optional(),
    method: z.enum(['nearest', 'area', 'bilinear', 'bicubic', 'lanczos']).default('bilinear'),
    rule: z.enum(['pillow', 'pillow12', 'opencv']).default('pillow'),
    fit: z.enum(['stretch', 'letterbox']).default('stretch'),
    /** Of a letterbox: one level for all channels or one for each, and where the image stands. 114 is what YOLO is trained with. */
    fill: z.union([Level, z.array(Level).length(3)]).default(0),
    anchor: z.enum(['middle', 'top-left']).default('middle'),
  })
  .superRefine((r, ctx) => {
    const both = r.width !== undefined && r.height !== undefined;
    const ways = [both, r.shorter !== undefined, r.longer !== undefined].filter(Boolean).length;
    if (ways !== 1 || (r.width !== undefined) !== (r.height !== undefined))
      ctx.addIssue({ code: 'custom', message: 'width and height, or shorter, or longer' });
    if (r.fit === 'letterbox' && !both) ctx.addIssue({ code: 'custom', path: ['fit'], message: 'a letterbox needs width and height' });
    if (r.method === 'lanczos' && r.rule === 'opencv')
      ctx.addIssue({ code: 'custom', path: ['rule'], message: 'lanczos follows the rule of pillow; the one of opencv is another filter' });
  });
export type Resize = z.infer<typeof ResizeSchema>;

/**
 * Steps on pixels (8 bits a channel), then on numbers (float32, rounded after every operation as float32 arithmetic does),
 * then the layout. They must come in that order.
 */
const STEP_SCHEMAS = {
  /** One channel, unchanged for a gray file: ITU-R BT.601 luma in 16-bit fixed point, (19595 R + 38470 G + 7471 B + 32768) >> 16, as Pillow's mode L. */
  gray: z.strictObject({ gray: Empty }),
  /** Three channels, which is how an image begins; after `gray`, three equal ones. */
  rgb: z.strictObject({ rgb: Empty }),
  /** Red and blue change places, as OpenCV reads images. */
  bgr: z.strictObject({ bgr: Empty }),
  /** To another size; see ResizeSchema. On numbers (after `scale` or `normalize`) only stretching. */
  resize: z.strictObject({ resize: ResizeSchema }),
  /** The middle of the image. An odd rest leaves the smaller half left and above (`floor`), or (rest / 2) rounded half to even, as torchvision's CenterCrop. */
  crop: z.strictObject({ crop: z.strictObject({ width: Side, height: Side, rounding: z.enum(['floor', 'half-even']).default('floor') }) }),
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
  /** Order of the axes of the tensor; those without C are for gray images. */
  layout: z.strictObject({ layout: z.enum(['NCHW', 'NHWC', 'CHW', 'HWC', 'NHW', 'HW']) }),
};

const ImageStepSchema = z.union([
  STEP_SCHEMAS.gray,
  STEP_SCHEMAS.rgb,
  STEP_SCHEMAS.bgr,
  STEP_SCHEMAS.resize,
  STEP_SCHEMAS.crop,
  STEP_SCHEMAS.scale,
  STEP_SCHEMAS.normalize,
  STEP_SCHEMAS.layout,
]);
export type ImageStep = z.infer<typeof ImageStepSchema>;

/** Where in the order each step stands: pixels, numbers, layout. */
const STAGE: Record<string, 0 | 1 | 2> = { gray: 0, rgb: 0, bgr: 0, resize: 0, crop: 0, scale: 1, normalize: 1, layout: 2 };
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
  /** See DecodeOptions. */
  orientation: z.enum(['ignore', 'apply']).default('ignore'),
  alpha: z.enum(['white', 'black', 'drop']).default('white'),
  steps: z
    .array(StepSchema)
    .max(MAX_RECIPE_STEPS)
    .superRefine((steps, ctx) => {
      let reached: 0 | 1 | 2 = 0;
      steps.forEach((step, i) => {
        const name = stepName(step);
        // A resize works on whatever it is given: 8-bit pixels before the first step on numbers, numbers after it.
        const onNumbers = 'resize' in step && reached === 1;
        const stage = onNumbers ? 1 : (STAGE[name] ?? 0);
        if (onNumbers && (step.resize.width === undefined || step.resize.fit !== 'stretch'))
          ctx.addIssue({ code: 'custom', path: [i], message: 'resize on numbers takes width and height, and stretches' });
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
  return [...(recipe.orientation === 'apply' ? ['turn upright'] : []), ...recipe.steps.map(describeStep)];
}

function describeResize({ width = 0, height = 0, shorter, longer, method, rule, fit }: Resize): string {
  const how = rule === 'pillow' ? `(${method})` : `(${method}, as ${rule === 'opencv' ? 'OpenCV' : 'Pillow before 13'})`;
  if (shorter !== undefined) return `resize the shorter side to ${shorter} ${how}`;
  if (longer !== undefined) return `resize the longer side to ${longer} ${how}`;
  return `${fit === 'letterbox' ? 'fit into' : 'resize to'} ${width} x ${height} ${how}`;
}

function describeStep(step: ImageStep): string {
  if ('gray' in step) return 'to gray (BT.601)';
  if ('rgb' in step) return 'to three channels';
  if ('bgr' in step) return 'red and blue swapped (BGR)';
  if ('resize' in step) return describeResize(step.resize);
  if ('crop' in step) return `crop the middle ${step.crop.width} x ${step.crop.height}`;
  if ('scale' in step) return step.scale.divide === undefined ? `multiply by ${step.scale.factor ?? 1}` : `divide by ${step.scale.divide}`;
  if ('normalize' in step) return `subtract ${step.normalize.mean.join(', ')}, divide by ${step.normalize.std.join(', ')}`;
  return `axes ${step.layout}`;
}
