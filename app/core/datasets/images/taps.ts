/**
 * Which old pixels a new one is made of along one axis, and how much of each: the filters of image resizing, with the two sets of
 * rules that training pipelines use.
 *
 * `pillow` (Pillow; torchvision and timm on PIL images): the filter is stretched when shrinking, so that every old pixel counts.
 * `opencv` (cv2.resize; torch.nn.functional.interpolate with align_corners=False): the filter keeps its size, so that shrinking
 * skips pixels; beyond the edge the last pixel is repeated. Both put pixel centres at half coordinates.
 * `pillow12` is Pillow before version 13, which differs in the order of the two axes only (images/resize.ts).
 */

export type ResizeMethod = 'nearest' | 'area' | 'bilinear' | 'bicubic' | 'lanczos';
export type ResizeRule = 'pillow' | 'pillow12' | 'opencv';

/** The old pixels `first`, `first + 1`, … and their weights, whose sum is 1. */
export interface Taps {
  first: number;
  weights: number[];
}

/** Free parameter of Keys' cubic: Pillow takes -0.5, OpenCV and PyTorch -0.75. */
const PILLOW_CUBIC = -0.5;
const OPENCV_CUBIC = -0.75;

/** One entry for each new pixel. */
export function tapsOf(inSize: number, outSize: number, method: ResizeMethod, rule: ResizeRule): Taps[] {
  const make = makerOf(method, rule);
  return Array.from({ length: outSize }, (_, i) => make(i, inSize, outSize));
}

/** OpenCV's own Lanczos is another filter and not offered: recipes refuse the pair. */
function makerOf(method: ResizeMethod, rule: ResizeRule): TapsOfPixel {
  if (method === 'nearest') return nearestTaps(rule);
  if (rule !== 'opencv' || method === 'lanczos') return pillowTaps(FILTERS[method]);
  return method === 'area' ? overlapTaps : pointTaps(method);
}

type TapsOfPixel = (i: number, inSize: number, outSize: number) => Taps;

interface Filter {
  support: number;
  weight: (t: number) => number;
}

const FILTERS: Record<Exclude<ResizeMethod, 'nearest'>, Filter> = {
  area: { support: 0.5, weight: (t) => (t > -0.5 && t <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (t) => Math.max(0, 1 - Math.abs(t)) },
  bicubic: { support: 2, weight: (t) => cubic(Math.abs(t), PILLOW_CUBIC) },
  lanczos: { support: 3, weight: (t) => (t >= -3 && t < 3 ? sinc(t) * sinc(t / 3) : 0) },
};

/** The pixel under the new one's centre (Pillow), or under its left edge (OpenCV, PyTorch's `nearest`). */
function nearestTaps(rule: ResizeRule): TapsOfPixel {
  return (i, inSize, outSize) => {
    // OpenCV multiplies by the reciprocal of the rounded ratio, which is not always inSize / outSize.
    const at = rule !== 'opencv' ? (i + 0.5) * (inSize / outSize) : i * (1 / (outSize / inSize));
    return { first: Math.min(inSize - 1, Math.floor(at)), weights: [1] };
  };
}

function pillowTaps({ support, weight }: Filter): TapsOfPixel {
  return (i, inSize, outSize) => {
    const scale = inSize / outSize;
    const stretch = Math.max(1, scale);
    const reach = support * stretch;
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5));
    const end = Math.min(inSize, Math.trunc(centre + reach + 0.5));
    const shrink = 1 / stretch;
    const raw = Array.from({ length: end - first }, (_, k) => weight((first + k - centre + 0.5) * shrink));
    const total = raw.reduce((a, b) => a + b, 0);
    return { first, weights: total === 0 ? raw : raw.map((w) => w / total) };
  };
}

/** Each old pixel by the share of it that the new one covers (cv2.INTER_AREA when shrinking). */
function overlapTaps(i: number, inSize: number, outSize: number): Taps {
  const scale = inSize / outSize;
  const [from, to] = [i * scale, Math.min(inSize, (i + 1) * scale)];
  const first = Math.min(inSize - 1, Math.floor(from));
  const raw = Array.from({ length: Math.max(1, Math.ceil(to) - first) }, (_, k) => Math.max(0, Math.min(to, first + k + 1) - Math.max(from, first + k)));
  const total = raw.reduce((a, b) => a + b, 0);
  return { first, weights: raw.map((w) => w / total) };
}

function pointTaps(method: 'bilinear' | 'bicubic'): TapsOfPixel {
  const radius = method === 'bilinear' ? 1 : 2;
  return (i, inSize, outSize) => {
    // As float32, in which OpenCV and PyTorch compute coordinates.
    const at = Math.fround((i + 0.5) * (inSize / outSize) - 0.5);
    const below = Math.floor(at);
    const t = at - below;
    const weights = method === 'bilinear' ? [1 - t, t] : [1 + t, t, 1 - t, 2 - t].map((d) => cubic(d, OPENCV_CUBIC));
    return repeatedEdge(below - radius + 1, weights, inSize);
  };
}

/** What would fall outside is given to the pixel at the edge. */
function repeatedEdge(start: number, weights: readonly number[], inSize: number): Taps {
  const at = (k: number) => Math.min(inSize - 1, Math.max(0, start + k));
  const first = at(0);
  const merged = new Array<number>(at(weights.length - 1) - first + 1).fill(0);
  weights.forEach((w, k) => (merged[at(k) - first] = (merged[at(k) - first] ?? 0) + w));
  return { first, weights: merged };
}

function cubic(t: number, a: number): number {
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}
