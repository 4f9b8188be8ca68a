/**
 * Text from models, bundles and devices may hold terminal escapes, which could colour, hide or overwrite what a person reads.
 * They are shown, not sent: `\u{1b}[31m`.
 */

// C0 and C1 controls but tab and line feed, and the marks that turn the direction of writing.
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

export function printable(text: string): string {
  return text.replace(CONTROLS, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
}

/** The same for a name inside a line: no line feed, nothing invisible, and short enough to leave room for the rest. */
export function printableName(name: string, most = 60): string {
  const visible = name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
  return visible.length > most ? `${visible.slice(0, most - 1).toWellFormed()}…` : visible;
}
