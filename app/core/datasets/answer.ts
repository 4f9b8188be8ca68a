/** From a model's outputs to an answer people can read. */
import { type Answer, EdgewrightError } from '#contract';
import { MAX_ANSWER_VALUES, TENSOR_PREVIEW_ELEMENTS } from './limits.ts';
import { pickOutput } from './metrics.ts';
import type { Recipe } from './recipe.ts';
import { type Tensor, toNumbers } from './tensor.ts';

/**
 * The answer for the first sample.
 * @param labels one for each class; without them a class is called by its number
 * @throws answer.not-finite (input); metric.output-missing (input) when the model has not the output the recipe reads
 */
export function answer(recipe: Recipe | undefined, outputs: Readonly<Record<string, Tensor>>, labels?: readonly string[]): Answer {
  const how = recipe?.answer;
  if (!how || how.kind === 'tensors') {
    const tensors = Object.entries(outputs).map(([name, tensor]) => ({
      name,
      preview: Array.isArray(tensor.data) ? [] : [...toNumbers(tensor).subarray(0, TENSOR_PREVIEW_ELEMENTS)].map((x) => (Number.isFinite(x) ? x : null)),
    }));
    return { kind: 'tensors', tensors };
  }
  const values = firstSample(pickOutput(outputs, how.output));
  if (!values.every(Number.isFinite)) {
    throw new EdgewrightError({
      code: 'answer.not-finite',
      message: `The model answers with NaN or infinity in ${how.output}, which says nothing about this input.`,
      hint: 'Look at the outputs with --output FILE, and for NaN among the weights with: edgewright check MODEL',
      owner: 'input',
    });
  }
  if (how.kind === 'values') {
    return {
      kind: 'values',
      values: [...values.subarray(0, MAX_ANSWER_VALUES)].map((value, i) => ({
        name: how.names?.[i] ?? (values.length === 1 ? how.output : `${how.output}[${i}]`),
        value: value * how.scale + how.offset,
        ...(how.unit !== undefined && { unit: how.unit }),
      })),
    };
  }
  const confidences = how.activation === 'softmax' ? softmax(values) : how.activation === 'sigmoid' ? values.map((x) => 1 / (1 + Math.exp(-x))) : values;
  const order = [...confidences.keys()].sort((a, b) => (confidences[b] ?? 0) - (confidences[a] ?? 0) || a - b).slice(0, how.top);
  return { kind: 'labels', labels: order.map((index) => ({ label: labels?.[index] ?? String(index), index, confidence: confidences[index] ?? 0 })) };
}

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

function firstSample(tensor: Tensor): Float64Array {
  const values = toNumbers(tensor);
  const rows = tensor.dims.length > 1 ? (tensor.dims[0] ?? 1) : 1;
  return rows > 1 ? values.subarray(0, values.length / rows) : values;
}
