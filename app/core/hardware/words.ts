/** Small help with sentences. */

/**
 * "Failed to load shared library" says nothing; which one, and the loader's reason, stand in the last such line that ONNX
 * Runtime wrote to stderr before it.
 */
export function withLoaderReason(message: string, stderr: string): string {
  if (!/load shared library/i.test(message)) return message;
  const reasons = [...stderr.matchAll(/Failed to load library \S+ with error: (.+)$/gm)];
  const reason = reasons.at(-1)?.[1];
  return reason === undefined ? message : `a library could not be loaded: ${reason}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function joined(parts: readonly string[]): string {
  const last = parts[parts.length - 1];
  return last === undefined || parts.length === 1 ? (last ?? '') : `${parts.slice(0, -1).join(', ')} and ${last}`;
}

/** How a process ended: a signal's name or an exit code. */
export function endedHow(end: { code: number | null; signal?: string | null }): string {
  return end.signal ?? (end.code === null ? 'no exit code' : `code ${end.code}`);
}
