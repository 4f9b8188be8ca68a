/** What the desktop window offers beyond a browser's; in a browser it is missing and the screens do without. */
interface Shell {
  /** Lets the person choose a folder; undefined when they think better of it. */
  pickFolder(): Promise<string | undefined>;
}

declare global {
  interface Window {
    edgewrightShell?: Shell;
  }
}

export function shell(): Shell | undefined {
  return window.edgewrightShell;
}
