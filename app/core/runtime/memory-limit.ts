/** The operating system's own limit on a runner, where there is one; the runner watches its resident memory itself in any case. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { minimalEnv } from '#core/platform';
import { MEMORY_POLL_MS, PRLIMIT_TIMEOUT_MS } from './limits.ts';

const POLLING = `resident memory watched every ${MEMORY_POLL_MS} ms`;
/** How a limit is held that the runner has had the system set on itself, through the addon. */
export const OWN_LIMIT = `data limited by the system (RLIMIT_DATA, set by the process itself), ${POLLING}`;

/**
 * For a runner without the addon: limits the data it may map to what it has now and `bytes` more (RLIMIT_DATA), so that a single huge
 * allocation fails at once instead of filling memory until it is noticed.
 * @returns how the limit is held, in words
 */
export async function limitMemory(pid: number, bytes: number): Promise<string> {
  if (process.platform !== 'linux') return POLLING;
  const mapped = mappedData(pid);
  if (mapped === undefined) return POLLING;
  const done = await new Promise<boolean>((resolve) => {
    execFile('prlimit', ['--pid', String(pid), `--data=${mapped + bytes}`], { env: minimalEnv(), timeout: PRLIMIT_TIMEOUT_MS }, (error) => resolve(!error));
  });
  return done ? `data limited by the system (RLIMIT_DATA, set by prlimit), ${POLLING}` : POLLING;
}

function mappedData(pid: number): number | undefined {
  try {
    const kb = /^VmData:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kb === undefined ? undefined : Number(kb) * 1024;
  } catch {
    return undefined;
  }
}
