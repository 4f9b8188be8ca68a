/** Numbers of a model as JSON can carry them exactly. */

/** An int64 as a number; beyond what a number counts exactly, the largest it does. */
export function countOf(value: bigint | undefined): number {
  return clamp(Number(value ?? 0n));
}

export function sumOf(values: Iterable<number>): number {
  let sum = 0;
  for (const value of values) sum += value;
  return clamp(sum);
}

function clamp(value: number): number {
  return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value));
}
