/** No reading: the first elements of each output. */
import { z } from 'zod';
import type { OneAnswer } from '#contract';
import { TENSOR_PREVIEW_ELEMENTS, TEXT_PREVIEW_CHARS } from '../limits.ts';
import { type Tensor, toNumbers } from '../tensor.ts';
import type { AnswerKind } from './kind.ts';

export const TensorsAnswerSchema = z.strictObject({ kind: z.literal('tensors') });
type TensorsAnswer = z.infer<typeof TensorsAnswerSchema>;

export const tensorsAnswerKind: AnswerKind<TensorsAnswer> = { answer: (_how, outputs) => previewOf(outputs) };

/** Also the answer without a recipe. */
export function previewOf(outputs: Readonly<Record<string, Tensor>>): OneAnswer {
  const tensors = Object.entries(outputs).map(([name, tensor]) => ({
    name,
    preview: Array.isArray(tensor.data)
      ? tensor.data.slice(0, TENSOR_PREVIEW_ELEMENTS).map((text) => text.slice(0, TEXT_PREVIEW_CHARS))
      : [...toNumbers(tensor).subarray(0, TENSOR_PREVIEW_ELEMENTS)].map((x) => (Number.isFinite(x) ? x : null)),
  }));
  return { kind: 'tensors', tensors };
}
