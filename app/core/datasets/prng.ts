/**
 * Seeded random numbers: xoshiro128** (Blackman and Vigna), its state filled by SplitMix32-style mixing of the seed. Part of the
 * definition of bootstrap intervals, so it must never change.
 */
export interface Prng {
  /** A whole number of 0 to 2^32 - 1. */
  next(): number;
  /** A whole number of 0 to n - 1, each equally likely to within n / 2^32. */
  below(n: number): number;
}

export function seededPrng(seed: number): Prng {
  let mix = seed >>> 0;
  const fill = () => {
    mix = (mix + 0x9e3779b9) >>> 0;
    let z = mix;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  };
  let a = fill();
  let b = fill();
  let c = fill();
  let d = fill();
  const next = () => {
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  return { next, below: (n) => Math.floor((next() / 0x1_0000_0000) * n) };
}
