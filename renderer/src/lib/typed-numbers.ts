/** Numbers as people type them into a field, with what is wrong when they are none. */
import { count } from './format.ts';

interface Bounds {
  low: number;
  high: number;
  /** Whether parts of one may be named. */
  fraction?: boolean;
}

/** @returns the value (of no use with a problem) and the problem, in words for beneath the field */
export function typedNumber(text: string, bounds: Bounds): { value: number; problem: string | undefined } {
  const value = Number(text);
  return { value, problem: fits(text, bounds) ? undefined : `A ${bounds.fraction ? 'number' : 'whole number'} ${range(bounds)}` };
}

/** The same for several with commas between them, each once. */
export function typedNumbers(text: string, bounds: Bounds & { most: number }): { values: number[]; problem: string | undefined } {
  const parts = text.split(',');
  const values = [...new Set(parts.map(Number))];
  const ok = values.length <= bounds.most && parts.every((part) => fits(part, bounds));
  return { values, problem: ok ? undefined : `Whole numbers ${range(bounds)}, with commas between them` };
}

function fits(text: string, { low, high, fraction = false }: Bounds): boolean {
  const value = Number(text);
  return text.trim() !== '' && Number.isFinite(value) && value >= low && value <= high && (fraction || Number.isInteger(value));
}

/** A bound below one keeps its decimals. */
function range({ low, high }: Bounds): string {
  return `from ${count(low) === '0' ? low : count(low)} to ${count(high)}`;
}
