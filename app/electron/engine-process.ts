/**
 * The engine as a child process on a real Node binary. It says its link, which holds this launch's token, on stdout: a
 * pipe between two processes of one user, never an argument or a log line.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** How long the engine may take until it is ready, in ms: the first start makes keys and a practice device. */
const READY_MS = 120_000;
/** How long the engine may take to end after it was asked to, in ms; then it is killed. */
const STOP_MS = 15_000;
/** How much of its stderr is kept for the message when it cannot start, in characters. */
const KEPT_STDERR = 4_000;

const READY_LINE = /^Edgewright ready: (http:\/\/127\.0\.0\.1:\d{1,5}\/#\S+)$/;

/** The link in a line of the engine's stdout; undefined for any other line. */
export function parseReadyLine(line: string): string | undefined {
  return READY_LINE.exec(line.trim())?.[1];
}

export interface EngineProcess {
  /** The link of the screens, once the engine is ready. Rejects with EngineStartError when it ends or hangs before that. */
  ready: Promise<string>;
  /** Its exit status, once it has ended. 0 soon after `ready` means that another engine serves the workspace, and goes on. */
  ended: Promise<number>;
  /** Asks it to end, kills it when it does not, and resolves once it has ended. */
  stop(): Promise<void>;
}

/** The engine could not start. `exitCode` is its own. */
export class EngineStartError extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode: number) {
    super(message);
    this.name = 'EngineStartError';
    this.exitCode = exitCode;
  }
}

/**
 * @param options.node a Node binary, never Electron's own
 * @param options.entry the engine's main file
 * @param options.onLine each line of its stdout, the ready line included
 */
export function startEngineProcess(options: {
  node: string;
  entry: string;
  args?: readonly string[];
  env: NodeJS.ProcessEnv;
  cwd?: string;
  onLine?: (line: string) => void;
  readyMs?: number;
  stopMs?: number;
}): EngineProcess {
  const child = spawn(options.node, [options.entry, ...(options.args ?? [])], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: withoutElectron(options.env),
    windowsHide: true,
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  });
  let complaint = '';
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (text: string) => {
    complaint = (complaint + text).slice(-KEPT_STDERR);
    process.stderr.write(text);
  });

  const ended = new Promise<number>((resolve) => {
    child.once('error', (error) => {
      complaint += error.message;
      resolve(1);
    });
    child.once('close', (code) => resolve(code ?? 1));
  });

  const ready = new Promise<string>((resolve, reject) => {
    const limit = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new EngineStartError('The engine did not become ready in time.', 1));
    }, options.readyMs ?? READY_MS);
    createInterface({ input: child.stdout }).on('line', (line) => {
      options.onLine?.(line);
      const link = parseReadyLine(line);
      if (link === undefined) return;
      clearTimeout(limit);
      resolve(link);
    });
    void ended.then((code) => {
      clearTimeout(limit);
      reject(new EngineStartError(complaint.trim() || `The engine ended before it was ready (exit code ${code}).`, code));
    });
  });
  // Whoever waits for `ready` gets its failure; one that nobody waits for must not end the program.
  ready.catch(() => {});

  async function stop(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const kill = setTimeout(() => child.kill('SIGKILL'), options.stopMs ?? STOP_MS);
    await ended;
    clearTimeout(kill);
  }

  return { ready, ended, stop };
}

/** Electron's switches in the environment are not for the engine: one of them would change what Node it is. */
function withoutElectron(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('ELECTRON_')));
}
