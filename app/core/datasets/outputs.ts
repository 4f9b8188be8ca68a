/** A model's outputs: finding one, and its largest value. */
import { EdgewrightError } from '#contract';
import type { Tensor } from './tensor.ts';

/** The output a metric or answer names; a model with one output may have renamed it. */
export function pickOutput(outputs: Readonly<Record<string, Tensor>>, name: string): Tensor {
  const named = Object.hasOwn(outputs, name) ? outputs[name] : undefined;
  if (named) return named;
  const all = Object.values(outputs);
  if (all.length === 1 && all[0]) return all[0];
  throw new EdgewrightError({
    code: 'metric.output-missing',
    message: 'The model has no such output.',
    expected: name,
    found: Object.keys(outputs).join(', '),
    owner: 'input',
  });
}

/** Index of the largest value, the first of equals; NaN counts as largest, as numpy's argmax has it. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? Number.NaN;
    if (Number.isNaN(value)) return i;
    if (value > (values[best] ?? Number.NaN)) best = i;
  }
  return best;
}
