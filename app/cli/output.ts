/** What people and scripts read: one JSON document on stdout with --json, else a few plain lines. Progress goes to stderr. */
import { type ErrorBody, exitCodeOf, significant } from '#contract';
import { printable } from './printable.ts';

export interface Output {
  json: boolean;
  /** The result: `document` for scripts, `lines` for people. With `failure` the work was done but its outcome is none to build on: `ok` is false. */
  result(document: Record<string, unknown>, lines: readonly string[], failure?: ErrorBody): void;
  /** A part of the result as it comes, for people only: scripts get the whole in the end. */
  part(text: string): void;
  /** Something to know that is not the result. */
  note(text: string): void;
}

export function createOutput(json: boolean): Output {
  return {
    json,
    result: (document, lines, failure) => {
      const script = { ok: failure === undefined, ...document, ...(failure && { error: failure }) };
      process.stdout.write(json ? `${JSON.stringify(script)}\n` : `${printable(lines.join('\n'))}\n`);
    },
    part: (text) => {
      if (!json) process.stdout.write(printable(text));
    },
    note: (text) => {
      process.stderr.write(`${printable(text)}\n`);
    },
  };
}

/** Prints a failure once, in the form asked for, and returns the exit code. */
export function printError(body: ErrorBody, json: boolean): number {
  if (json) {
    process.stdout.write(`${JSON.stringify({ ok: false, error: body })}\n`);
  } else {
    const lines = [`${body.message}`];
    if (body.expected !== undefined) lines.push(`  expected: ${body.expected}`);
    if (body.found !== undefined) lines.push(`  found:    ${body.found}`);
    if (body.hint !== undefined) lines.push(`  ${body.hint}`);
    if (body.owner === 'bug') lines.push(`  code: ${body.code}`);
    process.stderr.write(`${printable(lines.join('\n'))}\n`);
  }
  return exitCodeOf(body.owner);
}

/** Columns of text; those marked `right` hold numbers. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? '').length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (right.includes(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)];
}

export function percent(share: number): string {
  return `${significant(share * 100)} %`;
}

/** First 12 characters of a digest, as everywhere else. */
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 12);
}
