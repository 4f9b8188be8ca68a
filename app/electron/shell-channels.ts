/** What the screens may ask of the desktop, and nothing else. In a browser `window.edgewrightShell` is missing and screens do without. */
export interface ShellCapabilities {
  /** Each opens the system's dialog and answers a path, or undefined when the person closed it. */
  pickFolder(): Promise<string | undefined>;
  pickFile(): Promise<string | undefined>;
  /** @param name what the file is called if the person changes nothing; a name, never a path */
  pickSave(name: string): Promise<string | undefined>;
  /** Where a file lies that the person dropped into the window; empty for one that lies nowhere. */
  pathOf(file: File): string;
}

export const PICK_FOLDER = 'edgewright:pick-folder';
export const PICK_FILE = 'edgewright:pick-file';
export const PICK_SAVE = 'edgewright:pick-save';
