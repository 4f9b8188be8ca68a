/** How numbers, sizes and times are written: three significant digits, decimal units, and against what a difference is. */

const NNBSP = '\u202f';
const MINUS = '\u2212';
const three = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
const threeFixed = new Intl.NumberFormat('en', { minimumSignificantDigits: 3, maximumSignificantDigits: 3 });
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const exactTime = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

function sign(text: string): string {
  return text.replace('-', MINUS);
}

/** A measured value, at most three significant digits. */
export function number(value: number): string {
  return Number.isFinite(value) ? sign(three.format(value)) : '–';
}

/** A measured value for a column: always three significant digits, so that digits of like values line up. */
export function columnNumber(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return '–';
  return sign(value === 0 ? '0' : threeFixed.format(value));
}

/** An exact count. */
export function count(value: number): string {
  return sign(whole.format(value));
}

/** `1 device`, `3 devices`. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

export function milliseconds(value: number): string {
  return value >= 1000 ? `${number(value / 1000)}${NNBSP}s` : `${number(value)}${NNBSP}ms`;
}

/** A share among others in a column: one decimal, so that the points line up. */
export function columnPercent(share: number): string {
  return `${(share * 100).toFixed(1)}${NNBSP}%`;
}

export function percent(share: number): string {
  return `${number(share * 100)}${NNBSP}%`;
}

export interface ByteUnit {
  unit: string;
  factor: number;
}
const BYTE_UNITS: readonly ByteUnit[] = [
  { unit: 'TB', factor: 1e12 },
  { unit: 'GB', factor: 1e9 },
  { unit: 'MB', factor: 1e6 },
  { unit: 'kB', factor: 1e3 },
];

/** The unit for a column of sizes: the one in which the largest value reads well. */
export function byteUnit(values: readonly (number | undefined)[]): ByteUnit {
  const largest = Math.max(0, ...values.map((value) => value ?? 0));
  if (largest === 0) return { unit: 'MB', factor: 1e6 };
  return BYTE_UNITS.find((each) => largest >= each.factor) ?? { unit: 'B', factor: 1 };
}

export function bytes(value: number): string {
  if (value === 0) return `0${NNBSP}B`;
  const { unit, factor } = byteUnit([value]);
  return `${number(value / factor)}${NNBSP}${unit}`;
}

/** An estimate of what is left, in whole seconds: `about 3 s left`. */
export function left(ms: number): string {
  return `about ${duration(Math.max(1, Math.ceil(ms / 1000)) * 1000)} left`;
}

/** `48 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 60) return `${number(seconds < 10 ? seconds : Math.round(seconds))}${NNBSP}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}${NNBSP}min ${Math.round(seconds % 60)}${NNBSP}s`;
  return `${Math.floor(minutes / 60)}${NNBSP}h ${minutes % 60}${NNBSP}min`;
}

const STEPS: readonly { under: number; unit: string; ms: number }[] = [
  { under: 60_000, unit: 's', ms: 1_000 },
  { under: 3_600_000, unit: 'min', ms: 60_000 },
  { under: 86_400_000, unit: 'h', ms: 3_600_000 },
  { under: Number.POSITIVE_INFINITY, unit: 'd', ms: 86_400_000 },
];

/** `just now`, `4 min ago`, `in 2 h`. */
export function relative(at: number, now: number): string {
  const distance = Math.abs(now - at);
  if (distance < 5_000) return 'just now';
  const step = STEPS.find((each) => distance < each.under) ?? { unit: 'd', ms: 86_400_000 };
  const amount = `${Math.floor(distance / step.ms)}${NNBSP}${step.unit}`;
  return at > now ? `in ${amount}` : `${amount} ago`;
}

export function exact(at: number): string {
  return exactTime.format(at);
}

/** Half the width of a 95 % interval, as people write it after ±. */
export function halfWidth(interval: { low: number; high: number }): number {
  return (interval.high - interval.low) / 2;
}

/** `0.987 ± 0.009` */
export function withInterval(interval: { value: number; low: number; high: number }): string {
  const value = columnNumber(interval.value);
  // As many decimals as the value itself has: more would claim what it does not know.
  return `${value} ± ${halfWidth(interval).toFixed(value.split('.')[1]?.length ?? 0)}`;
}

/** `−0.3 pt`: the difference of two shares in percentage points. */
export function points(value: number, base: number): string {
  const difference = (value - base) * 100;
  if (Math.abs(difference) < 0.005) return `±0${NNBSP}pt`;
  return `${difference > 0 ? '+' : ''}${number(difference)}${NNBSP}pt`;
}

/** `2.1× faster`, `1.3× slower`, `as fast`. */
export function speed(ms: number, baseMs: number): string {
  if (!(ms > 0) || !(baseMs > 0)) return '–';
  const ratio = baseMs / ms;
  if (ratio > 0.98 && ratio < 1.02) return 'as fast';
  return ratio > 1 ? `${number(ratio)}× faster` : `${number(1 / ratio)}× slower`;
}

/** `−74 %`: a size against the size it replaces. */
export function change(value: number, base: number): string {
  if (!(base > 0)) return '–';
  const share = (value - base) / base;
  if (Math.abs(share) < 0.005) return `±0${NNBSP}%`;
  return `${share > 0 ? '+' : ''}${number(share * 100)}${NNBSP}%`;
}

const SUPERSCRIPTS: Record<string, string> = { '-': '⁻', '0': '⁰', '1': '¹', '2': '²', '3': '³', '4': '⁴', '5': '⁵', '6': '⁶', '7': '⁷', '8': '⁸', '9': '⁹' };

/** A numeric error: these span many orders of magnitude, so below a thousandth as `2.1 × 10⁻⁶`. */
export function errorSize(value: number): string {
  if (value === 0 || Math.abs(value) >= 1e-3) return columnNumber(value);
  const [digits, exponent] = value.toExponential(1).split('e');
  const raised = [...String(Number(exponent))].map((char) => SUPERSCRIPTS[char] ?? char).join('');
  return `${digits}${NNBSP}×${NNBSP}10${raised}`;
}

/** `sha256:` taken off and cut to 12 characters: enough to tell two apart. */
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 12);
}
