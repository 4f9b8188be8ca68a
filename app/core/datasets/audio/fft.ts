/** The discrete Fourier transform in doubles, of any length: radix 2 where the length is a power of two, Bluestein's chirp otherwise. */

/** Transforms real frames of `size` samples; made once, because the tables cost more than a frame. */
export class RealFft {
  readonly size: number;
  readonly #re: Float64Array;
  readonly #im: Float64Array;
  readonly #transform: (re: Float64Array, im: Float64Array) => void;

  constructor(size: number) {
    this.size = size;
    this.#re = new Float64Array(size);
    this.#im = new Float64Array(size);
    this.#transform = isPowerOfTwo(size) ? radix2(size) : bluestein(size);
  }

  /** |X[k]|^2 of the frame for k = 0 … size / 2 into `power`, which has floor(size / 2) + 1 places. */
  powerOf(frame: Float64Array, power: Float64Array): void {
    this.#re.set(frame);
    this.#im.fill(0);
    this.#transform(this.#re, this.#im);
    for (let k = 0; k < power.length; k++) power[k] = (this.#re[k] ?? 0) ** 2 + (this.#im[k] ?? 0) ** 2;
  }
}

function isPowerOfTwo(n: number): boolean {
  return (n & (n - 1)) === 0;
}

/** Cooley and Tukey's, in place, decimation in time. */
function radix2(size: number): (re: Float64Array, im: Float64Array) => void {
  const bits = Math.log2(size);
  const cos = Float64Array.from({ length: size / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / size));
  const sin = Float64Array.from({ length: size / 2 }, (_, i) => Math.sin((2 * Math.PI * i) / size));
  const reversed = new Uint32Array(size);
  for (let i = 0; i < size; i++) reversed[i] = ((reversed[i >> 1] ?? 0) >> 1) | ((i & 1) << Math.max(0, bits - 1));
  return (re, im) => {
    for (let i = 0; i < size; i++) {
      const j = reversed[i] ?? 0;
      if (j <= i) continue;
      [re[i], re[j]] = [re[j] ?? 0, re[i] ?? 0];
      [im[i], im[j]] = [im[j] ?? 0, im[i] ?? 0];
    }
    for (let half = 1; half < size; half *= 2) {
      const stride = size / (2 * half);
      for (let start = 0; start < size; start += 2 * half) {
        for (let k = 0; k < half; k++) {
          const a = start + k;
          const b = a + half;
          const c = cos[k * stride] ?? 0;
          const s = sin[k * stride] ?? 0;
          const br = re[b] ?? 0;
          const bi = im[b] ?? 0;
          const tr = br * c + bi * s;
          const ti = bi * c - br * s;
          const ar = re[a] ?? 0;
          const ai = im[a] ?? 0;
          re[a] = ar + tr;
          im[a] = ai + ti;
          re[b] = ar - tr;
          im[b] = ai - ti;
        }
      }
    }
  };
}

/** A transform of any length as a convolution with a chirp, which radix 2 does (Bluestein 1970). */
function bluestein(size: number): (re: Float64Array, im: Float64Array) => void {
  const long = 2 ** Math.ceil(Math.log2(2 * size - 1));
  const transform = radix2(long);
  // exp(-i pi k^2 / size); k^2 modulo 2 size keeps the angle exact.
  const cos = Float64Array.from({ length: size }, (_, k) => Math.cos((Math.PI * ((k * k) % (2 * size))) / size));
  const sin = Float64Array.from({ length: size }, (_, k) => Math.sin((Math.PI * ((k * k) % (2 * size))) / size));
  const chirpRe = new Float64Array(long);
  const chirpIm = new Float64Array(long);
  for (let k = 0; k < size; k++) {
    for (const at of k === 0 ? [0] : [k, long - k]) {
      chirpRe[at] = cos[k] ?? 0;
      chirpIm[at] = sin[k] ?? 0;
    }
  }
  transform(chirpRe, chirpIm);
  const [workRe, workIm] = [new Float64Array(long), new Float64Array(long)];
  return (re, im) => {
    workRe.fill(0);
    workIm.fill(0);
    for (let k = 0; k < size; k++) {
      const [a, b, c, s] = [re[k] ?? 0, im[k] ?? 0, cos[k] ?? 0, sin[k] ?? 0];
      workRe[k] = a * c + b * s;
      workIm[k] = b * c - a * s;
    }
    transform(workRe, workIm);
    // Multiplied by the chirp's transform, and conjugated so that the forward transform inverts.
    for (let k = 0; k < long; k++) {
      const [a, b, c, d] = [workRe[k] ?? 0, workIm[k] ?? 0, chirpRe[k] ?? 0, chirpIm[k] ?? 0];
      workRe[k] = a * c - b * d;
      workIm[k] = -(a * d + b * c);
    }
    transform(workRe, workIm);
    for (let k = 0; k < size; k++) {
      const [a, b, c, s] = [(workRe[k] ?? 0) / long, -(workIm[k] ?? 0) / long, cos[k] ?? 0, sin[k] ?? 0];
      re[k] = a * c + b * s;
      im[k] = b * c - a * s;
    }
  };
}
