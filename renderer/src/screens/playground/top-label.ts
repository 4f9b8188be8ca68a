import type { Answer } from '#contract';
import { number } from '../../lib/format.ts';

/** The answer in a word: the best label, or the first value. */
export function topLabel(answer: Answer): string | undefined {
  if (answer.kind === 'labels') return answer.labels[0]?.label;
  if (answer.kind === 'values') return answer.values[0] && `${answer.values[0].name} ${number(answer.values[0].value)}`;
  return answer.tensors[0]?.name;
}
