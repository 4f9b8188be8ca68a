/** Child processes on the Node that runs us, and questions about processes by pid. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { loadNative } from '#native';
import { MAX_STDERR_BYTES } from './limits.ts';

/** How a process ended: its exit code, or the signal that ended it. */
export interface ChildExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface NodeChild {
  process: ChildProcess;
  /** The last MAX_STDERR_BYTES of what it wrote to stderr. */
  stderr(): string;
  /** Resolves once it has ended. */
  ended: Promise<ChildExit>;
}

/** The first program of a process that will give up its rights becomes the second one, which its arguments name. */
const LAUNCH = 'const [, addon, ...command] = process.argv; require(addon).relaunch(command)';

export interface SpawnOptions {
  env?: Record<string, string>;
  cwd?: string;
  nodeArgs?: readonly string[];
  /** A command that becomes Node: it must keep the pid. */
  through?: readonly string[];
  /** It will give up its rights (`confine` of the addon), which needs a start of its own kind; without the addon it starts as ever. */
  confinable?: boolean;
}

/**
 * Starts `entry` on this Node. fd 3 and 4 are raw pipes (we write to 3, read from 4); stdout and stderr are captured.
 * A child never inherits secrets it has no use for: the environment is what is given plus PATH and the temp folder.
 */
export function spawnNode(entry: string, args: readonly string[], options: SpawnOptions = {}): NodeChild {
  const { nodeArgs = [], through = [], confinable = false } = options;
  const addon = confinable && process.platform === 'linux' ? loadNative() : undefined;
  const launch = addon ? ['-e', LAUNCH, '--', addon.path, process.execPath] : [];
  const [command = process.execPath, ...rest] = [...through, process.execPath, ...launch, ...nodeArgs, entry, ...args];
  const child = spawn(command, rest, {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    env: { ...minimalEnv(), ...options.env },
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    windowsHide: true,
  });
  let kept = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8');
    stream?.on('data', (text: string) => {
      kept = (kept + text).slice(-MAX_STDERR_BYTES);
    });
  }
  const ended = new Promise<ChildExit>((resolve) => {
    child.once('error', (error) => {
      kept += error.message;
      resolve({ code: null, signal: null });
    });
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  return { process: child, stderr: () => kept, ended };
}

let libraryFolders: readonly string[] = [];

/**
 * Folders in which child processes of ours find shared libraries before all others, on Linux. For a composition root: this
 * process itself has its libraries already.
 */
export function setLibraryFolders(folders: readonly string[]): void {
  libraryFolders = folders;
}

/** What child processes get as LD_LIBRARY_PATH; undefined for none. */
export function libraryPath(): string | undefined {
  const inherited = process.env.LD_LIBRARY_PATH;
  const folders = [...libraryFolders, ...(inherited ? [inherited] : [])];
  return folders.length > 0 ? folders.join(':') : undefined;
}

/** What every child needs of our environment, and nothing more. */
export function minimalEnv(): Record<string, string> {
  const keep = [
    'PATH',
    'HOME',
    'TMPDIR',
    'TEMP',
    'TMP',
    'SystemRoot',
    'LANG',
    'XDG_RUNTIME_DIR',
    'VK_ICD_FILENAMES',
    'VK_DRIVER_FILES',
    // Which GPUs CUDA shows its programs is the user's choice.
    'CUDA_VISIBLE_DEVICES',
    'CUDA_DEVICE_ORDER',
    'EDGEWRIGHT_LOG',
    // Where the addon lies in an installed program.
    'EDGEWRIGHT_ROOT',
    // Where Node keeps compiled code: what is started often starts sooner.
    'NODE_COMPILE_CACHE',
    'EDGEWRIGHT_NO_NATIVE',
  ];
  const libraries = libraryPath();
  return {
    ...Object.fromEntries(keep.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]))),
    ...(libraries !== undefined && { LD_LIBRARY_PATH: libraries }),
  };
}

/** Whether a process with this pid lives (it may belong to someone else). */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/**
 * When the process started, in a form that only serves for comparison: a pid alone may have been given to another
 * program since. Empty where the platform does not say.
 */
export function startMark(pid: number): string {
  return statField(pid, 22) ?? '';
}

/** Linux counts processor time in hundredths of a second for programs to read, on every architecture that Node has (USER_HZ). */
const TICK_MS = 10;

/** Processor time that all threads of a process have used, in ms; undefined where the platform does not say. */
export function processorTime(pid: number): number | undefined {
  const [user, system] = [statField(pid, 14), statField(pid, 15)];
  return user === undefined || system === undefined ? undefined : (Number(user) + Number(system)) * TICK_MS;
}

/** A field of /proc/PID/stat by its number in proc(5), from 3 on. */
function statField(pid: number, field: number): string | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Counted after the command name, the second, which may hold spaces and parentheses.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[field - 3];
  } catch {
    return undefined;
  }
}

/** Peak and current resident memory of a process in bytes; undefined where the platform does not say. */
export function residentMemory(pid: number): { now: number; peak: number } | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kb = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024;
    return { now: kb('VmRSS'), peak: kb('VmHWM') };
  } catch {
    return undefined;
  }
}

/** How a process is held that gave up its rights (`confine` of the addon), and one that could not, in words. */
export const CONFINED = 'without network, programs, other processes or a file to write (seccomp)';
export const CONFINED_WRITING = 'without network, programs or other processes (seccomp)';
export const UNCONFINED = 'with the rights of whoever started it';
