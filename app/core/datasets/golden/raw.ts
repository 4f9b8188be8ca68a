/**
 * Raw inputs of a golden set: an image, a sound, a table or a text beside the tensors the exporter made of it. Where the recipe makes other tensors, the model
 * would answer another question than it was tested with, so the difference is found and, where it is one of the usual mistakes, named.
 */
import { basename } from 'node:path';
import type { TensorInfo } from '#contract';
import { applyRecipe } from '../apply-recipe.ts';
import type { BundleFiles } from '../bundle-files.ts';
import { EXPLAIN_MS } from '../limits.ts';
import type { Recipe } from '../recipe.ts';
import { sliceRows, type Tensor } from '../tensor.ts';
import { alternativesOf } from './alternatives.ts';
import type { GoldenCases } from './cases.ts';
import { compareGolden, type GoldenFailure } from './compare.ts';
import { explainArrays } from './explain-arrays.ts';
import type { CloseRule, Closeness } from './rules.ts';

export interface RawInput {
  /** Path inside the bundle; its name begins with the number of the sample. */
  path: string;
  bytes: Uint8Array;
}

export interface RawContext {
  recipe: Recipe | undefined;
  /** The model's inputs. */
  inputs: readonly TensorInfo[];
  files: BundleFiles;
  golden: GoldenCases;
  /** How near floats must be; whole numbers and text must be equal. */
  tolerance?: Closeness | undefined;
}

export interface RawMismatch {
  path: string;
  input: string;
  /** Everything in words. */
  message: string;
  detail?: GoldenFailure;
  /** What would explain it. */
  cause?: string;
}

/** The arithmetic of a recipe is the exporter's, up to the order of a few float operations. */
export const DEFAULT_RAW_TOLERANCE: CloseRule = { atol: 1e-4, rtol: 1e-4 };

/** A difference this many times smaller is told as what most of it comes from. */
const MOSTLY = 10;

/** The sample a raw file belongs to, by its name: `3.png`, `3-seven.png`, `003_x.wav`; undefined where it begins with no number. */
export function sampleOfRaw(path: string): number | undefined {
  const digits = /^(\d{1,6})(?=[-_.])/.exec(basename(path))?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/**
 * Applies the recipe to a raw input and compares with the golden inputs of its sample (a table's rows: of its and the following samples).
 * @returns undefined where they are the same
 * @throws whatever the recipe says of an input it cannot read
 */
export async function checkRawInput(raw: RawInput, context: RawContext): Promise<RawMismatch | undefined> {
  const sample = sampleOfRaw(raw.path) ?? 0;
  const rule = { atol: context.tolerance?.atol ?? DEFAULT_RAW_TOLERANCE.atol, rtol: context.tolerance?.rtol ?? DEFAULT_RAW_TOLERANCE.rtol };
  const { feeds, rows = 1 } = await applyRecipe(context.recipe, raw.bytes, context.inputs, context.files);
  if (sample + rows > context.golden.samples)
    return { path: raw.path, input: '', message: `${raw.path} is for golden sample ${sample + rows - 1}, but there are only ${context.golden.samples}` };
  for (const [input, all] of Object.entries(context.golden.inputs)) {
    const [only] = Object.values(feeds);
    const made = feeds[input] ?? (Object.keys(feeds).length === 1 ? only : undefined);
    if (!made) continue;
    const want = sliceRows(all, sample, sample + rows);
    const got = withBatch(made, want);
    const { pass, worst, detail } = compareGolden({ [input]: want }, { [input]: got }, rule);
    if (pass) continue;
    const cause = await explain(raw, context, { input, want, got, rows, rule });
    const where = `input ${input} of golden sample ${sample} (${raw.path})`;
    const found = detail ? differenceWords(detail, sample) : (worst ?? 'it differs');
    return {
      path: raw.path,
      input,
      message: `${where}: ${found}${cause === undefined ? '' : `; ${cause}`}`,
      ...(detail && { detail }),
      ...(cause !== undefined && { cause }),
    };
  }
  return undefined;
}

/** A recipe for a model without a batch axis makes bare rows. */
function withBatch(made: Tensor, want: Tensor): Tensor {
  return made.dims.length + 1 === want.dims.length ? { ...made, dims: [1, ...made.dims] } : made;
}

function differenceWords({ index, expected, found, failing, elements }: GoldenFailure, sample: number): string {
  const place = [(index[0] ?? 0) + sample, ...index.slice(1)].join(',');
  const size = Math.abs(Number(found) - Number(expected));
  const difference = Number.isFinite(size) ? `largest difference ${+size.toPrecision(3)} ` : '';
  return `${difference}at [${place}], expected ${expected}, the recipe makes ${found}; ${failing} of ${elements} values differ`;
}

interface Difference {
  input: string;
  want: Tensor;
  got: Tensor;
  rows: number;
  rule: CloseRule;
}

/** Tries what exporters and recipes usually do differently, simplest first, and tells the first that makes the tensors the same. */
async function explain(raw: RawInput, context: RawContext, difference: Difference): Promise<string | undefined> {
  const { input, want, got, rows, rule } = difference;
  const before = distance(want, got, rule);
  const start = performance.now();
  let mostly: { words: string; left: number } | undefined;
  for (const { words, recipe } of context.recipe ? alternativesOf(context.recipe) : []) {
    if (performance.now() - start > EXPLAIN_MS) break;
    const made = await tensorBy(recipe, raw, context, input, rows, want);
    const left = made ? distance(want, made, rule) : undefined;
    if (left === 0) return `it is as if ${words}`;
    if (left !== undefined && before !== undefined && left * MOSTLY < before && left < (mostly?.left ?? Number.POSITIVE_INFINITY)) mostly = { words, left };
  }
  const byArrays = explainArrays(want, got, rule);
  if (byArrays !== undefined) return byArrays;
  return mostly && `most of it is as if ${mostly.words}`;
}

async function tensorBy(recipe: Recipe, raw: RawInput, context: RawContext, input: string, rows: number, want: Tensor): Promise<Tensor | undefined> {
  try {
    // Other dimensions than the model's are part of what may have gone wrong.
    const inputs = context.inputs.map((info) => ({ ...info, dims: info.dims.map(() => -1) }));
    const { feeds, rows: made = 1 } = await applyRecipe(recipe, raw.bytes, inputs, context.files);
    const [only] = Object.values(feeds);
    const tensor = feeds[input] ?? only;
    return made === rows && tensor ? withBatch(tensor, want) : undefined;
  } catch {
    // What the raw input does not allow is not what happened.
    return undefined;
  }
}

/** 0 where the rule is kept, else the largest difference; undefined where they cannot be compared. */
function distance(want: Tensor, got: Tensor, rule: CloseRule): number | undefined {
  const { pass, maxAbsError, detail } = compareGolden({ x: want }, { x: got }, rule);
  return pass ? 0 : detail ? maxAbsError : undefined;
}
