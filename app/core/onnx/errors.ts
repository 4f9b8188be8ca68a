/** How this room refuses a model: always the input's fault, always with a code, and with names made safe to print. */
import { EdgewrightError } from '#contract';
import { MAX_SHOWN_NAME } from './limits.ts';

export interface Refusal {
  expected?: string;
  found?: string;
  hint?: string;
}

export function refuse(code: string, message: string, more: Refusal = {}): EdgewrightError {
  return new EdgewrightError({ code, message, ...more, owner: 'input' });
}

/**
 * A name from a model as it may appear in a message: quoted, shortened, and without control, bidirectional or other
 * invisible characters, which could forge lines in a terminal or a log.
 */
export function shown(name: string): string {
  return `'${safeText(name, MAX_SHOWN_NAME)}'`;
}

/** Text that a model may have chosen, made safe to print as `shown` does. @param most characters that are kept */
export function safeText(text: string, most: number): string {
  const short = text.length > most ? `${text.slice(0, most)}…` : text;
  // What nearly every name is made of: the pattern below costs much more.
  if (/^[ -~]*$/.test(short)) return short;
  return short.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
}

/** With a capital first letter, to begin a sentence. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
