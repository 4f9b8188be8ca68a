/** The folder of malformed, hostile and unusual but valid models, and what must become of each. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

export interface HostileCase {
  file: string;
  /** `ok`: sound; `warn`: taken, with a warning; `reject`: exit 2 with the reason; `bounded`: either of the two, within 30 s and 1 GB. */
  expect: 'ok' | 'warn' | 'reject' | 'bounded';
  why: string;
}

export function hostileCases(dir: string): HostileCase[] {
  return (JSON.parse(readFileSync(join(dir, 'expected.json'), 'utf8')) as { cases: HostileCase[] }).cases;
}

/** What the command line said. */
export interface Verdict {
  code: number | null;
  document: { ok: boolean; warnings?: { code: string; message: string }[]; error?: { code: string; message: string; owner: string } };
}

export function judge({ expect: wanted, file }: HostileCase, { code, document }: Verdict): void {
  const warnings = document.warnings ?? [];
  const told = JSON.stringify(document);
  if (wanted === 'ok') expect([code, warnings], file).toEqual([0, []]);
  else if (wanted === 'warn') expect([code, warnings.length > 0], told).toEqual([0, true]);
  else if (wanted === 'reject') expect([code, document.error?.owner], told).toEqual([2, 'input']);
  else expect(code === 2 || (code === 0 && warnings.length > 0), told).toBe(true);
  // Nothing of a model is repeated raw, and nothing of how the program is built is told.

  expect(told).not.toMatch(/[\u0000-\u001f\u202a-\u202e]|onnxruntime_src|\\u001b/);
}
