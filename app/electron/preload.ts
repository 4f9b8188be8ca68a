/** The one door from a screen to the desktop: functions, never ipcRenderer itself. Built to one CommonJS file, as the sandbox wants. */
import { contextBridge, ipcRenderer } from 'electron';
import { PICK_FOLDER, type ShellCapabilities } from './shell-channels.ts';

const shell: ShellCapabilities = {
  pickFolder: () => ipcRenderer.invoke(PICK_FOLDER) as Promise<string | undefined>,
};

contextBridge.exposeInMainWorld('edgewrightShell', shell);
