/**
 * `npm start` where there is a display: the engine in an Electron window, or, where Electron cannot be had or does not
 * start, the engine and the system browser. (Without a display boot runs the engine itself: see commands.cjs.)
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { EngineStartError, parseReadyLine, startEngineProcess } from '../app/electron/engine-process.ts';
import { buildElectron } from './bundle.ts';
import { exitStatus } from './child.cjs';
import { electronBinary } from './electron-binary.ts';
import { openInBrowser } from './open-browser.ts';
import { say } from './say.cjs';

/** How long a browser that was opened on another engine's link may take to read it before we leave, in ms. */
const READ_MS = 5_000;

const root = join(import.meta.dirname, '..');
const engineMain = join(root, 'app', 'engine', 'main.ts');
const args = process.argv.slice(2);

process.exitCode = (await inWindow()) ?? (await inBrowser());

/** Runs until the window is closed. undefined where Electron cannot show one. */
async function inWindow(): Promise<number | undefined> {
  const electron = await electronBinary(root);
  if (electron === undefined) return undefined;
  await buildElectron(root);
  const child = spawn(electron, [join(root, 'dist', 'electron', 'main.js'), ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, EDGEWRIGHT_NODE: process.execPath, EDGEWRIGHT_ENGINE: engineMain, EDGEWRIGHT_ROOT: root },
  });
  let ready = false;
  createInterface({ input: child.stdout }).on('line', (line) => {
    ready ||= parseReadyLine(line) !== undefined;
    process.stdout.write(`${line}\n`);
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const status = await new Promise<number>((resolve) => {
    child.once('error', () => resolve(127));
    child.once('close', (code, signal) => resolve(exitStatus(code, signal)));
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.removeAllListeners(signal);
  // Codes of ours are the engine's; these are Electron's own (no sandbox, no library, no display), before it ran our code.
  const couldNotStart = !ready && (status === 1 || status === 127 || status > 128);
  if (!couldNotStart) return status;
  say(`Electron does not start here (exit status ${status}); using the system browser.`);
  return undefined;
}

/** Runs until the engine ends. */
async function inBrowser(): Promise<number> {
  const engine = startEngineProcess({
    node: process.execPath,
    entry: engineMain,
    args,
    env: process.env,
    cwd: root,
    onLine: (line) => process.stdout.write(`${line}\n`),
  });
  let asked = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      asked = true;
      void engine.stop();
    });
  }
  try {
    const opened = await openInBrowser(await engine.ready);
    say(opened ? 'opened in the system browser; if it shows nothing, open the link above.' : 'no browser could be opened; open the link above.');
    const status = await engine.ended;
    // An engine that ran already goes on: this one has ended at once, and the browser has yet to read our page.
    if (opened && !asked) await new Promise((resolve) => setTimeout(resolve, READ_MS));
    return status;
  } catch (error) {
    if (error instanceof EngineStartError) return error.exitCode;
    throw error;
  }
}
