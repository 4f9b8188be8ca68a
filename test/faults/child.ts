/** A program of this folder in a process of its own, disturbed or recorded by what is preloaded into it. */
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';

export interface Ended {
  /** null: a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stderr: string;
}

/** @param args those of Node: what to preload, the program, its arguments @param env all it has besides PATH and the temporary folder */
export function runChild(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const child = spawn(process.execPath, args, { env: { PATH: process.env.PATH, TMPDIR: tmpdir(), ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stderr }));
  });
}
