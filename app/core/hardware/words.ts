/** Small help with sentences. */

/** `a`, `a and b`, `a, b and c`. */
export function joined(parts: readonly string[]): string {
  const last = parts[parts.length - 1];
  return last === undefined || parts.length === 1 ? (last ?? '') : `${parts.slice(0, -1).join(', ')} and ${last}`;
}

/** How a process ended: a signal's name or an exit code. */
export function endedHow(end: { code: number | null; signal?: string | null }): string {
  return end.signal ?? (end.code === null ? 'no exit code' : `code ${end.code}`);
}
