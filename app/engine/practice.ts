/**
 * The practice device: one real agent as a process of its own, with its own folder, enrolled by the same pairing as any
 * other. It outlives a crash of the engine and goes on serving; the next engine finds it by its note and takes it back.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { EdgewrightError, type Status } from '#contract';
import { type Fleet, ReadyLineSchema } from '#core/fleet';
import { ensureDir, isAlive, type Log, minimalEnv, programEntry, readFileIfThere, sleep, startMark, writeFileAtomic } from '#core/platform';
import { PRACTICE_START_MS } from './limits.ts';

export const PRACTICE_NAME = 'practice-device';

/** How long a clean end of the agent may take before it is killed, in ms. */
const STOP_WAIT_MS = 5_000;

const NoteSchema = z.object({ pid: z.number().int(), mark: z.string() });

export interface PracticeDevice {
  state(): Status['practiceDevice'];
  problem(): string | undefined;
  /** Starts or adopts the agent and enrols it once. Failures are kept in `problem`, not thrown: nothing else depends on it. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export function practiceDevice(options: { dir: string; fleet: Fleet; log: Log; onChange: () => void }): PracticeDevice {
  const { dir, fleet, log, onChange } = options;
  const note = join(dir, 'process.json');
  let state: Status['practiceDevice'] = 'off';
  let problem: string | undefined;
  let pid: number | undefined;
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
      starting = starting.then(begin);
      return starting;
    },
    stop: async () => {
      stopping = true;
      // An agent that is just being started would otherwise be left behind.
      await starting;
      if (pid !== undefined) await endProcess(pid);
      await rm(note, { force: true });
      pid = undefined;
      set('off');
    },
  };

  async function begin(): Promise<void> {
    stopping = false;
    set('starting');
    try {
      await ensureDir(dir);
      const enrolled = fleet.list().some((d) => d.practice);
      const running = await readNote(note);
      if (running !== undefined && enrolled) {
        pid = running;
        log.info({ pid }, 'took the practice device back');
      } else {
        if (running !== undefined) await endProcess(running);
        pid = await launch(enrolled);
      }
      set('running');
      if (enrolled) await fleet.refresh(PRACTICE_NAME);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      log.warn({ error: why }, 'the practice device did not start');
      set('failed', why);
    }
  }

  /** Runs the agent detached, so that it survives us; pairs with it when it is new. */
  async function launch(enrolled: boolean): Promise<number> {
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
      // Before it is ready, so that an engine that comes after a crash of this one knows of it.
      if (child.pid !== undefined) await writeFileAtomic(note, JSON.stringify({ pid: child.pid, mark: startMark(child.pid) }));
      const ready = await readyLine(child, logFile);
      if (child.pid === undefined) throw new Error('The agent has no process.');
      if (ready.pairing) {
        const code = ready.pairing.code ?? (await readFile(codeFile, 'utf8')).trim();
        await fleet.add({ address: ready.pairing.address, name: PRACTICE_NAME, code }, { practice: true });
        await rm(codeFile, { force: true });
      }
      child.once('exit', (code, signal) => {
        if (!stopping) set('failed', `It ended by itself (${signal ?? `exit ${code}`}).`);
      });
      child.stdout?.destroy();
      child.unref();
      return child.pid;
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

async function readNote(path: string): Promise<number | undefined> {
  const text = await readFileIfThere(path);
  if (!text) return undefined;
  const note = NoteSchema.safeParse(JSON.parse(text.toString('utf8')));
  return note.success && isAlive(note.data.pid) && startMark(note.data.pid) === note.data.mark ? note.data.pid : undefined;
}

async function endProcess(pid: number): Promise<void> {
  if (!isAlive(pid)) return;
  process.kill(pid, 'SIGTERM');
  const until = performance.now() + STOP_WAIT_MS;
  while (isAlive(pid) && performance.now() < until) await sleep(50);
  if (isAlive(pid)) process.kill(pid, 'SIGKILL');
}
