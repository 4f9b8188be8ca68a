/** The other end of the preload: answers the screens' few requests, to our own page in our own window only. */
import type { BrowserWindow, Dialog, IpcMain, IpcMainInvokeEvent, OpenDialogOptions } from 'electron';
import { z } from 'zod';
import type { OriginNow } from './harden.ts';
import { isOwnPage } from './policy.ts';
import { PICK_FILE, PICK_FOLDER, PICK_SAVE } from './shell-channels.ts';

const NoArguments = z.tuple([]);
/** The name of a file, never a path. */
const SaveArguments = z.tuple([
  z
    .string()
    .min(1)
    .max(200)
    .regex(/^[^/\\:\p{C}]+$/u),
]);

export function answerShellRequests(options: {
  ipcMain: Pick<IpcMain, 'handle'>;
  dialog: Pick<Dialog, 'showOpenDialog' | 'showSaveDialog'>;
  window: () => BrowserWindow | undefined;
  originNow: OriginNow;
}): void {
  const { ipcMain, dialog } = options;
  const asking = (event: IpcMainInvokeEvent) => trustedWindow(event, options.window(), options.originNow());
  const open = async (window: BrowserWindow, request: OpenDialogOptions) => {
    const result = await dialog.showOpenDialog(window, request);
    return result.canceled ? undefined : result.filePaths[0];
  };
  ipcMain.handle(PICK_FOLDER, async (event, ...args: unknown[]) => {
    const window = asking(event);
    NoArguments.parse(args);
    return open(window, { title: 'Choose a folder', properties: ['openDirectory', 'createDirectory'] });
  });
  ipcMain.handle(PICK_FILE, async (event, ...args: unknown[]) => {
    const window = asking(event);
    NoArguments.parse(args);
    return open(window, { title: 'Choose a file', properties: ['openFile'] });
  });
  ipcMain.handle(PICK_SAVE, async (event, ...args: unknown[]) => {
    const window = asking(event);
    const [name] = SaveArguments.parse(args);
    const result = await dialog.showSaveDialog(window, { title: 'Choose where to write it', defaultPath: name });
    return result.canceled || result.filePath === '' ? undefined : result.filePath;
  });
}

/**
 * The window a request came from.
 * @throws Error unless it came from the main frame of our window while that shows the engine's page
 */
export function trustedWindow(
  event: Pick<IpcMainInvokeEvent, 'sender' | 'senderFrame'>,
  window: BrowserWindow | undefined,
  origin: string | undefined,
): BrowserWindow {
  const frame = event.senderFrame;
  const trusted =
    window !== undefined &&
    origin !== undefined &&
    frame !== null &&
    event.sender === window.webContents &&
    frame === window.webContents.mainFrame &&
    isOwnPage(frame.url, origin);
  if (!trusted) throw new Error('This page may not ask that.');
  return window;
}
