/**
 * A recipe: the declarative steps from a raw input to tensors, and from tensors to an answer. Each kind of input has its own
 * list of steps; a new kind is a new member of the union.
 */
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { EdgewrightError } from '#contract';
import { MAX_ANSWER_LABELS, MAX_ANSWER_VALUES, MAX_RECIPE_BYTES, MAX_RECIPE_STEPS, MAX_RESIZE_SIDE } from './limits.ts';

const Side = z.number().int().min(1).max(MAX_RESIZE_SIDE);
const Finite = z.number().refine(Number.isFinite, 'a finite number');
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
export type ImageStep = z.infer<typeof ImageStepSchema>;

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

const AnswerRecipeSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('labels'),
    /** The output with one score for each label. */
    output: z.string().min(1),
    /** How scores become confidences: logits need softmax, or sigmoid when several labels may hold; probabilities need none. */
    activation: z.enum(['softmax', 'sigmoid', 'none']).default('softmax'),
    /** How many labels to show, best first. */
    top: z.number().int().min(1).max(MAX_ANSWER_LABELS).default(3),
  }),
  z.strictObject({
    kind: z.literal('values'),
    output: z.string().min(1),
    /** What each number is; otherwise the output's name and its index. */
    names: z.array(z.string().max(200)).max(MAX_ANSWER_VALUES).optional(),
    /** value = scale x number + offset. */
    scale: Finite.default(1),
    offset: Finite.default(0),
    unit: z.string().max(32).optional(),
  }),
  z.strictObject({ kind: z.literal('tensors') }),
]);

const RecipeSchema = z.discriminatedUnion('kind', [
  z.strictObject({
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
    answer: AnswerRecipeSchema.optional(),
  }),
  z.strictObject({
    /** An .npz whose arrays are the model's inputs (named as they are, or in_<input>), or one .npy. */
    kind: z.literal('tensors'),
    answer: AnswerRecipeSchema.optional(),
  }),
]);
export type Recipe = z.infer<typeof RecipeSchema>;
export type ImageRecipe = Extract<Recipe, { kind: 'image' }>;
export type AnswerRecipe = z.infer<typeof AnswerRecipeSchema>;

export function stepName(step: ImageStep): string {
  return Object.keys(step)[0] ?? '';
}

/**
 * Reads a recipe from YAML (or JSON, which is YAML).
 * @param name for messages
 * @throws recipe.* (input), naming the field
 */
export function parseRecipe(text: string, name = 'recipe.yaml'): Recipe {
  if (Buffer.byteLength(text) > MAX_RECIPE_BYTES) {
    throw new EdgewrightError({
      code: 'recipe.too-long',
      message: `${name} is too long to be a recipe.`,
      expected: `at most ${MAX_RECIPE_BYTES} bytes`,
      found: `${Buffer.byteLength(text)} bytes`,
      owner: 'input',
    });
  }
  const document = parseDocument(text, { uniqueKeys: true });
  const problem = document.errors[0];
  if (problem) throw new EdgewrightError({ code: 'recipe.not-yaml', message: `${name} is not YAML: ${problem.message.split('\n')[0] ?? ''}`, owner: 'input' });
  let raw: unknown;
  try {
    raw = document.toJS({ maxAliasCount: 10 });
  } catch (error) {
    throw new EdgewrightError({ code: 'recipe.not-yaml', message: `${name} repeats parts of itself too often.`, owner: 'input' }, { cause: error });
  }
  const parsed = RecipeSchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join('.') || 'the document';
  throw new EdgewrightError({
    code: 'recipe.field-wrong',
    message: `${name}: ${field} is wrong.`,
    found: issue?.message ?? '',
    hint: 'Compare it with recipe.yaml of the sample bundle.',
    owner: 'input',
  });
}

/** The steps in words, for people. */
export function describeRecipe(recipe: Recipe): { kind: string; steps: string[] } {
  if (recipe.kind === 'tensors') return { kind: recipe.kind, steps: ['read the arrays as they are'] };
  return { kind: recipe.kind, steps: recipe.steps.map(describeStep) };
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
