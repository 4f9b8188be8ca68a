/**
 * Opens the link in the system browser without putting it, and so its token, on a command line, which every user of the
 * machine can read: the browser gets a page of ours, in a folder only this user can read, that sends it on.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** How long the page stays for the browser to read, in ms. */
const KEEP_MS = 60_000;

/** The program that opens a page in the person's browser. */
export function opener(platform: NodeJS.Platform, page: string): { file: string; args: string[] } {
  const url = pathToFileURL(page).href;
  if (platform === 'darwin') return { file: 'open', args: [url] };
  if (platform === 'win32') return { file: 'rundll32', args: ['url.dll,FileProtocolHandler', url] };
  return { file: 'xdg-open', args: [url] };
}

export function redirectPage(link: string): string {
  const safe = link.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
  return `<!doctype html>\n<meta charset="utf-8">\n<meta name="referrer" content="no-referrer">\n<meta http-equiv="refresh" content="0; url=${safe}">\n<title>Edgewright</title>\n<a href="${safe}">Open Edgewright</a>\n`;
}

/**
 * @returns whether a browser was started; false where there is no such program
 */
export async function openInBrowser(link: string, start: typeof spawn = spawn): Promise<boolean> {
  const dir = mkdtempSync(join(tmpdir(), 'edgewright-open-'));
  const page = join(dir, 'open.html');
  writeFileSync(page, redirectPage(link), { mode: 0o600 });
  const remove = () => rmSync(dir, { recursive: true, force: true });
  process.once('exit', remove);
  setTimeout(remove, KEEP_MS).unref();
  const { file, args } = opener(process.platform, page);
  const child = start(file, args, { stdio: 'ignore', detached: true });
  child.unref();
  return new Promise((resolve) => {
    child.once('error', () => resolve(false));
    child.once('spawn', () => resolve(true));
  });
}
