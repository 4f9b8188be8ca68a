/**
 * Things found in an image, as boxes. Two families of detectors are read: those that give box and class scores in one output (YOLO), and those that
 * give boxes, scores and classes apart (SSD, torchvision, TensorFlow's detection API). Overlapping boxes are thinned by greedy non-maximum suppression.
 */
import { z } from 'zod';
import type { OneAnswer } from '#contract';
import { MAX_ANSWER_BOXES, MAX_DETECTOR_BOXES } from '../limits.ts';
import { pickOutput } from '../outputs.ts';
import type { ImageFrame } from '../recipes/kind.ts';
import { Finite } from '../schema-parts.ts';
import { type Tensor, toNumbers } from '../tensor.ts';
import { type AnswerKind, notFinite, unlike } from './kind.ts';

const Output = z.string().min(1);
const Share = Finite.refine((n) => n >= 0 && n <= 1, '0 to 1');

export const BoxesAnswerSchema = z
  .strictObject({
    kind: z.literal('boxes'),
    /** All in one output: `boxes-last` is [1, 4 + classes, boxes] (YOLOv8 and later), `boxes-first` [1, boxes, 4 (+ 1) + classes] (YOLOv5). */
    output: Output.optional(),
    order: z.enum(['boxes-last', 'boxes-first']).default('boxes-last'),
    /** Whether a number after the box says how likely it holds anything, which the class scores are multiplied by (YOLOv5). */
    objectness: z.boolean().default(false),
    /** Or apart: boxes [(1,) boxes, 4], scores [(1,) boxes] with classes [(1,) boxes], or scores [(1,) boxes, classes] without. */
    boxes: Output.optional(),
    scores: Output.optional(),
    classes: Output.optional(),
    /** How the four numbers are meant. */
    form: z.enum(['cxcywh', 'xywh', 'xyxy', 'yxyx']),
    /** Whether they are shares of the model's input instead of its pixels. */
    normalized: z.boolean().default(false),
    activation: z.enum(['none', 'sigmoid']).default('none'),
    /** The number of the first label: 1 where 0 stands for the background. */
    firstClass: z.number().int().min(0).max(1).default(0),
    /** Boxes with a lower score are left out. */
    threshold: Share.default(0.25),
    /** Of two boxes of one class that overlap by more than this (area shared / area covered), the less sure one is left out; `none` where the model did it. */
    overlap: z.union([Share, z.literal('none')]).default(0.45),
    /** At most so many, the surest. */
    top: z.number().int().min(1).max(MAX_ANSWER_BOXES).default(MAX_ANSWER_BOXES),
  })
  .superRefine((how, ctx) => {
    if ((how.output === undefined) === (how.boxes === undefined || how.scores === undefined))
      ctx.addIssue({ code: 'custom', message: 'either output, or boxes and scores' });
  });
type BoxesAnswer = z.infer<typeof BoxesAnswerSchema>;

interface Found {
  index: number;
  score: number;
  /** In pixels of the model's input. */
  corners: Corners;
}

type Corners = readonly [left: number, top: number, right: number, bottom: number];

export const boxesKind: AnswerKind<BoxesAnswer> = {
  answer(how, outputs, { labels, applied }): OneAnswer {
    const frame = applied?.frame;
    const candidates = how.output === undefined ? apart(how, outputs, frame) : together(how, pickOutput(outputs, how.output), how.output, frame);
    candidates.sort((a, b) => b.score - a.score);
    const kept = how.overlap === 'none' ? candidates.slice(0, how.top) : thinned(candidates, how.overlap, how.top);
    return {
      kind: 'boxes',
      boxes: kept.map(({ index, score, corners }) => {
        const [left, top, right, bottom] = inImage(corners, frame);
        return { label: labels?.[index] ?? String(index), index, score, left, top, right, bottom };
      }),
      ...(frame && { image: { width: frame.width, height: frame.height } }),
    };
  },
};

function together(how: BoxesAnswer, tensor: Tensor, name: string, frame: ImageFrame | undefined): Found[] {
  const [a, b] = tensor.dims.slice(-2);
  const last = how.order === 'boxes-last';
  const [values, count] = last ? [a ?? 0, b ?? 0] : [b ?? 0, a ?? 0];
  const before = how.objectness ? 5 : 4;
  if (tensor.dims.length < 2 || values <= before) throw unlike(name, last ? `[1, more than ${before}, boxes]` : `[1, boxes, more than ${before}]`, tensor.dims);
  checkCount(name, count);
  const data = finite(tensor, name);
  const at = (box: number, value: number) => data[last ? value * count + box : box * values + value] ?? 0;
  return Array.from({ length: count }, (_, box) => {
    const scores = Float64Array.from({ length: values - before }, (_unused, c) => activated(at(box, before + c), how));
    const best = scores.reduce((most, score, c) => (score > (scores[most] ?? 0) ? c : most), 0);
    const score = (scores[best] ?? 0) * (how.objectness ? activated(at(box, 4), how) : 1);
    return { index: best - how.firstClass, score, corners: cornersOf(how, [at(box, 0), at(box, 1), at(box, 2), at(box, 3)], frame) };
  }).filter((found) => found.score >= how.threshold && found.index >= 0);
}

function apart(how: BoxesAnswer, outputs: Readonly<Record<string, Tensor>>, frame: ImageFrame | undefined): Found[] {
  const [boxName, scoreName] = [how.boxes ?? '', how.scores ?? ''];
  const [boxes, scores] = [pickOutput(outputs, boxName), pickOutput(outputs, scoreName)];
  const count = boxes.dims.at(-2) ?? 0;
  if (boxes.dims.at(-1) !== 4) throw unlike(boxName, '[(1,) boxes, 4]', boxes.dims);
  checkCount(boxName, count);
  const [box, score] = [finite(boxes, boxName), finite(scores, scoreName)];
  const each = count === 0 ? 1 : score.length / count;
  const classes = how.classes === undefined ? undefined : finite(pickOutput(outputs, how.classes), how.classes);
  if (!Number.isInteger(each) || (classes && (each !== 1 || classes.length !== count)))
    throw unlike(scoreName, classes ? `one for each of ${count} boxes` : `one for each class of ${count} boxes`, scores.dims);
  return Array.from({ length: count }, (_, i) => {
    let best = 0;
    for (let c = how.firstClass; c < each; c++) if ((score[i * each + c] ?? 0) > (score[i * each + best] ?? 0) || best < how.firstClass) best = c;
    const index = classes ? Math.round(classes[i] ?? 0) : best;
    const corners = cornersOf(how, [box[4 * i] ?? 0, box[4 * i + 1] ?? 0, box[4 * i + 2] ?? 0, box[4 * i + 3] ?? 0], frame);
    return { index: index - how.firstClass, score: activated(score[i * each + (classes ? 0 : best)] ?? 0, how), corners };
  }).filter((found) => found.score >= how.threshold && found.index >= 0);
}

function activated(x: number, { activation }: BoxesAnswer): number {
  return activation === 'sigmoid' ? 1 / (1 + Math.exp(-x)) : x;
}

function cornersOf({ form, normalized }: BoxesAnswer, [a, b, c, d]: readonly [number, number, number, number], frame: ImageFrame | undefined): Corners {
  const [w, h] = normalized ? [frame?.toWidth ?? 1, frame?.toHeight ?? 1] : [1, 1];
  const corners: Corners =
    form === 'cxcywh' ? [a - c / 2, b - d / 2, a + c / 2, b + d / 2] : form === 'xywh' ? [a, b, a + c, b + d] : form === 'yxyx' ? [b, a, d, c] : [a, b, c, d];
  return [corners[0] * w, corners[1] * h, corners[2] * w, corners[3] * h];
}

/** From the model's input back to the image, held within it. */
function inImage(corners: Corners, frame: ImageFrame | undefined): Corners {
  if (!frame) return corners;
  const x = (at: number) => Math.min(frame.width, Math.max(0, (at - frame.offsetX) / frame.scaleX));
  const y = (at: number) => Math.min(frame.height, Math.max(0, (at - frame.offsetY) / frame.scaleY));
  return [x(corners[0]), y(corners[1]), x(corners[2]), y(corners[3])];
}

/** Surest first; each one kept drops those of its class that overlap it too much. */
function thinned(sorted: readonly Found[], overlap: number, top: number): Found[] {
  const kept: Found[] = [];
  let rest = [...sorted];
  for (let best = rest.shift(); best && kept.length < top; best = rest.shift()) {
    const { index, corners } = best;
    kept.push(best);
    rest = rest.filter((other) => other.index !== index || shared(corners, other.corners) <= overlap);
  }
  return kept;
}

/** Area of what two boxes share over the area both cover. */
function shared(a: Corners, b: Corners): number {
  const width = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]));
  const height = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  const area = (box: Corners) => Math.max(0, box[2] - box[0]) * Math.max(0, box[3] - box[1]);
  const union = area(a) + area(b) - width * height;
  return union > 0 ? (width * height) / union : 0;
}

function finite(tensor: Tensor, name: string): Float64Array {
  const values = toNumbers(tensor);
  if (values.every(Number.isFinite)) return values;
  throw notFinite(name);
}

function checkCount(name: string, count: number): void {
  if (count > MAX_DETECTOR_BOXES) throw unlike(name, `at most ${MAX_DETECTOR_BOXES} boxes`, [count]);
}
