import type { BrowserWindow, Dialog, IpcMainInvokeEvent } from 'electron';
import { describe, expect, test, vi } from 'vitest';
import { findPlaces } from '../../../app/electron/places.ts';
import { PICK_FILE, PICK_FOLDER, PICK_SAVE } from '../../../app/electron/shell-channels.ts';
import { answerShellRequests } from '../../../app/electron/shell-requests.ts';
import { menuTemplate, windowOptions } from '../../../app/electron/window.ts';

const origin = 'http://127.0.0.1:4321';

describe('choosing in a dialog', () => {
  const mainFrame = { url: `${origin}/#/models` };
  const webContents = { mainFrame };
  const window = { webContents } as unknown as BrowserWindow;

  /** Asks as the preload does, from wherever `event` says. */
  function ask(
    event: object,
    options: { channel?: string; args?: unknown[]; window?: BrowserWindow | undefined; origin?: string | undefined; result?: unknown } = {},
  ) {
    const handlers = new Map<string, (event: IpcMainInvokeEvent, ...args: unknown[]) => Promise<unknown>>();
    const showOpenDialog = vi.fn(() => Promise.resolve(options.result ?? { canceled: false, filePaths: ['/home/a/bundle'] }));
    const showSaveDialog = vi.fn(() => Promise.resolve(options.result ?? { canceled: false, filePath: '/home/a/digits.tar' }));
    answerShellRequests({
      ipcMain: { handle: (name: string, handler: (event: IpcMainInvokeEvent, ...args: unknown[]) => Promise<unknown>) => void handlers.set(name, handler) },
      dialog: { showOpenDialog, showSaveDialog } as unknown as Dialog,
      window: () => ('window' in options ? options.window : window),
      originNow: () => ('origin' in options ? options.origin : origin),
    });
    const answer = handlers.get(options.channel ?? PICK_FOLDER)?.(event as IpcMainInvokeEvent, ...(options.args ?? []));
    return { answer, showOpenDialog, showSaveDialog };
  }
  const trusted = { sender: webContents, senderFrame: mainFrame };

  test('answers the folder, from a dialog of our window', async () => {
    const { answer, showOpenDialog } = ask(trusted);
    expect(await answer).toBe('/home/a/bundle');
    expect(showOpenDialog).toHaveBeenCalledExactlyOnceWith(window, expect.objectContaining({ properties: ['openDirectory', 'createDirectory'] }));
  });

  test('answers a file, and where to write one under the name that was suggested', async () => {
    const file = ask(trusted, { channel: PICK_FILE });
    expect(await file.answer).toBe('/home/a/bundle');
    expect(file.showOpenDialog).toHaveBeenCalledExactlyOnceWith(window, expect.objectContaining({ properties: ['openFile'] }));
    const save = ask(trusted, { channel: PICK_SAVE, args: ['digits-1.0.0.tar'] });
    expect(await save.answer).toBe('/home/a/digits.tar');
    expect(save.showSaveDialog).toHaveBeenCalledExactlyOnceWith(window, expect.objectContaining({ defaultPath: 'digits-1.0.0.tar' }));
  });

  test('answers nothing when the person closed it', async () => {
    expect(await ask(trusted, { result: { canceled: true, filePaths: [] } }).answer).toBeUndefined();
    expect(await ask(trusted, { channel: PICK_SAVE, args: ['a.tar'], result: { canceled: true, filePath: '' } }).answer).toBeUndefined();
  });

  test.each([[['/etc/passwd']], [['..\\up']], [[`a${'\u202e'}b`]], [['']], [['a', 'b']], [[]]])('suggests no path and nothing unseen: %j', async (args) => {
    const { answer, showSaveDialog } = ask(trusted, { channel: PICK_SAVE, args });
    await expect(answer).rejects.toThrow();
    expect(showSaveDialog).not.toHaveBeenCalled();
  });

  test.each<[string, object, Parameters<typeof ask>[1]]>([
    ['another page', { sender: { mainFrame }, senderFrame: mainFrame }, {}],
    ['a frame within our page', { sender: webContents, senderFrame: { url: `${origin}/` } }, {}],
    ['a frame that is gone', { sender: webContents, senderFrame: null }, {}],
    ['our frame on a foreign address', { sender: { mainFrame: { url: 'https://evil.test/' } }, senderFrame: { url: 'https://evil.test/' } }, {}],
    ['before the engine is known', trusted, { origin: undefined }],
    ['after the window is closed', trusted, { window: undefined }],
    ['arguments it does not take', trusted, { args: ['/etc'] }],
  ])('refuses %s, without a dialog', async (_name, event, options) => {
    const { answer, showOpenDialog } = ask(event, options);
    await expect(answer).rejects.toThrow();
    expect(showOpenDialog).not.toHaveBeenCalled();
  });
});

test('the window is isolated, sandboxed and without Node', () => {
  expect(windowOptions({ preload: '/p.cjs', debug: false }).webPreferences).toEqual({
    preload: '/p.cjs',
    contextIsolation: true,
    sandbox: true,
    nodeIntegration: false,
    nodeIntegrationInWorker: false,
    nodeIntegrationInSubFrames: false,
    webSecurity: true,
    allowRunningInsecureContent: false,
    experimentalFeatures: false,
    webviewTag: false,
    spellcheck: false,
    navigateOnDragDrop: false,
    safeDialogs: true,
    devTools: false,
  });
});

test('developer tools are in the menu of a checkout only', () => {
  const menu = (debug: boolean) => JSON.stringify(menuTemplate({ platform: 'linux', debug }));
  expect(menu(true)).toContain('toggleDevTools');
  expect(menu(false)).not.toContain('toggleDevTools');
  expect(menu(true)).not.toMatch(/reload/i);
  expect(JSON.stringify(menuTemplate({ platform: 'darwin', debug: false }))).toContain('appMenu');
});

describe('places', () => {
  const packaged = (platform: NodeJS.Platform) => findPlaces({ packaged: true, platform, resourcesPath: '/app/resources', env: {} });
  test('an installed app brings its own Node, beside the archive', () => {
    expect(packaged('linux')).toEqual({
      node: '/app/resources/node/bin/node',
      entry: '/app/resources/app.asar.unpacked/dist/engine/main.js',
      root: '/app/resources/app.asar.unpacked',
      userData: undefined,
    });
    expect(packaged('win32').node).toMatch(/node\.exe$/);
  });
  test('a checkout is as boot says', () => {
    const env = { EDGEWRIGHT_NODE: '/n', EDGEWRIGHT_ENGINE: '/e.ts', EDGEWRIGHT_ROOT: '/r', EDGEWRIGHT_HOME: '/w' };
    expect(findPlaces({ packaged: false, platform: 'linux', resourcesPath: '', env })).toEqual({
      node: '/n',
      entry: '/e.ts',
      root: '/r',
      userData: '/w/window',
    });
    expect(() => findPlaces({ packaged: false, platform: 'linux', resourcesPath: '', env: {} })).toThrow('npm start');
  });
  test('an installed app ignores what the environment says of Node and engine', () => {
    expect(findPlaces({ packaged: true, platform: 'linux', resourcesPath: '/x', env: { EDGEWRIGHT_NODE: '/evil', EDGEWRIGHT_ENGINE: '/evil' } }).node).toBe(
      '/x/node/bin/node',
    );
  });
});
