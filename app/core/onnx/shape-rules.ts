/**
 * Dimensions of outputs from those of inputs, for the operators that most models are made of, and what cannot fit. Only what is
 * certain is refused: an operator or a dimension that is not known here is left to ONNX Runtime.
 */
import { intAttribute } from './attributes.ts';
import type { ShapeCase, Shapes } from './shape-case.ts';
import { type Dims, dimsText } from './values.ts';
import { windowDims } from './window-shapes.ts';

/** @throws what `misfit` makes */
export function inferShapes(one: ShapeCase): Shapes {
  const op = one.node.opType ?? '';
  return RULES.get(op)?.(one) ?? [];
}

const dimsOf = (one: ShapeCase, index: number): Dims | undefined => one.inputs[index]?.dims;

const same = (one: ShapeCase): Shapes => [dimsOf(one, 0)];

const SAME =
  'Abs Acos Acosh Asin Asinh Atan Atanh BitwiseNot Cast Ceil Celu Clip Cos Cosh CumSum Dropout Elu Erf Exp Floor Gelu HardSigmoid HardSwish Hardmax Identity InstanceNormalization IsInf IsNaN LRN LayerNormalization LeakyRelu Log LogSoftmax LpNormalization MeanVarianceNormalization Mish Neg Not QuantizeLinear DequantizeLinear RMSNormalization Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softmax Softplus Softsign Sqrt Swish Tan Tanh ThresholdedRelu Trilu';
const BROADCAST = 'Add And BitwiseAnd BitwiseOr BitwiseXor Div Equal Greater GreaterOrEqual Less LessOrEqual Mod Mul Or Pow Sub Xor Max Mean Min Sum Where';
/** Those whose 'axis' must be one of the first input's, and what it is when nobody says. */
const AXIS: ReadonlyMap<string, number> = new Map([
  ['ArgMax', 0],
  ['ArgMin', 0],
  ['Gather', 0],
  ['GatherElements', 0],
  ['LogSoftmax', -1],
  ['Softmax', -1],
  ['ScatterElements', 0],
  ['Split', 0],
  ['TopK', -1],
  ['LpNormalization', -1],
]);

const RULES: ReadonlyMap<string, (one: ShapeCase) => Shapes> = new Map<string, (one: ShapeCase) => Shapes>([
  ...SAME.split(' ').map((op) => [op, same] as const),
  ...BROADCAST.split(' ').map((op) => [op, elementwise] as const),
  ...[...AXIS].map(([op, fallback]) => [op, (one: ShapeCase) => withAxis(one, fallback)] as const),
  ['MatMul', matMul],
  ['Gemm', gemm],
  ['Concat', concat],
  ['Reshape', reshape],
  ['Transpose', transpose],
  ['Flatten', flatten],
  ['BatchNormalization', batchNormalization],
  ['Shape', (one) => (one.since < 15 ? [[dimsOf(one, 0)?.length]] : [[undefined]])],
  ['Constant', () => []],
  ...['Conv', 'ConvTranspose', 'MaxPool', 'AveragePool', 'LpPool', 'GlobalAveragePool', 'GlobalMaxPool'].map((op) => [op, windowDims] as const),
]);

/** Several inputs, stretched to each other: from the last axis on, sizes are the same or one of them is 1. */
function elementwise(one: ShapeCase): Shapes {
  // Before operator set 7 (8 for those with any number of inputs) an attribute said how.
  const listed = ['Max', 'Mean', 'Min', 'Sum'].includes(one.node.opType ?? '');
  if (one.since < (listed ? 8 : 7)) return [];
  let dims: Dims | undefined = [];
  for (const input of one.inputs) dims = dims && input?.dims ? broadcast(one, dims, input.dims) : undefined;
  return [dims];
}

function broadcast(one: ShapeCase, a: Dims, b: Dims): Dims {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const atA = axis - (rank - a.length);
    const atB = axis - (rank - b.length);
    if (atA < 0) return b[atB];
    if (atB < 0) return a[atA];
    const [x, y] = [a[atA], b[atB]];
    if (x === undefined || y === undefined) return x === undefined ? (y === 1 ? undefined : y) : x === 1 ? undefined : x;
    if (x !== y && x !== 1 && y !== 1) throw one.misfit(`cannot stretch ${dimsText(a)} and ${dimsText(b)} to each other`, 'equal sizes, or 1', `${x} and ${y}`);
    return x === 1 ? y : x;
  });
}

function matMul(one: ShapeCase): Shapes {
  const [a, b] = [dimsOf(one, 0), dimsOf(one, 1)];
  if (!a || !b) return [];
  if (a.length === 0 || b.length === 0) throw one.misfit('multiplies a single number as a matrix', 'at least one axis', `${dimsText(a)} by ${dimsText(b)}`);
  const [columns, rows] = [a.at(-1), b.length === 1 ? b[0] : b.at(-2)];
  if (columns !== undefined && rows !== undefined && columns !== rows) {
    throw one.misfit(`multiplies ${dimsText(a)} by ${dimsText(b)}`, `${columns} rows in the second`, `${rows}`);
  }
  const outer = broadcast(one, a.slice(0, -2), b.slice(0, -2));
  return [[...outer, ...(a.length > 1 ? [a.at(-2)] : []), ...(b.length > 1 ? [b.at(-1)] : [])]];
}

function gemm(one: ShapeCase): Shapes {
  const [a, b, c] = [dimsOf(one, 0), dimsOf(one, 1), dimsOf(one, 2)];
  if (!a || !b) return [];
  // Before operator set 7 the first input was flattened.
  if (one.since < 7) return [];
  for (const dims of [a, b]) if (dims.length !== 2) throw one.misfit(`takes ${dimsText(dims)} for a matrix`, '2 axes', `${dims.length}`);
  const turn = (dims: Dims, name: string) => (intAttribute(one.node, name, 0) !== 0 ? [...dims].reverse() : dims);
  const [left, right] = [turn(a, 'transA'), turn(b, 'transB')];
  if (left[1] !== undefined && right[0] !== undefined && left[1] !== right[0]) {
    throw one.misfit(`multiplies ${dimsText(left)} by ${dimsText(right)}`, `${left[1]} rows in the second`, `${right[0]}`);
  }
  const result = [left[0], right[1]];
  if (c && (c.length > 2 || c.some((dim, i) => ![undefined, 1, result[i + 2 - c.length] ?? dim].includes(dim)))) {
    throw one.misfit(`adds ${dimsText(c)} to ${dimsText(result)}`, 'equal sizes, or 1', dimsText(c));
  }
  return [result];
}

function axisIn(one: ShapeCase, axis: number, rank: number, name = 'axis'): number {
  if (axis < -rank || axis >= rank) throw one.misfit(`names an ${name} that ${rank} axes do not have`, `${-rank} to ${rank - 1}`, String(axis));
  return axis < 0 ? axis + rank : axis;
}

function withAxis(one: ShapeCase, fallback: number): Shapes {
  const data = dimsOf(one, 0);
  if (data && data.length > 0) axisIn(one, intAttribute(one.node, 'axis', fallback), data.length);
  const softmax = ['Softmax', 'LogSoftmax', 'LpNormalization'].includes(one.node.opType ?? '');
  if (softmax) return [data];
  const indices = dimsOf(one, 1);
  if (one.node.opType !== 'Gather' || !data || !indices) return [];
  const axis = axisIn(one, intAttribute(one.node, 'axis', 0), data.length);
  return [[...data.slice(0, axis), ...indices, ...data.slice(axis + 1)]];
}

function concat(one: ShapeCase): Shapes {
  const known = one.inputs.flatMap((input) => (input?.dims ? [input.dims] : []));
  const first = known[0];
  if (!first) return [];
  const axis = axisIn(one, intAttribute(one.node, 'axis', one.since < 4 ? 1 : 0), first.length);
  const result: (number | undefined)[] = [...first];
  let length: number | undefined = known.length === one.inputs.length ? 0 : undefined;
  for (const dims of known) {
    if (dims.length !== first.length)
      throw one.misfit(`joins ${dimsText(first)} and ${dimsText(dims)}`, 'the same number of axes', `${first.length} and ${dims.length}`);
    dims.forEach((dim, i) => {
      if (i === axis) return;
      if (dim !== undefined && result[i] !== undefined && dim !== result[i])
        throw one.misfit(`joins ${dimsText(first)} and ${dimsText(dims)} along axis ${axis}`, 'equal sizes on the other axes', `${result[i]} and ${dim}`);
      result[i] ??= dim;
    });
    const here = dims[axis];
    length = length === undefined || here === undefined ? undefined : length + here;
  }
  result[axis] = length;
  return [result];
}

function reshape(one: ShapeCase): Shapes {
  const data = dimsOf(one, 0);
  const wanted = one.inputs[1]?.numbers;
  if (!wanted || one.since < 5) return [];
  if (wanted.filter((dim) => dim === -1).length > 1 || wanted.some((dim) => dim < -1))
    throw one.misfit('has a shape that cannot be', 'sizes, and -1 at most once', dimsText(wanted));
  const keepsZero = intAttribute(one.node, 'allowzero', 0) !== 0;
  const dims: (number | undefined)[] = wanted.map((dim, i) => (dim === 0 && !keepsZero ? data?.[i] : dim === -1 ? undefined : dim));
  const count = data?.reduce<number | undefined>((product, dim) => (product === undefined || dim === undefined ? undefined : product * dim), 1);
  const open = wanted.indexOf(-1);
  const rest = dims.reduce<number | undefined>(
    (product, dim, i) => (i === open ? product : product === undefined || dim === undefined ? undefined : product * dim),
    1,
  );
  if (count !== undefined && rest !== undefined) {
    const fits = open < 0 ? count === rest : rest === 0 ? count === 0 : count % rest === 0;
    if (!fits)
      throw one.misfit(`cannot give ${dimsText(data)} the shape ${dimsText(wanted)}`, `${count} elements`, `${rest}${open < 0 ? '' : ' or a multiple'}`);
    if (open >= 0 && rest > 0) dims[open] = count / rest;
  }
  return [dims];
}

function transpose(one: ShapeCase): Shapes {
  const data = dimsOf(one, 0);
  if (!data) return [];
  const perm = one.node.attribute.find((attribute) => attribute.name === 'perm')?.ints.map(Number);
  if (!perm || (perm.length === 0 && data.length === 0)) return [[...data].reverse()];
  if (perm.length !== data.length) throw one.misfit(`puts ${data.length} axes in an order of ${perm.length}`, String(data.length), String(perm.length));
  return [perm.map((axis) => data[axis])];
}

function flatten(one: ShapeCase): Shapes {
  const data = dimsOf(one, 0);
  if (!data) return [];
  const axis = intAttribute(one.node, 'axis', 1);
  if (axis < -data.length || axis > data.length)
    throw one.misfit(`is cut at an axis that ${data.length} axes do not have`, `${-data.length} to ${data.length}`, String(axis));
  const at = axis < 0 ? axis + data.length : axis;
  const size = (dims: Dims) => dims.reduce<number | undefined>((product, dim) => (product === undefined || dim === undefined ? undefined : product * dim), 1);
  return [[size(data.slice(0, at)), size(data.slice(at))]];
}

function batchNormalization(one: ShapeCase): Shapes {
  const data = dimsOf(one, 0);
  if (!data) return [];
  const channels = data.length > 1 ? data[1] : 1;
  for (const index of [1, 2, 3, 4]) {
    const dims = dimsOf(one, index);
    if (!dims || one.since < 9) continue;
    if (dims.length !== 1) throw one.misfit(`takes ${dimsText(dims)} for one number a channel`, '1 axis', `${dims.length}`);
    if (dims[0] !== undefined && channels !== undefined && dims[0] !== channels) {
      throw one.misfit(`has ${dims[0]} numbers for the channels of ${dimsText(data)}`, `${channels}`, `${dims[0]}`);
    }
  }
  return [data];
}
