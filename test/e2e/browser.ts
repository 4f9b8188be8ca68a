/**
 * The browser of the screen tests: one that is installed, else, on Linux x64, the one that test/browser pins, unpacked
 * beside it. Nothing is installed into the system. EDGEWRIGHT_BROWSER names another.
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium, type LaunchOptions } from 'playwright-core';
import { ensureInstalled } from '../../boot/install.cjs';
import { withLock } from '../../boot/lock.cjs';

const PACKAGE = join(import.meta.dirname, '..', 'browser');
/** Unpacking takes seconds; this long means that it hangs, in ms. */
const UNPACK_MS = 120_000;

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'microsoft-edge-stable', 'microsoft-edge'];
const USUAL_PLACES: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
  ],
  win32: ['C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe', 'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe'],
};

/** A new browser without a window. Close it after use. */
export async function launchBrowser(options: LaunchOptions = {}): Promise<Browser> {
  return chromium.launch({ headless: true, ...(await testBrowser()), ...options });
}

/** The first browser there is, made ready if it has to be. */
export async function testBrowser(): Promise<{ executablePath: string; env?: Record<string, string> }> {
  const installed = installedBrowser(process.env, process.platform);
  if (installed !== undefined) return { executablePath: installed };
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error('The screen tests need a browser: install Chromium, Chrome or Edge, or name one with EDGEWRIGHT_BROWSER.');
  }
  return unpackedBrowser();
}

/** An installed Chromium, Chrome or Edge. */
export function installedBrowser(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string | undefined {
  if (env.EDGEWRIGHT_BROWSER) return env.EDGEWRIGHT_BROWSER;
  const onPath = (env.PATH ?? '').split(delimiter).flatMap((dir) => NAMES.map((name) => join(dir, name)));
  return [...(USUAL_PLACES[platform] ?? []), ...(platform === 'linux' ? onPath : [])].find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Installs test/browser and unpacks its Chromium, each once. Several test runs may do so at the same time. */
async function unpackedBrowser(): Promise<{ executablePath: string; env: Record<string, string> }> {
  await ensureInstalled(PACKAGE, { what: 'a Chromium for the screen tests' });
  const dir = join(PACKAGE, 'node_modules', '.unpacked');
  if (!existsSync(dir)) await withLock(join(PACKAGE, '.boot-lock'), async () => unpack(dir));
  const env: Record<string, string> = {
    ...Object.fromEntries(Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))),
    FONTCONFIG_FILE: join(dir, 'fonts.conf'),
  };
  const executablePath = join(dir, 'chromium');
  // Libraries that desktops have and bare servers have not come with the package, for those only.
  if (!starts(executablePath, env)) env.LD_LIBRARY_PATH = [join(dir, 'al2023', 'lib'), env.LD_LIBRARY_PATH].filter(Boolean).join(':');
  return { executablePath, env };
}

/** Unpacks beside its place and moves it there whole, so that a run that is cut short leaves nothing that looks done. */
function unpack(dir: string): void {
  if (existsSync(dir)) return;
  const temp = `${dir}-${randomBytes(4).toString('hex')}`;
  mkdirSync(temp);
  try {
    const result = spawnSync(process.execPath, [join(PACKAGE, 'unpack.mjs')], { env: { ...process.env, TMPDIR: temp }, encoding: 'utf8', timeout: UNPACK_MS });
    if (result.status !== 0) throw new Error(`The test browser could not be unpacked: ${result.stderr || (result.error?.message ?? '')}`);
    writeFileSync(join(temp, 'fonts.conf'), fontsConf(dir));
    renameSync(temp, dir);
  } finally {
    rmSync(temp, { recursive: true, force: true });
  }
}

/** The system's fonts where there are some, and the package's for machines that have none. */
function fontsConf(dir: string): string {
  return [
    '<?xml version="1.0"?>',
    '<!DOCTYPE fontconfig SYSTEM "fonts.dtd">',
    '<fontconfig>',
    '  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>',
    `  <dir>${join(dir, 'fonts', 'fonts')}</dir>`,
    `  <cachedir>${join(dir, 'fonts-cache')}</cachedir>`,
    '</fontconfig>',
    '',
  ].join('\n');
}

function starts(executablePath: string, env: Record<string, string>): boolean {
  return spawnSync(executablePath, ['--version', '--no-sandbox'], { env, stdio: 'ignore', timeout: UNPACK_MS }).status === 0;
}
