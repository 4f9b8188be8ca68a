/** Other people's programs as children: run with a time and memory limit, stopped with all that they started. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { MAX_COMMAND_LINE_CHARS, MAX_STDERR_BYTES, MEMORY_LOOK_MS } from './limits.ts';

export interface CommandRequest {
  command: string;
  args: readonly string[];
  /** The whole environment: nothing is inherited. */
  env: Readonly<Record<string, string>>;
  cwd?: string | undefined;
  timeoutMs: number;
  /** Resident memory of the child and its descendants, in bytes; looked at on Linux only. */
  maxMemoryBytes?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Each line of stdout, cut to MAX_COMMAND_LINE_CHARS. */
  onLine?: ((line: string) => void) | undefined;
}

export interface CommandEnd {
  code: number | null;
  /** Why it was stopped, if it was. */
  stopped?: 'timeout' | 'memory' | 'cancelled' | undefined;
  /** The last of stdout and stderr together, for an error message; bounded. */
  said: string;
  /** It could not be started: no such program, no permission. */
  failedToStart?: boolean;
}

/** Runs a program to its end. Nothing is thrown: how it ended is the answer. */
export async function runCommand(request: CommandRequest): Promise<CommandEnd> {
  if (request.signal?.aborted) return { code: null, stopped: 'cancelled', said: '' };
  // A process group of its own, so that what it started ends with it.
  const child = spawn(request.command, [...request.args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...request.env },
    detached: process.platform !== 'win32',
    windowsHide: true,
    ...(request.cwd !== undefined && { cwd: request.cwd }),
  });
  let said = '';
  let stopped: CommandEnd['stopped'];
  let failedToStart = false;
  const keep = (text: string) => {
    said = (said + text).slice(-MAX_STDERR_BYTES);
  };
  const stop = (why: CommandEnd['stopped']) => {
    stopped ??= why;
    killGroup(child.pid);
  };
  child.stderr.setEncoding('utf8').on('data', keep);
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    keep(`${line}\n`);
    request.onLine?.(line.slice(0, MAX_COMMAND_LINE_CHARS));
  });
  const timer = setTimeout(() => stop('timeout'), request.timeoutMs);
  const { maxMemoryBytes } = request;
  const look = maxMemoryBytes === undefined ? undefined : setInterval(() => treeMemory(child.pid) > maxMemoryBytes && stop('memory'), MEMORY_LOOK_MS);
  const onAbort = () => stop('cancelled');
  request.signal?.addEventListener('abort', onAbort, { once: true });
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      failedToStart = true;
      keep(error.message);
      resolve(null);
    });
    child.once('close', resolve);
    // A grandchild may hold the pipes open for ever; the program itself has ended.
    child.once('exit', (status) => setTimeout(() => resolve(status), MEMORY_LOOK_MS).unref());
  });
  clearTimeout(timer);
  clearInterval(look);
  request.signal?.removeEventListener('abort', onAbort);
  lines.close();
  killGroup(child.pid);
  return { code, said, stopped, failedToStart };
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** Resident memory of a process and all its descendants in bytes; 0 where the platform does not say. */
function treeMemory(root: number | undefined): number {
  if (process.platform !== 'linux' || root === undefined) return 0;
  const children = new Map<number, number[]>();
  const resident = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // Counted after the command name, which may hold spaces and parentheses: state, parent, … resident pages are the 22nd.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const parent = Number(fields[1]);
      children.set(parent, [...(children.get(parent) ?? []), pid]);
      resident.set(pid, Number(fields[21]) * PAGE_BYTES);
    } catch {
      // It has ended meanwhile.
    }
  }
  let sum = 0;
  const queue = [root];
  for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
    sum += resident.get(pid) ?? 0;
    queue.push(...(children.get(pid) ?? []));
  }
  return sum;
}

/** What Linux counts in on every processor that Node 24 is built for, but some arm64 kernels: there a limit is reached later. */
const PAGE_BYTES = 4096;
