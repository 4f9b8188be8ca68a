/** The desktop app itself. Electron's binary comes from outside the package registries, so many machines cannot have it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { _electron, type ElectronApplication } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildElectron } from '../../boot/bundle.ts';
import { installedElectron } from '../../boot/electron-binary.ts';

const root = join(import.meta.dirname, '..', '..');
const binary = installedElectron(root);
const display = process.platform !== 'linux' || process.env.DISPLAY !== undefined || process.env.WAYLAND_DISPLAY !== undefined;
const missing = binary === undefined ? "Electron's binary is not installed" : display ? undefined : 'there is no display';
if (missing !== undefined) console.warn(`\n  NOT RUN: the Electron window was not tested, because ${missing}.\n`);

describe.skipIf(missing !== undefined)(`the Electron window${missing === undefined ? '' : ` (SKIPPED: ${missing})`}`, () => {
  const home = mkdtempSync(join(tmpdir(), 'edgewright-electron-'));
  let app: ElectronApplication;

  beforeAll(async () => {
    await buildElectron(root);
    app = await _electron.launch({
      executablePath: binary ?? '',
      args: [join(root, 'dist', 'electron', 'main.js')],
      cwd: root,
      env: {
        ...Object.fromEntries(Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))),
        EDGEWRIGHT_HOME: home,
        EDGEWRIGHT_NODE: process.execPath,
        EDGEWRIGHT_ENGINE: join(root, 'app', 'engine', 'main.ts'),
        EDGEWRIGHT_ROOT: root,
      },
    });
  });
  afterAll(async () => {
    await app.close();
    rmSync(home, { recursive: true, force: true });
  });

  test('shows the engine’s page, without its token in the address, isolated from Node', async () => {
    const page = await app.firstWindow();
    await page.waitForLoadState();
    expect(page.url()).toMatch(/^http:\/\/127\.0\.0\.1:\d+\//);
    expect(await page.evaluate(() => [typeof Reflect.get(globalThis, 'require'), typeof Reflect.get(globalThis, 'process')])).toEqual([
      'undefined',
      'undefined',
    ]);
    expect(await page.evaluate(() => Object.keys(Reflect.get(globalThis, 'edgewrightShell') as object))).toEqual([
      'pickFolder',
      'pickFile',
      'pickSave',
      'pathOf',
    ]);
  });

  test('goes nowhere else and opens no window', async () => {
    const page = await app.firstWindow();
    const before = page.url();
    await page.evaluate(() => {
      window.open('https://example.com/');
      location.href = 'https://example.com/';
    });
    expect(page.url()).toBe(before);
    expect(app.windows()).toHaveLength(1);
  });
});
