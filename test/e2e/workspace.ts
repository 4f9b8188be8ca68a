/** A real engine on a throw-away workspace, and a window on it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { ensureRenderer } from '../../boot/steps.cjs';

export const ROOT = join(import.meta.dirname, '..', '..');

/** How long the engine may take to print its link, in ms. */
const READY_MS = 60_000;
/** How long it may take to end cleanly, its practice agent included, in ms. */
const END_MS = 20_000;
/** How long a screen may take to show what a test waits for, in ms. */
const SCREEN_MS = 45_000;
/** Tab stops after which something is taken to be out of the keyboard's reach. */
const MOST_TABS = 120;

export interface Workspace {
  link: string;
  dir: string;
  stop: () => Promise<void>;
}

/** @param prepare is given the workspace's folder before the engine starts */
export async function startWorkspace(name: string, prepare?: (home: string) => Promise<void>): Promise<Workspace> {
  await ensureRenderer({ root: ROOT, node: process.execPath, env: process.env });
  const dir = await mkdtemp(join(tmpdir(), `edgewright-${name}-`));
  await prepare?.(join(dir, 'home'));
  const engine = spawn(process.execPath, [join(ROOT, 'app', 'engine', 'main.ts')], {
    env: { PATH: process.env.PATH ?? '', HOME: dir, EDGEWRIGHT_HOME: join(dir, 'home'), EDGEWRIGHT_KEY_STORE: 'file' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const link = await readLink(engine);
  return {
    link,
    dir,
    stop: async () => {
      await end(engine);
      await rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}

function readLink(engine: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the engine printed no link within ${READY_MS} ms`)), READY_MS);
    engine.once('exit', (code) => reject(new Error(`the engine ended with ${code}`)));
    if (!engine.stdout) throw new Error('the engine has no stdout');
    createInterface({ input: engine.stdout }).on('line', (line) => {
      const link = /^Edgewright ready: (http:\S+)$/.exec(line)?.[1];
      if (link === undefined) return;
      clearTimeout(timer);
      resolve(link);
    });
  });
}

function end(engine: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (engine.exitCode !== null || engine.signalCode !== null) return resolve();
    const timer = setTimeout(() => engine.kill('SIGKILL'), END_MS);
    engine.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    engine.kill('SIGTERM');
  });
}

export interface Window {
  page: Page;
  /** Errors in the console (a breach of the page's policy is one), thrown errors, and requests to anywhere but the engine. */
  complaints: string[];
}

/** A window on the engine, as a person opens it: with the link. */
export async function openWindow(browser: Browser, link: string, options: BrowserContextOptions = {}): Promise<Window> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(SCREEN_MS);
  const complaints: string[] = [];
  const host = new URL(link).host;
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`thrown: ${error.message}`));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (!['data:', 'blob:'].includes(url.protocol) && url.host !== host) complaints.push(`request to ${request.url()}`);
  });
  await page.goto(link);
  await page.getByRole('navigation', { name: 'Screens' }).waitFor();
  return { page, complaints };
}

/** The heading of the screen that is shown. */
export async function heading(page: Page, name: string | RegExp): Promise<void> {
  await page.getByRole('heading', { level: 1, name }).waitFor();
}

/** Presses Tab until the element has the focus; fails when the keyboard cannot reach it. */
export async function tabTo(page: Page, target: Locator): Promise<void> {
  await target.waitFor();
  for (let press = 0; press < MOST_TABS; press += 1) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`not reached with ${MOST_TABS} presses of Tab: ${String(target)}`);
}

/** Draws strokes on the drawing surface with the pointer; points are shares of its sides. */
export async function draw(page: Page, strokes: readonly (readonly (readonly [number, number])[])[]): Promise<void> {
  const canvas = page.getByRole('img', { name: /Drawing surface/ });
  await canvas.scrollIntoViewIfNeeded();
  const box = await canvas.boundingBox();
  if (!box) throw new Error('the drawing surface is not shown');
  for (const stroke of strokes) {
    for (const [index, [x, y]] of stroke.entries()) {
      await page.mouse.move(box.x + x * box.width, box.y + y * box.height, { steps: 6 });
      if (index === 0) await page.mouse.down();
    }
    await page.mouse.up();
  }
}
