/** Inputs for models that come without samples, and batches out of too few samples. */
import { EdgewrightError, type TensorInfo } from '#contract';
import { concatRows, elementCount, isElementType, isFloatType, makeTensor, newData, seededPrng, sliceRows, type Tensor } from '#core/datasets';
import { MAX_SYNTHETIC_ELEMENTS } from '../limits.ts';

/**
 * Made-up inputs for a model without samples: numbers of 0 to 1 from a fixed seed for float inputs, zeros for whole numbers (valid
 * as an index), true for bool, empty text. Open dimensions are `batch` for the first axis and 1 elsewhere.
 * @throws runtime.input-unsupported (input)
 */
export function syntheticFeeds(inputs: readonly TensorInfo[], batch = 1): Record<string, Tensor> {
  const prng = seededPrng(1);
  return Object.fromEntries(
    inputs.map(({ name, type, dims }) => {
      const sizes = dims.map((d, axis) => (typeof d === 'number' && d >= 0 ? d : axis === 0 ? batch : 1));
      const count = elementCount(sizes);
      if (!isElementType(type) || count > MAX_SYNTHETIC_ELEMENTS) {
        throw new EdgewrightError({
          code: 'runtime.input-unsupported',
          message: `No input can be made up for ${name}.`,
          found: `${type} [${dims.join(', ')}]`,
          hint: 'Give a file with the inputs instead.',
          owner: 'input',
        });
      }
      if (type === 'string') return [name, makeTensor(type, sizes, new Array<string>(count).fill(''))];
      const data = newData(type, count);
      // 0x3800 and up are the float16 numbers from 0.5 on; the low 10 bits are the fraction.
      if (type === 'float16') for (let i = 0; i < count; i++) data[i] = 0x3800 | prng.below(1024);
      else if (isFloatType(type)) for (let i = 0; i < count; i++) data[i] = prng.next() / 0x1_0000_0000;
      else if (type === 'bool') data.fill(1 as never);
      return [name, makeTensor(type, sizes, data)];
    }),
  );
}

/** The first rows of each input, beginning again from the first where there are fewer than `batch`. */
export function repeatRows(inputs: Readonly<Record<string, Tensor>>, batch: number): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, tensor]) => {
      const rows = tensor.dims[0] ?? 0;
      const parts: Tensor[] = [];
      for (let left = batch; left > 0 && rows > 0; left -= rows) parts.push(sliceRows(tensor, 0, Math.min(left, rows)));
      return [name, parts.length === 1 && parts[0] ? parts[0] : concatRows(parts)];
    }),
  );
}

/**
 * @returns the batch that every run of a model must have; undefined where the first axis of all its inputs is open
 */
export function fixedBatch(inputs: readonly TensorInfo[]): number | undefined {
  for (const { dims } of inputs) {
    const first = dims[0];
    if (first === undefined) return 1;
    if (typeof first === 'number' && first > 0) return first;
  }
  return undefined;
}
