/** The engine: the core with its loopback server, its practice device, and the note by which clients find it. */
import { join } from 'node:path';
import { asEdgewrightError } from '#contract';
import { createLog, ensureDir, type Log, programRoot, programVersion, startMark, WORKSPACE_WAIT_MS, workspacePaths } from '#core/platform';
import { finishRestore } from './backup/switch.ts';
import { type Core, openCore } from './core.ts';
import { type EngineFile, engineLink, findEngine, removeEngineFile, writeEngineFile } from './engine-file.ts';
import { LOOK_FOR_ENGINE_MS } from './limits.ts';
import { startLoopbackServer } from './server/loopback-server.ts';
import { createRouter } from './router.ts';
import { unlockKeys } from './unlock.ts';

export interface Engine {
  link: string;
  /** An engine ran on this workspace already: this is its link, and there is nothing to close. */
  already: boolean;
  log: Log;
  /** Something the person should know, in one line. */
  notice?: string;
  close(): Promise<void>;
  closed: Promise<void>;
}

/** @throws machine.busy when a writer keeps the workspace for longer than WORKSPACE_WAIT_MS */
export async function startEngine(options: { home: string; port?: number; practice?: boolean; sample?: boolean }): Promise<Engine> {
  const paths = workspacePaths(options.home);
  await finishRestore(options.home);
  const running = await findEngine(paths.engine);
  if (running) return runningEngine(running);

  await ensureDir(paths.logs);
  const log = createLog('engine', { file: join(paths.logs, 'engine.log'), level: 'info' });
  const core = await openOrFind(options.home, log);
  if ('pid' in core) return runningEngine(core);
  const notice = await unlockOrSay(core);
  let ended: () => void = () => {};
  const closed = new Promise<void>((resolve) => {
    ended = resolve;
  });
  try {
    const server = await startLoopbackServer(createRouter(core), {
      screens: join(programRoot(), 'dist', 'renderer'),
      log,
      ...(options.port !== undefined && { port: options.port }),
    });
    const file = { pid: process.pid, mark: startMark(process.pid), port: server.port, token: server.token, version: programVersion() };
    await writeEngineFile(paths.engine, file);
    let closing: Promise<void> | undefined;
    const close = () => {
      closing ??= (async () => {
        await removeEngineFile(paths.engine, process.pid);
        await core.close();
        await server.close();
        ended();
      })();
      return closing;
    };
    core.onShutdownRequest(() => void close());
    firstRun(core, { practice: options.practice ?? true, sample: options.sample ?? true });
    return { link: engineLink(file), already: false, log, close, closed, ...(notice !== undefined && { notice }) };
  } catch (error) {
    await core.close();
    throw error;
  }
}

function runningEngine(file: EngineFile): Engine {
  return { link: engineLink(file), already: true, log: createLog('engine'), close: async () => {}, closed: Promise.resolve() };
}

/** Waits for the writer before; where that turns out to be an engine that was just starting, it is the one to use. */
async function openOrFind(home: string, log: Log): Promise<Core | EngineFile> {
  const until = performance.now() + WORKSPACE_WAIT_MS;
  for (;;) {
    try {
      return await openCore({ home, log, lock: { hold: true, waitMs: LOOK_FOR_ENGINE_MS } });
    } catch (error) {
      const busy = asEdgewrightError(error).code === 'machine.busy';
      const other = busy ? await findEngine(workspacePaths(home).engine) : undefined;
      if (other) return other;
      if (!busy || performance.now() >= until) throw error;
    }
  }
}

/** An engine whose keys stay locked still serves what can be read; it says what is missing and how to unlock it. */
async function unlockOrSay(core: Core): Promise<string | undefined> {
  try {
    await unlockKeys(core.keyring);
    return undefined;
  } catch (error) {
    const { message, hint } = asEdgewrightError(error);
    core.log.warn({ why: message }, 'the private keys are locked');
    return `${message} Devices are not followed and nothing can be signed or deployed until they are unlocked. ${hint ?? ''}`.trim();
  }
}

/** In the background, so that the screens are there at once: the sample bundle on a new workspace, and the practice device. */
function firstRun(core: Core, want: { practice: boolean; sample: boolean }): void {
  void (async () => {
    await core.keyring.whenUnlocked();
    if (want.sample && core.db.once('sample added')) await core.bundles.buildSample(undefined, 'edgewright');
    if (want.practice && core.db.settings().practiceDevice) await core.practice.start();
  })().catch((error: unknown) => core.log.warn({ error: String(error) }, 'the first run was not completed'));
}
