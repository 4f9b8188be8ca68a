/**
 * Electron's binary: fetched once, by Electron's own install script run as a step of ours (no install script ever runs by
 * itself). Where it cannot be had, `npm start` uses the system browser.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runStep } from './child.cjs';
import { say } from './say.cjs';

/** Longest the fetch may take, in ms: 120 MB on a slow line. */
const FETCH_MS = 10 * 60_000;
/** After a failed fetch, the next start does not wait for another one before this has passed, in ms. */
const RETRY_AFTER_MS = 24 * 3600_000;

/** Path of the binary when it is there and whole: path.txt is written last. */
export function installedElectron(root: string): string | undefined {
  const dir = join(root, 'node_modules', 'electron');
  try {
    const path = join(process.env.ELECTRON_OVERRIDE_DIST_PATH ?? join(dir, 'dist'), readFileSync(join(dir, 'path.txt'), 'utf8'));
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

/** The binary, fetched if need be; undefined, with one line said, where it cannot be had. */
export async function electronBinary(root: string): Promise<string | undefined> {
  const there = installedElectron(root);
  if (there !== undefined) return there;
  const note = join(root, 'node_modules', '.edgewright-no-electron');
  if (failedLately(note, Date.now())) {
    say('Electron could not be fetched lately; using the system browser.');
    return undefined;
  }
  say('fetching Electron (once, about 120 MB) ...');
  const script = join(root, 'node_modules', 'electron', 'install.js');
  const result = await runStep(process.execPath, [script], {
    cwd: root,
    env: process.env,
    timeoutMs: FETCH_MS,
    onWait: (seconds) => say(`... still fetching Electron (${seconds} s)`),
  });
  const fetched = result.status === 0 ? installedElectron(root) : undefined;
  if (fetched !== undefined) {
    rmSync(note, { force: true });
    return fetched;
  }
  writeFileSync(note, `${new Date().toISOString()}\n${result.output}`);
  say(`Electron cannot be fetched (${reason(result)}); using the system browser.`);
  return undefined;
}

/** @param note holds the time of the last failure in its first line */
export function failedLately(note: string, now: number): boolean {
  try {
    const age = now - Date.parse(readFileSync(note, 'utf8').split('\n')[0] ?? '');
    return age >= 0 && age < RETRY_AFTER_MS;
  } catch {
    return false;
  }
}

/** One line of a failed fetch that says most. */
export function reason(result: { output: string; timedOut: boolean }): string {
  if (result.timedOut) return `not done after ${FETCH_MS / 60_000} minutes`;
  const line = result.output.split('\n').find((text) => /error|E[A-Z]{4,}|\b[45]\d\d\b/i.test(text)) ?? 'no reason given';
  return line.trim().slice(0, 160);
}
