/** The best classes, with how sure the model is of each. */
import { z } from 'zod';
import { MAX_ANSWER_LABELS } from '../limits.ts';
import { type AnswerKind, firstSample } from './kind.ts';

export const LabelsAnswerSchema = z.strictObject({
  kind: z.literal('labels'),
  /** The output with one score for each label. */
  output: z.string().min(1),
  /** How scores become confidences: logits need softmax, or sigmoid when several labels may hold; probabilities need none. */
  activation: z.enum(['softmax', 'sigmoid', 'none']).default('softmax'),
  /** How many labels to show, best first. */
  top: z.number().int().min(1).max(MAX_ANSWER_LABELS).default(3),
});
type LabelsAnswer = z.infer<typeof LabelsAnswerSchema>;

export const labelsKind: AnswerKind<LabelsAnswer> = {
  answer(how, outputs, { labels }) {
    const values = firstSample(outputs, how.output);
    const confidences = how.activation === 'softmax' ? softmax(values) : how.activation === 'sigmoid' ? values.map((x) => 1 / (1 + Math.exp(-x))) : values;
    const order = [...confidences.keys()].sort((a, b) => (confidences[b] ?? 0) - (confidences[a] ?? 0) || a - b).slice(0, how.top);
    return { kind: 'labels', labels: order.map((index) => ({ label: labels?.[index] ?? String(index), index, confidence: confidences[index] ?? 0 })) };
  },
};

/** exp(x - max) / sum: shifted so that nothing overflows. */
export function softmax(scores: Float64Array): Float64Array {
  const max = scores.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = scores.map((x) => Math.exp(x - max));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((p) => p / total);
}

/** Labels of a bundle: one a line, blank lines at the end left out. */
export function parseLabels(text: string): string[] {
  return text.replace(/\s+$/, '').split(/\r?\n/);
}
