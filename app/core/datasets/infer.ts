/** From a raw input to an answer: recipe, model, reading. The same on the laptop and on a device; only who runs the model differs. */
import type { Answer, Generation, TensorInfo } from '#contract';
import { answer } from './answer.ts';
import { generate, type GenerateAnswer, GenerateAnswerSchema } from './answers/generate.ts';
import { applyRecipe } from './apply-recipe.ts';
import { type BundleFiles, NO_FILES } from './bundle-files.ts';
import type { Recipe } from './recipe.ts';
import type { Applied } from './recipes/kind.ts';
import { findTextInputs } from './recipes/text.ts';
import type { Tensor } from './tensor.ts';

export interface InferPlan {
  recipe?: Recipe | undefined;
  labels?: readonly string[] | undefined;
  files?: BundleFiles | undefined;
  /** The model's inputs. */
  inputs: readonly TensorInfo[];
}

export interface InferOptions {
  /**
   * Runs the model. With `rows` the first axis of every feed has so many samples, whatever batch the model takes.
   */
  run: (feeds: Record<string, Tensor>, rows?: number) => Promise<Record<string, Tensor>>;
  /** How text is generated, where the request says something else than the recipe. */
  generation?: Generation | undefined;
  /** Told generated text as it grows. */
  onText?: ((text: string) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export interface Inferred {
  applied: Applied;
  /** Of the last run. */
  outputs: Record<string, Tensor>;
  answer: Answer;
}

/** @throws what applyRecipe, answer and generate throw; whatever `run` throws */
export async function infer(plan: InferPlan, raw: Uint8Array, options: InferOptions): Promise<Inferred> {
  const { recipe, inputs, labels, files = NO_FILES } = plan;
  const applied = await applyRecipe(recipe, raw, inputs, files);
  if (recipe?.kind === 'text' && recipe.answer?.kind === 'generate') {
    const how = withGeneration(recipe.answer, options.generation);
    const named = findTextInputs(recipe.inputs, inputs);
    const generated = await generate(how, applied, { named, inputs, step: (feeds) => options.run(feeds), onText: options.onText, signal: options.signal });
    return { applied, ...generated };
  }
  const outputs = await options.run(applied.feeds, applied.rows);
  return { applied, outputs, answer: await answer(recipe, outputs, { labels, applied, files }) };
}

function withGeneration(how: GenerateAnswer, wanted: Generation = {}): GenerateAnswer {
  const said = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
  return GenerateAnswerSchema.parse({ ...how, ...said });
}
