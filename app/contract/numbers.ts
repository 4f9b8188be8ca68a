/** How measured numbers are written in messages: three significant digits, decimal units. Screens align columns by rules of their own. */

/** Three significant digits, never in exponent form. */
export function significant(n: number): string {
  if (n === 0 || !Number.isFinite(n)) return String(n);
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(n))));
  return n.toFixed(Math.min(digits, 6));
}

/** `1.80 MB`: decimal units, as disks and networks are sold. */
export function formatBytes(n: number): string {
  if (n < 1000) return `${n} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = n / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${significant(value)} ${units[unit]}`;
}

/** `12.4 ms`, from a second on `1.25 s`. */
export function formatMs(n: number): string {
  return n >= 1000 ? `${significant(n / 1000)} s` : `${significant(n)} ms`;
}
