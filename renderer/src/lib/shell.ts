/** What the desktop window offers beyond a browser's; in a browser it is missing and the screens do without. */
interface Shell {
  /** Each lets the person choose in the system's dialog; undefined when they think better of it. */
  pickFolder(): Promise<string | undefined>;
  pickFile(): Promise<string | undefined>;
  /** Where to write a file, suggested under this name. */
  pickSave(name: string): Promise<string | undefined>;
  /** Where a dropped file lies; empty for one that lies nowhere. */
  pathOf(file: File): string;
}

declare global {
  interface Window {
    edgewrightShell?: Shell;
  }
}

export function shell(): Shell | undefined {
  return window.edgewrightShell;
}
