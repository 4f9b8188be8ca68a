/**
 * The desktop app: one window over the engine, which runs as a child process on a real Node. Electron's own keychain
 * (safeStorage) is not used: private keys belong to the engine, which also runs without a window (see SECURITY.md).
 */
import { join } from 'node:path';
import { app, BrowserWindow, crashReporter, dialog, ipcMain, Menu, session, shell } from 'electron';
import { type EngineProcess, EngineStartError, startEngineProcess } from './engine-process.ts';
import { hardenApp, hardenSession } from './harden.ts';
import { findPlaces } from './places.ts';
import { originOf } from './policy.ts';
import { answerShellRequests } from './shell-requests.ts';
import { menuTemplate, windowOptions } from './window.ts';

let origin: string | undefined;
let window: BrowserWindow | undefined;
let engine: EngineProcess | undefined;
let ending = false;

const originNow = () => origin;
const debug = !app.isPackaged;
const places = findPlaces({ packaged: app.isPackaged, platform: process.platform, resourcesPath: process.resourcesPath, env: process.env });

app.enableSandbox();
// Crash dumps stay on this computer.
crashReporter.start({ uploadToServer: false });
if (places.userData !== undefined) app.setPath('userData', places.userData);
hardenApp(app, originNow, shell);

if (app.requestSingleInstanceLock()) {
  app.on('second-instance', showWindow);
  app.on('window-all-closed', () => app.quit());
  app.on('before-quit', endEngineFirst);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => app.quit());
  app.whenReady().then(open).catch(fail);
} else {
  // The first one shows its window.
  app.exit(0);
}

async function open(): Promise<void> {
  hardenSession(session.defaultSession, originNow);
  Menu.setApplicationMenu(Menu.buildFromTemplate(menuTemplate({ platform: process.platform, debug })));
  answerShellRequests({ ipcMain, dialog, window: () => window, originNow });

  engine = startEngineProcess({
    node: places.node,
    entry: places.entry,
    cwd: places.root,
    env: { ...process.env, EDGEWRIGHT_ROOT: places.root },
    // `npm start` promises the link on stdout; an installed app has no one to read it.
    ...(debug && { onLine: (line: string) => process.stdout.write(`${line}\n`) }),
  });
  const link = await engine.ready;
  origin = originOf(link);
  window = new BrowserWindow(windowOptions({ preload: join(import.meta.dirname, 'preload.cjs'), debug }));
  window.once('ready-to-show', () => window?.show());
  window.on('closed', () => {
    window = undefined;
  });
  await window.loadURL(link);
  void engine.ended.then((code) => {
    // 0: another engine serves this workspace and goes on doing so.
    if (code !== 0 && !ending) fail(new EngineStartError('The engine ended unexpectedly. Start Edgewright again; nothing that was stored is lost.', code));
  });
}

function showWindow(): void {
  if (!window) return;
  if (window.isMinimized()) window.restore();
  window.focus();
}

function endEngineFirst(event: Electron.Event): void {
  if (ending) return;
  ending = true;
  event.preventDefault();
  void (engine?.stop() ?? Promise.resolve()).finally(() => app.quit());
}

function fail(error: unknown): void {
  ending = true;
  dialog.showErrorBox('Edgewright cannot run', error instanceof Error ? error.message : String(error));
  app.exit(error instanceof EngineStartError ? error.exitCode : 1);
}
