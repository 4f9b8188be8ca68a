/** Operators whose output is as large as the elements of an input say: where a caller chooses those, a caller chooses the memory. */
import type { Node } from './messages.ts';
import type { Value } from './values.ts';

/** Indices of such inputs. */
const SIZED_BY: ReadonlyMap<string, readonly number[]> = new Map([
  ['ConstantOfShape', [0]],
  ['Expand', [1]],
  ['Tile', [1]],
  ['Range', [0, 1, 2]],
  ['Resize', [1, 2, 3]],
  ['Upsample', [1]],
  ['OneHot', [1]],
  ['Pad', [1]],
  ['MaxUnpool', [2]],
  ['Col2Im', [1]],
  ['AffineGrid', [1]],
  ['CenterCropPad', [1]],
  ['HannWindow', [0]],
  ['HammingWindow', [0]],
  ['BlackmanWindow', [0]],
  ['MelWeightMatrix', [0, 1, 2]],
  ['DFT', [1]],
  ['CropAndResize', [3]],
]);

/** Resize takes scales and sizes at other places before operator set 11, among them nothing that is data; Tile took a number an axis. */
export function callerSized(node: Node, inputs: readonly (Value | undefined)[]): boolean {
  return SIZED_BY.get(node.opType ?? '')?.some((index) => inputs[index]?.fromCaller) ?? false;
}
