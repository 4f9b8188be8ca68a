/** Failures of trust: unsigned, altered, wrong key, wrong code. They share an owner, and so the exit code. */
import { EdgewrightError } from '#contract';

export function distrust(code: string, message: string, detail: { expected?: string; found?: string; hint?: string; cause?: unknown } = {}): EdgewrightError {
  const { cause, ...body } = detail;
  return new EdgewrightError({ code: `trust.${code}`, message, ...body, owner: 'trust' }, { cause });
}
