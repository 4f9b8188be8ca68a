/** Vectors of numbers: their length, and how alike two are. */

/** a . b / (|a| |b|); 0 where one has no length. */
export function cosine(a: Float64Array, b: Float64Array): number {
  const [x, y] = [lengthOf(a), lengthOf(b)];
  return x === 0 || y === 0 ? 0 : Math.max(-1, Math.min(1, dot(a, b) / (x * y)));
}

export function toLengthOne(vector: Float64Array): Float64Array {
  const length = lengthOf(vector);
  return length === 0 ? vector : vector.map((x) => x / length);
}

function lengthOf(vector: Float64Array): number {
  return Math.sqrt(dot(vector, vector));
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0);
}
