/** What two arrays that should be alike have in common: the usual ways in which data is laid out or scaled differently. */
import type { Tensor } from '../tensor.ts';
import { toNumbers } from '../tensor.ts';
import type { CloseRule } from './rules.ts';

/** Highest rank whose axes are permuted. */
const MAX_PERMUTED_RANK = 4;
/** Most columns that are looked for in another order. */
const MAX_MATCHED_COLUMNS = 4096;

/**
 * @param want made by the exporter
 * @param got made by the recipe
 * @returns words, or undefined where nothing simple makes one of the other
 */
export function explainArrays(want: Tensor, got: Tensor, rule: CloseRule): string | undefined {
  if (Array.isArray(want.data) || Array.isArray(got.data)) return undefined;
  const [a, b] = [toNumbers(want), toNumbers(got)];
  const same = (values: ArrayLike<number>) => isClose(a, values, rule);
  const moved = permutedAxes(want.dims, got.dims, b, same);
  if (moved !== undefined) return moved;
  if (want.dims.join() !== got.dims.join()) return undefined;
  for (const [axis, size] of got.dims.entries()) {
    if (size < 2 || !same(reversed(b, got.dims, axis))) continue;
    if (size === 3 || size === 4) return `the channels are in reverse order (RGB against BGR)`;
    return axis === got.dims.length - 1 ? 'it is mirrored along its last axis' : `it is mirrored along axis ${axis}`;
  }
  return otherScale(a, b, got.dims, rule) ?? otherColumns(a, b, got.dims, rule);
}

function permutedAxes(want: readonly number[], got: readonly number[], values: Float64Array, same: (values: Float64Array) => boolean): string | undefined {
  if (want.length !== got.length || want.length > MAX_PERMUTED_RANK || [...want].sort().join() !== [...got].sort().join()) return undefined;
  for (const order of permutations(got.length).slice(1)) {
    if (order.some((axis, i) => got[axis] !== want[i]) || !same(permuted(values, got, order))) continue;
    return want.join() === got.join()
      ? `two axes of the same length have changed places (${order.join(', ')} instead of ${order.map((_, i) => i).join(', ')})`
      : `the axes are in another order: the exporter made [${want.join(', ')}], the recipe makes [${got.join(', ')}]`;
  }
  return undefined;
}

/** All orders of 0 … n - 1, the plain one first. */
function permutations(n: number): number[][] {
  if (n === 0) return [[]];
  return permutations(n - 1)
    .flatMap((rest) => Array.from({ length: n }, (_, at) => [...rest.slice(0, at), n - 1, ...rest.slice(at)]))
    .sort((x, y) => (x.join() < y.join() ? -1 : 1));
}

function permuted(values: Float64Array, dims: readonly number[], order: readonly number[]): Float64Array {
  const strides = dims.map((_, axis) => dims.slice(axis + 1).reduce((x, y) => x * y, 1));
  const to = order.map((axis) => dims[axis] ?? 1);
  const out = new Float64Array(values.length);
  const at = to.map(() => 0);
  for (let i = 0; i < out.length; i++) {
    let from = 0;
    for (const [k, axis] of order.entries()) from += (at[k] ?? 0) * (strides[axis] ?? 0);
    out[i] = values[from] ?? 0;
    for (let k = to.length - 1; k >= 0; k--) {
      at[k] = (at[k] ?? 0) + 1;
      if ((at[k] ?? 0) < (to[k] ?? 0)) break;
      at[k] = 0;
    }
  }
  return out;
}

function reversed(values: Float64Array, dims: readonly number[], axis: number): Float64Array {
  const size = dims[axis] ?? 1;
  const inner = dims.slice(axis + 1).reduce((x, y) => x * y, 1);
  return values.map((_, i) => {
    const k = Math.floor(i / inner) % size;
    return values[i + (size - 1 - 2 * k) * inner] ?? 0;
  });
}

interface Line {
  slope: number;
  offset: number;
}

/** One straight line for all values, or one for each channel. */
function otherScale(want: Float64Array, got: Float64Array, dims: readonly number[], rule: CloseRule): string | undefined {
  const all = lineThrough(want, got, () => true, rule);
  if (all) return `every value is another one on a straight line: expected = ${lineWords(all)}, so ${scaleWords(all)}`;
  for (const axis of dims.length >= 3 ? [1, dims.length - 1] : []) {
    const channels = dims[axis] ?? 0;
    if (channels < 2 || channels > 4) continue;
    const inner = dims.slice(axis + 1).reduce((x, y) => x * y, 1);
    const lines = Array.from({ length: channels }, (_, c) => lineThrough(want, got, (i) => Math.floor(i / inner) % channels === c, rule));
    if (lines.every((line) => line !== undefined))
      return `mean and std differ by channel: ${lines.map((line, c) => `channel ${c} expected = ${lineWords(line)}`).join(', ')}`;
  }
  return undefined;
}

/** Least squares over the chosen values; undefined where they do not lie on it within the rule. */
function lineThrough(want: Float64Array, got: Float64Array, chosen: (i: number) => boolean, rule: CloseRule): Line | undefined {
  let [n, sx, sy, sxx, sxy] = [0, 0, 0, 0, 0];
  for (let i = 0; i < got.length; i++) {
    const [x, y] = [got[i] ?? 0, want[i] ?? 0];
    if (!chosen(i)) continue;
    if (!Number.isFinite(x) || !Number.isFinite(y)) return undefined;
    n++;
    sx += x;
    sy += y;
    sxx += x * x;
    sxy += x * y;
  }
  const spread = n * sxx - sx * sx;
  if (n < 3 || spread <= 1e-12 * n * sxx) return undefined;
  const slope = (n * sxy - sx * sy) / spread;
  const offset = (sy - slope * sx) / n;
  if (Math.abs(slope) < 1e-9) return undefined;
  for (let i = 0; i < got.length; i++) {
    const y = want[i] ?? 0;
    if (chosen(i) && Math.abs(slope * (got[i] ?? 0) + offset - y) > rule.atol + rule.rtol * Math.abs(y)) return undefined;
  }
  return { slope, offset };
}

function lineWords({ slope, offset }: Line): string {
  const by = +slope.toPrecision(4);
  const add = +offset.toPrecision(4);
  return `${by} x found${Math.abs(offset) < 1e-6 * Math.max(1, Math.abs(slope)) ? '' : ` ${add < 0 ? '-' : '+'} ${Math.abs(add)}`}`;
}

function scaleWords({ slope, offset }: Line): string {
  const near = (value: number, to: number) => Math.abs(value / to - 1) < 1e-3;
  const through = Math.abs(offset) < 1e-3;
  if (near(slope, 255) && through) return 'the recipe divides by 255 and the exporter did not';
  if (near(slope * 255, 1) && through) return 'the exporter divided by 255 and the recipe does not';
  if (near(slope, -1)) return 'the values are inverted: dark is light';
  return 'scale, mean or std differ';
}

/** Whether the last axis holds the same columns in another order. */
function otherColumns(want: Float64Array, got: Float64Array, dims: readonly number[], rule: CloseRule): string | undefined {
  const columns = dims.at(-1) ?? 0;
  const rows = columns === 0 ? 0 : got.length / columns;
  if (dims.length < 2 || columns < 2 || columns > MAX_MATCHED_COLUMNS) return undefined;
  const column = (values: Float64Array, c: number) => Float64Array.from({ length: rows }, (_, r) => values[r * columns + c] ?? 0);
  const expected = Array.from({ length: columns }, (_, c) => column(want, c));
  const left = new Map(Array.from({ length: columns }, (_, c) => [c, column(got, c)]));
  const moved: string[] = [];
  for (const [c, values] of expected.entries()) {
    const own = left.get(c);
    const from = own && isClose(values, own, rule) ? c : [...left].find(([, other]) => isClose(values, other, rule))?.[0];
    if (from === undefined) return undefined;
    left.delete(from);
    if (from !== c) moved.push(`${c} is ${from}`);
  }
  return `the columns are in another order: of the recipe's, expected column ${moved.slice(0, 4).join(', ')}${moved.length > 4 ? ' …' : ''}`;
}

function isClose(want: ArrayLike<number>, got: ArrayLike<number>, { atol, rtol }: CloseRule): boolean {
  for (let i = 0; i < want.length; i++) {
    const [e, f] = [want[i] ?? Number.NaN, got[i] ?? Number.NaN];
    if (!(e === f || (Number.isNaN(e) && Number.isNaN(f)) || Math.abs(f - e) <= atol + rtol * Math.abs(e))) return false;
  }
  return true;
}
