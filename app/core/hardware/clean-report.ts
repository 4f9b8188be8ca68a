/**
 * The last step before a report leaves this room: names and messages in it come from hardware, drivers and recordings, so
 * nothing in them may move a terminal's cursor, turn the direction of writing or fill a screen.
 */
import type { HardwareReport } from '#contract';
import { MAX_REPORT_TEXT_CHARS } from './limits.ts';

/** Control characters but line breaks and tabs, marks of writing direction, and what has no width. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const HARMFUL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffe\uffff]/g;

export function cleanReport(report: HardwareReport): HardwareReport {
  return walk(report) as HardwareReport;
}

function walk(value: unknown): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (Array.isArray(value)) return value.map(walk);
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([name, inner]) => [cleanText(name), walk(inner)]));
  return value;
}

function cleanText(text: string): string {
  const whole = text.replace(HARMFUL, '').toWellFormed();
  return whole.length > MAX_REPORT_TEXT_CHARS ? `${whole.slice(0, MAX_REPORT_TEXT_CHARS)}…` : whole;
}
