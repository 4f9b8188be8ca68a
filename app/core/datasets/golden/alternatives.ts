/** What an exporter may have done otherwise than a recipe says: the recipe with one thing changed, likeliest first, each in words. */
import type { Recipe } from '../recipe.ts';
import type { AudioRecipe } from '../recipes/audio-schema.ts';
import type { ImageRecipe, ImageStep } from '../recipes/image-schema.ts';
import type { TableRecipe } from '../recipes/table-schema.ts';

export interface Alternative {
  /** Goes on after "it is as if". */
  words: string;
  recipe: Recipe;
}

type Of<K extends Recipe['kind']> = Extract<Recipe, { kind: K }>;

export function alternativesOf(recipe: Recipe): Alternative[] {
  switch (recipe.kind) {
    case 'image':
      return imageAlternatives(recipe);
    case 'audio':
      return audioAlternatives(recipe);
    case 'table':
      return tableAlternatives(recipe);
    default:
      return [];
  }
}

const IMAGENET: ImageStep = { normalize: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } };
const HALVES: ImageStep = { normalize: { mean: [0.5], std: [0.5] } };
const BY_255: ImageStep = { scale: { divide: 255 } };

function imageAlternatives(recipe: Of<'image'>): Alternative[] {
  const { steps } = recipe;
  const found: Alternative[] = [];
  const add = (words: string, changed: Partial<ImageRecipe>) => found.push({ words, recipe: { ...recipe, ...changed } });
  const without = (unwanted: (step: ImageStep) => boolean) => steps.filter((step) => !unwanted(step));
  const [scaled, normalized] = [steps.some((s) => 'scale' in s), steps.some((s) => 'normalize' in s)];
  const firstNumber = steps.findIndex((s) => 'scale' in s || 'normalize' in s || 'layout' in s);
  const atNumbers = firstNumber < 0 ? steps.length : firstNumber;
  const inserted = (at: number, step: ImageStep) => [...steps.slice(0, at), step, ...steps.slice(at)];
  const end = steps.findIndex((s) => 'layout' in s);
  if (normalized) add('the exporter did not apply mean and std', { steps: without((s) => 'normalize' in s) });
  if (scaled) add('the exporter did not scale the pixels', { steps: without((s) => 'scale' in s) });
  if (scaled && normalized)
    add('the exporter took the pixels as they are, neither scaled nor normalized', { steps: without((s) => 'scale' in s || 'normalize' in s) });
  if (!scaled) add('the exporter divided the pixels by 255', { steps: inserted(atNumbers, BY_255) });
  if (!normalized) {
    for (const [step, words] of [
      [IMAGENET, "ImageNet's mean and std"],
      [HALVES, 'mean 0.5 and std 0.5'],
    ] as const) {
      const at = end < 0 ? steps.length : end;
      add(`the exporter also applied ${words}`, { steps: inserted(at, step) });
      if (!scaled) add(`the exporter divided by 255 and applied ${words}`, { steps: [...steps.slice(0, atNumbers), BY_255, step, ...steps.slice(atNumbers)] });
    }
  } else {
    add("the exporter used ImageNet's mean and std", { steps: steps.map((s) => ('normalize' in s ? IMAGENET : s)) });
    add('the exporter used mean 0.5 and std 0.5', { steps: steps.map((s) => ('normalize' in s ? HALVES : s)) });
  }
  const swapped = steps.some((s) => 'bgr' in s) ? without((s) => 'bgr' in s) : inserted(atNumbers, { bgr: {} });
  if (!steps.some((s) => 'gray' in s)) add('the exporter had the channels in the other order (RGB against BGR)', { steps: swapped });
  steps.forEach((step, i) => {
    const replaced = (changed: ImageStep) => steps.map((s, k) => (k === i ? changed : s));
    if ('resize' in step) for (const [words, resize] of resizesBeside(step.resize)) add(words, { steps: replaced({ resize }) });
    if ('crop' in step) {
      const rounding = step.crop.rounding === 'floor' ? 'half-even' : 'floor';
      add(`the exporter cut out the middle with its rest rounded ${rounding}`, { steps: replaced({ crop: { ...step.crop, rounding } }) });
    }
    if ('layout' in step && step.layout.length === 4) {
      const layout = step.layout === 'NCHW' ? 'NHWC' : 'NCHW';
      add(`the exporter had the axes ${layout} instead of ${step.layout}`, { steps: replaced({ layout }) });
    }
  });
  add(recipe.orientation === 'apply' ? 'the exporter ignored how the camera was held' : 'the exporter turned the image upright', {
    orientation: recipe.orientation === 'apply' ? 'ignore' : 'apply',
  });
  for (const alpha of ['white', 'black', 'drop'] as const) if (alpha !== recipe.alpha) add(`the exporter took transparency as ${alpha}`, { alpha });
  return found;
}

type Resize = Extract<ImageStep, { resize: unknown }>['resize'];

function resizesBeside(resize: Resize): [string, Resize][] {
  const all = (['bilinear', 'nearest', 'bicubic', 'area', 'lanczos'] as const).flatMap((method) =>
    (['pillow', 'opencv', 'pillow12'] as const).map((rule) => ({ ...resize, method, rule })),
  );
  const others = all.filter(({ method, rule }) => !(method === resize.method && rule === resize.rule) && !(method === 'lanczos' && rule === 'opencv'));
  const named = others.map((other): [string, Resize] => [`the exporter resized by ${other.method} with the rule of ${other.rule}`, other]);
  if (resize.width === undefined) return named;
  const fit = resize.fit === 'stretch' ? 'letterbox' : 'stretch';
  return [...named, [`the exporter fitted the image as ${fit}`, { ...resize, fit }]];
}

function audioAlternatives(recipe: Of<'audio'>): Alternative[] {
  const found: Alternative[] = [];
  const add = (words: string, changed: Partial<AudioRecipe>) => found.push({ words, recipe: { ...recipe, ...changed } });
  const { features } = recipe;
  add(recipe.channel === 'mean' ? 'the exporter took the first channel alone' : 'the exporter took the mean of the channels', {
    channel: recipe.channel === 'mean' ? 0 : 'mean',
  });
  for (const keep of ['start', 'middle', 'end'] as const) {
    if (recipe.length && recipe.length.keep !== keep) add(`the exporter kept the ${keep} of the sound`, { length: { ...recipe.length, keep } });
  }
  if (features.kind === 'waveform') {
    for (const normalize of ['none', 'unit-variance', 'peak'] as const)
      if (normalize !== features.normalize) add(`the exporter normalized the samples: ${normalize}`, { features: { ...features, normalize } });
    for (const factor of [1, 32_768])
      if (factor !== features.factor) add(`the exporter multiplied the samples by ${factor}`, { features: { ...features, factor } });
  } else if (features.kind !== 'whisper') {
    const also = (words: string, changed: Partial<typeof features>) => add(words, { features: { ...features, ...changed } as typeof features });
    for (const centre of ['reflect', 'zeros', 'none'] as const) if (centre !== features.centre) also(`the exporter centred the frames: ${centre}`, { centre });
    also(`the exporter took ${features.power === 2 ? 'magnitudes' : 'energies'}`, { power: features.power === 2 ? 1 : 2 });
    also(`the exporter used the mel scale ${features.scale === 'htk' ? 'slaney' : 'htk'}`, { scale: features.scale === 'htk' ? 'slaney' : 'htk' });
    also(`the exporter normalized the bands: ${features.norm === 'none' ? 'slaney' : 'none'}`, { norm: features.norm === 'none' ? 'slaney' : 'none' });
    for (const kind of ['none', 'ln', 'log10', 'db'] as const)
      if (kind !== features.log.kind) also(`the exporter took the logarithm as ${kind}`, { log: { ...features.log, kind, range: undefined } });
    also('the exporter did not limit the range below the largest value', { log: { ...features.log, range: undefined } });
  }
  return found;
}

function tableAlternatives(recipe: Of<'table'>): Alternative[] {
  const found: Alternative[] = [];
  const add = (words: string, changed: Partial<TableRecipe>) => found.push({ words, recipe: { ...recipe, ...changed } });
  if (recipe.columns.some((column) => column.mean !== 0 || column.std !== 1))
    add('the exporter did not apply mean and std', { columns: recipe.columns.map((column) => ({ ...column, mean: 0, std: 1 })) });
  if (recipe.relativeTo !== undefined) add('the exporter took the values as they are', { relativeTo: undefined });
  recipe.columns.forEach((column, i) => {
    if (!Array.isArray(column.categories)) return;
    const sorted = [...column.categories].sort();
    const columns = recipe.columns.map((one, k) => (k === i ? { ...one, categories: sorted } : one));
    if (sorted.join('\0') !== column.categories.join('\0')) add(`the exporter had the categories of ${column.name} in alphabetical order`, { columns });
  });
  return found;
}
