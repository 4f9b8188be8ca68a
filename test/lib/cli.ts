/** Runs the command line as a person does: a process, its exit code, what it printed. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '..', '..');

export interface CliResult {
  code: number | null;
  stdout: string;
  stderr: string;
  /** stdout as JSON. */
  json: () => unknown;
}

export interface CliOptions {
  home: string;
  cwd?: string;
  input?: string;
  env?: Record<string, string>;
  /** Called with the process once it runs. */
  onStart?: (pid: number) => void;
}

/** How long one command may take in a test, in ms. */
const TIMEOUT_MS = 120_000;

export function cli(args: readonly string[], options: CliOptions): Promise<CliResult> {
  return runEntry(join(ROOT, 'app', 'cli', 'main.ts'), args, options);
}

export function runEntry(entry: string, args: readonly string[], options: CliOptions): Promise<CliResult> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [entry, ...args], {
      cwd: options.cwd ?? ROOT,
      env: { PATH: process.env.PATH ?? '', HOME: options.home, EDGEWRIGHT_HOME: options.home, NO_COLOR: '1', EDGEWRIGHT_KEY_STORE: 'file', ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', fail);
    child.on('close', (code) => done({ code, stdout, stderr, json: () => JSON.parse(stdout) as unknown }));
    child.stdin.end(options.input ?? '');
    if (child.pid !== undefined) options.onStart?.(child.pid);
  });
}

export async function throwAwayDir(name: string): Promise<{ dir: string; remove: () => Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), `edgewright-${name}-`));
  return { dir, remove: () => rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }) };
}
