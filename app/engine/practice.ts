/**
 * The practice device: one real agent as a process of its own, with its own folder, enrolled by the same pairing as any
 * other. It outlives a crash of the engine and goes on serving; the next engine finds it by its note and takes it back.
 * One that ends by itself is started again, as a device's own service manager would.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { EdgewrightError, type Status } from '#contract';
import { ReadyLineSchema } from '#core/protocol';
import { type Fleet } from '#core/fleet';
import { ensureDir, isAlive, type Log, minimalEnv, programEntry, readFileIfThere, sleep, startMark, writeFileAtomic } from '#core/platform';
import { PRACTICE_LOOK_MS, PRACTICE_RESTART_FORGET_MS, PRACTICE_RESTART_MAX_MS, PRACTICE_RESTART_MS, PRACTICE_START_MS } from './limits.ts';

const PRACTICE_NAME = 'practice-device';

/** How long a clean end of the agent may take before it is killed, in ms. */
const STOP_WAIT_MS = 5_000;

const NoteSchema = z.object({ pid: z.number().int(), mark: z.string() });
/** The process of an agent; the mark tells it from another that got its pid since. */
type AgentProcess = z.infer<typeof NoteSchema>;

export interface PracticeDevice {
  state(): Status['practiceDevice'];
  problem(): string | undefined;
  /** Starts or adopts the agent and enrols it once. Failures are kept in `problem`, not thrown: nothing else depends on it. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export function practiceDevice(options: {
  dir: string;
  fleet: Fleet;
  log: Log;
  onChange: () => void;
  /** It was enrolled just now. */
  onEnrolled: (name: string) => void;
}): PracticeDevice {
  const { dir, fleet, log, onChange, onEnrolled } = options;
  const note = join(dir, 'process.json');
  let state: Status['practiceDevice'] = 'off';
  let problem: string | undefined;
  let running: AgentProcess | undefined;
  let runningSince = 0;
  let pauseMs = PRACTICE_RESTART_MS;
  let looking: NodeJS.Timeout | undefined;
  let restarting: NodeJS.Timeout | undefined;
  let stopping = false;
  let starting: Promise<void> = Promise.resolve();

  const set = (next: Status['practiceDevice'], why?: string) => {
    state = next;
    problem = why;
    onChange();
  };

  return {
    state: () => state,
    problem: () => problem,
    start: () => {
      stopping = false;
      starting = starting.then(() => begin(false));
      return starting;
    },
    stop: async () => {
      stopping = true;
      clearInterval(looking);
      clearTimeout(restarting);
      // An agent that is just being started would otherwise be left behind.
      await starting;
      clearInterval(looking);
      if (running) await endProcess(running.pid);
      await rm(note, { force: true });
      running = undefined;
      set('off');
    },
  };

  /** It runs: from now on its end is noticed, whether this engine started it or took it back. */
  function follow(process: AgentProcess): void {
    running = process;
    runningSince = performance.now();
    clearInterval(looking);
    looking = setInterval(() => {
      if (!isRunning(process)) ended(process, 'killed, or the system ran out of memory');
    }, PRACTICE_LOOK_MS);
    looking.unref();
  }

  function ended(process: AgentProcess, how: string): void {
    if (stopping || running !== process) return;
    running = undefined;
    clearInterval(looking);
    if (performance.now() - runningSince > PRACTICE_RESTART_FORGET_MS) pauseMs = PRACTICE_RESTART_MS;
    log.warn({ pid: process.pid, how }, 'the practice device ended by itself');
    again(`It ended by itself (${how}).`);
  }

  function again(why: string): void {
    set('failed', `${why} It is being started again.`);
    restarting = setTimeout(() => {
      starting = starting.then(() => begin(true));
    }, pauseMs);
    pauseMs = Math.min(pauseMs * 2, PRACTICE_RESTART_MAX_MS);
  }

  /** @param once it ran before: then a start that fails is tried again */
  async function begin(once: boolean): Promise<void> {
    if (stopping) return;
    set('starting');
    try {
      await ensureDir(dir);
      const enrolled = fleet.list().some((d) => d.practice);
      const there = await readNote(note);
      if (there && enrolled) {
        follow(there);
        log.info({ pid: there.pid }, 'took the practice device back');
      } else {
        if (there) await endProcess(there.pid);
        await launch(enrolled);
      }
      set('running');
      if (enrolled) await fleet.refresh(PRACTICE_NAME);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      log.warn({ error: why }, 'the practice device did not start');
      if (once && !stopping) again(why);
      else set('failed', why);
    }
  }

  /** Runs the agent detached, so that it survives us; pairs with it when it is new. */
  async function launch(enrolled: boolean): Promise<void> {
    const agentDir = join(dir, 'agent');
    const codeFile = join(dir, 'pairing-code');
    const logFile = join(dir, 'agent.log');
    // A folder that belonged to another workspace, or to an enrolment that was cut off, is of no use to this one.
    if (!enrolled) await rm(agentDir, { recursive: true, force: true });
    const args = [programEntry('agent'), '--dir', agentDir, ...(enrolled ? [] : ['--pair', '--code-file', codeFile])];
    // Its own words go to a file: a pipe would break when we end, and it must go on.
    const log = await open(logFile, 'a', 0o600);
    const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', 'pipe', log.fd], env: minimalEnv(), windowsHide: true });
    await log.close();
    try {
      const process = child.pid === undefined ? undefined : { pid: child.pid, mark: startMark(child.pid) };
      // Before it is ready, so that an engine that comes after a crash of this one knows of it.
      if (process) await writeFileAtomic(note, JSON.stringify(process));
      const ready = await readyLine(child, logFile);
      if (!process) throw new Error('The agent has no process.');
      if (ready.pairing) {
        const code = ready.pairing.code ?? (await readFile(codeFile, 'utf8')).trim();
        await fleet.add({ address: ready.pairing.address, name: PRACTICE_NAME, code }, { practice: true });
        onEnrolled(PRACTICE_NAME);
        await rm(codeFile, { force: true });
      }
      follow(process);
      child.once('exit', (code, signal) => ended(process, signal ?? `exit ${code}`));
      child.stdout?.destroy();
      child.unref();
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }
}

async function readyLine(child: ChildProcess, logFile: string) {
  const lastWords = async () => (await readFile(logFile, 'utf8').catch(() => '')).trim().slice(-500);
  if (!child.stdout) throw new Error('The agent has no output.');
  const lines = createInterface({ input: child.stdout });
  const first = new Promise<string>((resolve, reject) => {
    lines.once('line', resolve);
    child.once('error', reject);
    child.once('exit', (code) => void lastWords().then((words) => reject(notReady(`it ended with exit ${code}: ${words}`))));
  });
  const timeout = new AbortController();
  try {
    const line = await Promise.race([first, sleep(PRACTICE_START_MS, timeout.signal).then(() => Promise.reject(notReady('it was not ready in time')))]);
    return ReadyLineSchema.parse(JSON.parse(line));
  } finally {
    timeout.abort();
    lines.close();
  }
}

function notReady(why: string): EdgewrightError {
  return new EdgewrightError({
    code: 'device.practice-failed',
    message: `The practice device did not start: ${why}`,
    hint: 'See its log in the workspace folder.',
    owner: 'device',
  });
}

/** The agent that an engine before this one left running. */
async function readNote(path: string): Promise<AgentProcess | undefined> {
  const text = await readFileIfThere(path);
  if (!text) return undefined;
  const note = NoteSchema.safeParse(JSON.parse(text.toString('utf8')));
  return note.success && isRunning(note.data) ? note.data : undefined;
}

function isRunning({ pid, mark }: AgentProcess): boolean {
  return isAlive(pid) && startMark(pid) === mark;
}

async function endProcess(pid: number): Promise<void> {
  if (!isAlive(pid)) return;
  process.kill(pid, 'SIGTERM');
  const until = performance.now() + STOP_WAIT_MS;
  while (isAlive(pid) && performance.now() < until) await sleep(50);
  if (isAlive(pid)) process.kill(pid, 'SIGKILL');
}
