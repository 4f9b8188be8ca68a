/** A decoder's memory of earlier tokens (its keys and values), under the names that Optimum exports. */
import type { TensorInfo } from '#contract';
import { elementCount, isElementType, makeTensor, newData, type Tensor } from '../tensor.ts';
import { misfit } from './kind.ts';

/** An input of merged decoders: whether there is a memory yet. */
export const USE_CACHE = 'use_cache_branch';

const PAST = /^past_key_values\.(.+)$/;

export function isPast(name: string): boolean {
  return PAST.test(name);
}

/** The output that becomes this input in the next step. */
export function presentOf(past: string): string {
  return past.replace(PAST, 'present.$1');
}

/**
 * A memory of nothing: no tokens, so no elements.
 * @throws recipe.does-not-fit when its shape cannot be told
 */
export function emptyPast({ name, type, dims }: TensorInfo, batch: number): Tensor {
  const shape = dims.map((dim, i) => (typeof dim === 'number' && dim >= 0 ? dim : i === 0 ? batch : 0));
  if (!isElementType(type) || type === 'string' || elementCount(shape) !== 0)
    throw misfit(`The input ${name} cannot begin empty.`, 'a tensor with a dimension of its own for the tokens so far', `${type} [${dims.join(', ')}]`);
  return makeTensor(type, shape, newData(type, 0));
}
