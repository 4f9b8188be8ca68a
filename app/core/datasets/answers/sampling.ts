/** Choosing the next token from a model's scores. */
import type { Prng } from '../prng.ts';

export interface Sampling {
  /** 0 takes the best token; higher ones give others a chance. */
  temperature: number;
  /** Only the best so many; 0 for all. */
  topK: number;
  /** Only the best ones that together have this share of the probability. */
  topP: number;
  /** Scores of tokens that are there already are divided by it (multiplied where negative). 1 changes nothing. */
  repetitionPenalty: number;
}

/**
 * The order of the rules is that of Hugging Face's generate: penalty, temperature, top-k, top-p.
 * @param scores one for each token of the vocabulary; not changed
 * @param seen the tokens so far
 * @param prng asked once for each token, unless the temperature is 0
 */
export function chooseToken(scores: Float64Array, seen: ReadonlySet<number>, { temperature, topK, topP, repetitionPenalty }: Sampling, prng: Prng): number {
  const adjusted = repetitionPenalty === 1 ? scores : scores.map((x, id) => (seen.has(id) ? (x < 0 ? x * repetitionPenalty : x / repetitionPenalty) : x));
  if (temperature === 0) return adjusted.reduce((best, x, id) => (x > (adjusted[best] ?? Number.NEGATIVE_INFINITY) ? id : best), 0);
  let candidates = [...adjusted.keys()].sort((a, b) => (adjusted[b] ?? 0) - (adjusted[a] ?? 0) || a - b);
  if (topK > 0) candidates = candidates.slice(0, topK);
  const best = (adjusted[candidates[0] ?? 0] ?? 0) / temperature;
  const weights = candidates.map((id) => Math.exp((adjusted[id] ?? 0) / temperature - best));
  const total = weights.reduce((a, b) => a + b, 0);
  let kept = 0;
  let share = 0;
  // The one that crosses the line belongs.
  while (kept < weights.length && (kept === 0 || share / total < topP)) share += weights[kept++] ?? 0;
  let at = (prng.next() / 2 ** 32) * share;
  for (let i = 0; i < kept; i++) {
    at -= weights[i] ?? 0;
    if (at < 0) return candidates[i] ?? 0;
  }
  return candidates[kept - 1] ?? 0;
}
