/** Order of versions, as Semantic Versioning 2.0 §11 gives it. */

/** Negative when `a` is older than `b`, 0 when they rank alike, positive when newer. Both must read `1.2.3[-pre]`. */
export function compareVersions(a: string, b: string): number {
  const left = split(a);
  const right = split(b);
  for (let i = 0; i < 3; i++) {
    const order = compareNumbers(left.core[i] ?? '0', right.core[i] ?? '0');
    if (order !== 0) return order;
  }
  // A pre-release comes before its release.
  if (left.pre.length === 0 || right.pre.length === 0) return right.pre.length - left.pre.length;
  for (let i = 0; i < Math.max(left.pre.length, right.pre.length); i++) {
    const order = compareIdentifiers(left.pre[i], right.pre[i]);
    if (order !== 0) return order;
  }
  return 0;
}

function split(version: string): { core: string[]; pre: string[] } {
  const dash = version.indexOf('-');
  const core = (dash < 0 ? version : version.slice(0, dash)).split('.');
  return { core, pre: dash < 0 ? [] : version.slice(dash + 1).split('.') };
}

/** By length, then by text: numbers of any size without leading zeros compare so, and none overflows. */
function compareNumbers(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareIdentifiers(a: string | undefined, b: string | undefined): number {
  if (a === undefined) return b === undefined ? 0 : -1;
  if (b === undefined) return 1;
  const aNumber = /^\d+$/.test(a);
  const bNumber = /^\d+$/.test(b);
  if (aNumber && bNumber) return compareNumbers(a, b);
  if (aNumber !== bNumber) return aNumber ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
