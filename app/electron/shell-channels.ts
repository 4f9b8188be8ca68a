/** What the screens may ask of the desktop, and nothing else. In a browser `window.edgewrightShell` is missing and screens do without. */
export interface ShellCapabilities {
  /** Opens the system's dialog; the folder's path, or undefined when the person closed it. */
  pickFolder(): Promise<string | undefined>;
}

export const PICK_FOLDER = 'edgewright:pick-folder';
