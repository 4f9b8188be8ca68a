/** The other end of the preload: answers the screens' few requests, to our own page in our own window only. */
import type { BrowserWindow, Dialog, IpcMain, IpcMainInvokeEvent } from 'electron';
import { z } from 'zod';
import type { OriginNow } from './harden.ts';
import { isOwnPage } from './policy.ts';
import { PICK_FOLDER } from './shell-channels.ts';

/** pickFolder takes no arguments. */
const PickFolderArguments = z.tuple([]);

export function answerShellRequests(options: {
  ipcMain: Pick<IpcMain, 'handle'>;
  dialog: Pick<Dialog, 'showOpenDialog'>;
  window: () => BrowserWindow | undefined;
  originNow: OriginNow;
}): void {
  options.ipcMain.handle(PICK_FOLDER, async (event, ...args: unknown[]) => {
    const window = trustedWindow(event, options.window(), options.originNow());
    PickFolderArguments.parse(args);
    const result = await options.dialog.showOpenDialog(window, { title: 'Choose a folder', properties: ['openDirectory', 'createDirectory'] });
    return result.canceled ? undefined : result.filePaths[0];
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
