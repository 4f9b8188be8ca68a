/** A real agent process in a throw-away folder, as tests start, kill and start it again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { type ReadyLine, ReadyLineSchema } from '#core/protocol';

const ENTRY = resolve(import.meta.dirname, '..', '..', '..', 'app', 'agent', 'main.ts');
/** Tests start many agents: what was compiled once need not be compiled again. */
const NODE_COMPILE_CACHE = join(tmpdir(), 'edgewright-test-compile-cache');
/** An agent that says nothing for so long is broken, in ms. */
const READY_MS = 45_000;

export interface AgentProcess {
  dir: string;
  ready: ReadyLine;
  pid: number;
  /** Sends a signal and waits for the end. @returns the exit code, or null when a signal ended it */
  end(signal: NodeJS.Signals): Promise<number | null>;
  stderr(): string;
}

export interface AgentEnd {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Everything that was started, so that a failing test leaves nothing behind. */
const running = new Set<ChildProcess>();
const folders = new Set<string>();

export async function temporaryFolder(name: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), `edgewright-${name}-`));
  folders.add(dir);
  return dir;
}

export async function cleanUp(): Promise<void> {
  for (const child of running) child.kill('SIGKILL');
  for (const dir of folders) await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  running.clear();
  folders.clear();
}

function launch(args: readonly string[]) {
  const child = spawn(process.execPath, [ENTRY, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NODE_COMPILE_CACHE } });
  running.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<number | null>((done) => child.once('close', (code) => done(code)));
  void ended.then(() => running.delete(child));
  return { child, ended, stdout: () => stdout, stderr: () => stderr };
}

/** Starts an agent and waits for its ready line. */
export async function startAgent(dir: string, args: readonly string[] = []): Promise<AgentProcess> {
  const { child, ended, stderr } = launch(['--dir', dir, ...args]);
  const line = await new Promise<string>((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`no ready line; stderr: ${stderr()}`)), READY_MS);
    createInterface({ input: child.stdout }).once('line', (text) => {
      clearTimeout(timer);
      done(text);
    });
    void ended.then((code) => fail(new Error(`ended with ${String(code)}; stderr: ${stderr()}`)));
  });
  return {
    dir,
    ready: ReadyLineSchema.parse(JSON.parse(line)),
    pid: child.pid ?? -1,
    stderr,
    end(signal) {
      child.kill(signal);
      return ended;
    },
  };
}

/** Runs an agent that is expected to end by itself. */
export async function runAgent(args: readonly string[]): Promise<AgentEnd> {
  const { child, ended, stdout, stderr } = launch(args);
  const timer = setTimeout(() => child.kill('SIGKILL'), READY_MS);
  const code = await ended;
  clearTimeout(timer);
  return { code, stdout: stdout(), stderr: stderr() };
}

/** Where a test process keeps the newest words of an agent's own log. */
export async function agentLog(dir: string): Promise<string> {
  return readFile(join(dir, 'agent.log'), 'utf8').catch(() => '');
}
