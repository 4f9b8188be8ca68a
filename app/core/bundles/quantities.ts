/** Durations and sizes as people write them: `50 ms`, `1.5 s`, `400 MB`, `2 GiB`. */
import { unsound } from './errors.ts';

const MS: Record<string, number> = { us: 0.001, µs: 0.001, ms: 1, s: 1000, min: 60_000 };
const BYTES: Record<string, number> = { b: 1, kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30, tib: 2 ** 40 };
const FORM = /^\s*(\d{1,15}(?:\.\d{1,9})?)\s*([a-zµ]{1,3})\s*$/i;

/** @returns milliseconds @throws input.duration */
export function parseDurationMs(text: string): number {
  const value = quantity(text, MS, (unit) => unit.toLowerCase().replace('μ', 'µ'));
  if (value === undefined || value <= 0)
    throw unsound('input.duration', 'A duration cannot be read.', { expected: 'a number and us, ms, s or min, such as 50 ms', found: text.slice(0, 60) });
  return value;
}

/** MB are 1,000,000 bytes and MiB 1,048,576. @returns whole bytes @throws input.size */
export function parseByteSize(text: string): number {
  const value = quantity(text, BYTES, (unit) => unit.toLowerCase());
  if (value === undefined || value <= 0 || value > Number.MAX_SAFE_INTEGER) {
    throw unsound('input.size', 'A size cannot be read.', {
      expected: 'a number and B, kB, MB, GB, KiB, MiB or GiB, such as 400 MB',
      found: text.slice(0, 60),
    });
  }
  return Math.round(value);
}

function quantity(text: string, units: Record<string, number>, normal: (unit: string) => string): number | undefined {
  const [, digits, unit] = FORM.exec(text.replace('μ', 'µ')) ?? [];
  const factor = unit === undefined ? undefined : Object.entries(units).find(([name]) => name === normal(unit))?.[1];
  return factor === undefined ? undefined : Number(digits) * factor;
}
