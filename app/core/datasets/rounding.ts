/** To the nearest whole number, halves to the even one: how C's rint, numpy and Python's round do it. */
export function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}
