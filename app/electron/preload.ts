/** The one door from a screen to the desktop: functions, never ipcRenderer itself. Built to one CommonJS file, as the sandbox wants. */
import { contextBridge, ipcRenderer, webUtils } from 'electron';
import { PICK_FILE, PICK_FOLDER, PICK_SAVE, type ShellCapabilities } from './shell-channels.ts';

const shell: ShellCapabilities = {
  pickFolder: () => ipcRenderer.invoke(PICK_FOLDER) as Promise<string | undefined>,
  pickFile: () => ipcRenderer.invoke(PICK_FILE) as Promise<string | undefined>,
  pickSave: (name) => ipcRenderer.invoke(PICK_SAVE, name) as Promise<string | undefined>,
  pathOf: (file) => webUtils.getPathForFile(file),
};

contextBridge.exposeInMainWorld('edgewrightShell', shell);
