/** Dimensions of convolutions and pools: `[samples, channels, spatial …]` in, the same out. */
import { findAttribute, intAttribute, textAttribute } from './attributes.ts';
import type { ShapeCase, Shapes } from './shape-case.ts';
import { type Dims, dimsText } from './values.ts';

/** @throws what `misfit` makes */
export function windowDims(one: ShapeCase): Shapes {
  const data = one.inputs[0]?.dims;
  if (!data) return [];
  const op = one.node.opType ?? '';
  if (data.length < 2) throw one.misfit(`takes ${dimsText(data)} for samples with channels`, 'at least 2 axes', String(data.length));
  const spatial = data.slice(2);
  if (op.startsWith('Global')) return [[data[0], data[1], ...spatial.map(() => 1)]];
  const weights = op.startsWith('Conv') ? one.inputs[1]?.dims : undefined;
  if (weights && weights.length !== data.length) {
    throw one.misfit(`slides weights of ${dimsText(weights)} over ${dimsText(data)}`, `${data.length} axes in the weights`, String(weights.length));
  }
  const ints = (name: string, length: number): number[] | undefined => {
    const values = findAttribute(one.node, name)?.ints.map(Number);
    if (!values || values.length === 0) return undefined;
    if (values.length !== length) throw one.misfit(`has '${name}' for ${values.length} of ${length} places`, String(length), String(values.length));
    return values;
  };
  const kernel = ints('kernel_shape', spatial.length);
  const steps = { strides: ints('strides', spatial.length), dilations: ints('dilations', spatial.length), pads: ints('pads', 2 * spatial.length) };
  if (!op.startsWith('Conv')) return [[data[0], data[1], ...(kernel ? slide(one, spatial, kernel, steps) : spatial.map(() => undefined))]];
  if (!weights) return [];
  const group = intAttribute(one.node, 'group', 1);
  const window: Dims = weights.slice(2);
  kernel?.forEach((size, i) => {
    const real = window[i];
    if (real !== undefined && real !== size)
      throw one.misfit(`says its window is ${dimsText(kernel)}, but has weights of ${dimsText(weights)}`, dimsText(window), dimsText(kernel));
  });
  const transposed = op === 'ConvTranspose';
  const [first, second] = weights;
  const needed = transposed ? first : second === undefined ? undefined : second * group;
  if (needed !== undefined && data[1] !== undefined && data[1] !== needed) {
    throw one.misfit(`has weights of ${dimsText(weights)} for the channels of ${dimsText(data)}`, `${needed} channels`, String(data[1]));
  }
  const grouped = first;
  if (grouped !== undefined && grouped % group !== 0)
    throw one.misfit(`splits ${grouped} channels into ${group} groups`, 'groups of equal size', `${grouped} / ${group}`);
  const channels = transposed ? (second === undefined ? undefined : second * group) : first;
  const bias = one.inputs[2]?.dims;
  if (bias && (bias.length !== 1 || (bias[0] !== undefined && channels !== undefined && bias[0] !== channels))) {
    throw one.misfit(`adds ${dimsText(bias)} to ${channels ?? 'its'} channels`, `[${channels ?? '?'}]`, dimsText(bias));
  }
  return [[data[0], channels, ...(transposed ? spatial.map(() => undefined) : slide(one, spatial, window, steps))]];
}

interface Steps {
  strides: readonly number[] | undefined;
  dilations: readonly number[] | undefined;
  pads: readonly number[] | undefined;
}

/** How often a window fits. Only for padding given in numbers: with the automatic kinds and in rounding up, sizes are left open. */
function slide(one: ShapeCase, spatial: Dims, window: Dims, { strides, dilations, pads }: Steps): Dims {
  const automatic = (textAttribute(one.node, 'auto_pad') ?? 'NOTSET') !== 'NOTSET' || intAttribute(one.node, 'ceil_mode', 0) !== 0;
  return spatial.map((size, i) => {
    const width = window[i];
    if (automatic || size === undefined || width === undefined) return undefined;
    const padded = size + (pads?.[i] ?? 0) + (pads?.[i + spatial.length] ?? 0);
    const covered = (width - 1) * (dilations?.[i] ?? 1) + 1;
    if (covered > padded) throw one.misfit(`slides a window of ${covered} over ${padded}`, `at most ${padded}`, String(covered));
    return Math.floor((padded - covered) / (strides?.[i] ?? 1)) + 1;
  });
}
