/** Shapes that a graph computes from constants, as exporters write them: `Reshape` can then be judged before it runs. */
import { findAttribute, intAttribute } from './attributes.ts';
import { MAX_KNOWN_NUMBERS } from './limits.ts';
import type { ShapeCase } from './shape-case.ts';
import { tensorValue } from './values.ts';

/** The elements of a node's first output, where they are few, whole, and certain. */
export function knownNumbers({ node, inputs, since }: ShapeCase): readonly number[] | undefined {
  const first = inputs[0]?.numbers;
  switch (node.opType) {
    case 'Constant': {
      const tensor = findAttribute(node, 'value')?.t;
      if (tensor) return tensorValue(tensor).numbers;
      const ints = findAttribute(node, 'value_ints')?.ints;
      return ints && ints.length <= MAX_KNOWN_NUMBERS ? ints.map(Number) : undefined;
    }
    case 'Identity':
    case 'Squeeze':
    case 'Unsqueeze':
      return first;
    case 'Shape': {
      const dims = inputs[0]?.dims;
      // From operator set 15 on it may be a part of the shape.
      if (!dims || since >= 15 || dims.includes(undefined)) return undefined;
      return dims.flatMap((dim) => dim ?? []);
    }
    case 'Concat': {
      const all = inputs.map((input) => (input?.dims?.length === 1 ? input.numbers : undefined));
      const joined = all.flatMap((numbers) => numbers ?? []);
      return all.includes(undefined) || joined.length > MAX_KNOWN_NUMBERS ? undefined : joined;
    }
    case 'Gather': {
      const indices = inputs[1]?.numbers;
      if (!first || !indices || inputs[0]?.dims?.length !== 1 || intAttribute(node, 'axis', 0) !== 0) return undefined;
      const taken = indices.map((index) => first[index < 0 ? index + first.length : index]);
      return taken.includes(undefined) ? undefined : taken.flatMap((value) => value ?? []);
    }
    default:
      return undefined;
  }
}
