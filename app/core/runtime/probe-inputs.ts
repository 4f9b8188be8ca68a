/** Made-up inputs to try a model on: what size its open dimensions get, and which values. */
import type { TensorInfo } from '#contract';
import { elementBytes, isElementType, isFloatType, MAX_RANK, makeTensor, newData, seededPrng, type Tensor } from '#core/datasets';
import { shown } from '#core/onnx';
import { MAX_PROBE_INPUT_BYTES } from './limits.ts';

/** About what an empty text takes here and on the way, in bytes. */
const STRING_BYTES = 16;

/** One try. `size` is what every open dimension gets, the first of an input excepted, which is 1; `whole` is the value of whole numbers. */
export interface ProbeTry {
  size: number;
  whole: 0 | 1;
}

/**
 * Smallest first: with ones everywhere most shapes fit each other by broadcasting; images and signals need more. Whole numbers are
 * first 0, which is an index into anything, then 1, which divides and does not mask everything.
 */
const TRIES: readonly ProbeTry[] = [
  { size: 1, whole: 0 },
  { size: 1, whole: 1 },
  { size: 8, whole: 1 },
  { size: 64, whole: 1 },
  { size: 8, whole: 0 },
  { size: 64, whole: 0 },
];

/** The tries that differ for these inputs. */
export function probeTries(inputs: readonly TensorInfo[]): ProbeTry[] {
  const open = inputs.some(({ dims }) => dims.some((dim, axis) => axis > 0 && isOpen(dim)));
  const whole = inputs.some(({ type }) => isElementType(type) && type !== 'string' && type !== 'bool' && !isFloatType(type));
  return TRIES.filter((one) => (open || one.size === 1) && (whole || one.whole === (one.size === 1 ? 0 : 1)));
}

/**
 * Floats are numbers of 0 to 1 from a fixed seed, bool is true, text is empty.
 * @returns undefined when no such input can be made: the reason is in `cannot`
 */
export function probeFeeds(inputs: readonly TensorInfo[], one: ProbeTry): { feeds: Record<string, Tensor> } | { cannot: string } {
  const prng = seededPrng(1);
  const feeds: [string, Tensor][] = [];
  let bytes = 0;
  for (const { name, type, dims } of inputs) {
    const sizes = dims.map((dim, axis) => (typeof dim === 'number' && dim >= 0 ? dim : axis === 0 ? 1 : one.size));
    if (dims.length > MAX_RANK) return { cannot: `the input ${shown(name)} has ${dims.length} axes` };
    if (!isElementType(type)) return { cannot: `the input ${shown(name)} is of the type ${type}` };
    const count = sizes.reduce((product, size) => product * size, 1);
    bytes += count * (type === 'string' ? STRING_BYTES : elementBytes(type));
    if (!(bytes <= MAX_PROBE_INPUT_BYTES)) return { cannot: `the input ${shown(name)} asks for ${sizes.join(' × ')} elements` };
    if (type === 'string') {
      feeds.push([name, makeTensor(type, sizes, new Array<string>(count).fill(''))]);
      continue;
    }
    const data = newData(type, count);
    // 0x3800 and up are the float16 numbers from 0.5 on; the low 10 bits are the fraction.
    if (type === 'float16') for (let i = 0; i < count; i++) data[i] = 0x3800 | prng.below(1024);
    else if (isFloatType(type)) for (let i = 0; i < count; i++) data[i] = prng.next() / 0x1_0000_0000;
    else if (type === 'bool') data.fill(1 as never);
    else if (one.whole === 1) data.fill((data instanceof BigInt64Array || data instanceof BigUint64Array ? 1n : 1) as never);
    feeds.push([name, makeTensor(type, sizes, data)]);
  }
  return { feeds: Object.fromEntries(feeds) };
}

function isOpen(dim: number | string): boolean {
  return typeof dim !== 'number' || dim < 0;
}

/** `x float32[1, 4], mask int64[1, 8]`, at most a few of them. */
export function describeFeeds(feeds: Readonly<Record<string, Tensor>>): string {
  const all = Object.entries(feeds).map(([name, tensor]) => `${shown(name)} ${tensor.type}[${tensor.dims.join(', ')}]`);
  return all.length > 4 ? `${all.slice(0, 4).join(', ')} and ${all.length - 4} more` : all.join(', ');
}
