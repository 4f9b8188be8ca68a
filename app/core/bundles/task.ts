/** What a bundle is for, in the words that bills of materials use. */
import { parseRecipe } from '#core/datasets';
import type { BundleSource } from './source-schema.ts';

const BY_ANSWER: Record<string, string> = {
  labels: 'classification',
  values: 'regression',
  embedding: 'feature extraction',
  boxes: 'object detection',
  ctc: 'speech recognition',
  spans: 'token classification',
  extract: 'question answering',
  generate: 'text generation',
};

const BY_METRIC: readonly [RegExp, string][] = [
  [/accuracy|^f1|precision|recall|auc/, 'classification'],
  [/^(mae|rmse|mse|r2)$/, 'regression'],
  [/perplexity/, 'text generation'],
  [/character_error|^cer$/, 'speech recognition'],
];

/**
 * By the way its recipe answers, or else by its metric; undefined where neither says.
 * @param read a file of the bundle
 */
export async function taskIn(source: Pick<BundleSource, 'recipe' | 'metric'>, read: (path: string) => Promise<Uint8Array>): Promise<string | undefined> {
  const recipe = source.recipe === undefined ? undefined : parseRecipe(Buffer.from(await read(source.recipe)).toString('utf8'), source.recipe);
  return BY_ANSWER[recipe?.answer?.kind ?? ''] ?? BY_METRIC.find(([pattern]) => pattern.test(source.metric?.name ?? ''))?.[1];
}
