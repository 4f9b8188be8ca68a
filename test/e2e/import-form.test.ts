/** A model file taken in on the screens: ONNX as it is, and the question that a framework's own file raises. */
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { launchBrowser } from './browser.ts';
import { heading, openWindow, ROOT, startWorkspace, type Window, type Workspace } from './workspace.ts';

const MODEL = join(ROOT, 'test/fixtures/digits/model.onnx');

let workspace: Workspace;
let browser: Browser;
let window: Window;
let page: Page;
beforeAll(async () => {
  browser = await launchBrowser();
  // A computer without uv, whatever this one has: nothing is fetched, and what to do elsewhere is said.
  const path = process.env['PATH'];
  process.env['PATH'] = dirname(process.execPath);
  try {
    workspace = await startWorkspace('import');
  } finally {
    process.env['PATH'] = path;
  }
  window = await openWindow(browser, workspace.link);
  page = window.page;
});
afterAll(async () => {
  await browser?.close();
  await workspace?.stop();
});

const sheet = () => page.getByRole('dialog', { name: 'Add a bundle' });
const importIt = () => sheet().getByRole('button', { name: 'Import the model' });

beforeEach(async () => {
  await page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: 'Bundles' }).click();
  await heading(page, 'Bundles');
  await page.getByRole('banner').getByRole('button', { name: 'Add a bundle' }).click();
  await sheet().getByText('Model file').click();
});

async function checkAccess(what: string): Promise<void> {
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map((one) => `${what}, ${colorScheme}: ${one.id} (${one.nodes.map((node) => node.target.join(' ')).join(', ')})`)).toEqual([]);
  }
}

/** What of a panel stands out of its right side. */
function beyond(panel: Locator): Promise<string[]> {
  return panel.evaluate((root) => {
    const { right } = root.getBoundingClientRect();
    return [...root.querySelectorAll('*')].filter((one) => one.getBoundingClientRect().right > right + 0.5).map((one) => one.outerHTML.slice(0, 80));
  });
}

test('a wrong path, a wrong name and an unsound model each say what is wrong, and the form keeps what was typed', async () => {
  const file = sheet().getByLabel('File on this computer');
  await file.fill('models/pump.onnx');
  await file.press('Tab');
  await sheet().getByRole('alert').getByText('The whole path').waitFor();
  expect(await importIt().isDisabled()).toBe(true);
  await file.fill(join(workspace.dir, 'nothing.onnx'));
  await importIt().click();
  await sheet().getByRole('alert').getByText('Nothing was stored.').waitFor();
  await file.fill(MODEL);
  await sheet().getByLabel('Name').fill('No Name');
  await importIt().click();
  await sheet().getByRole('alert').getByText('Nothing was stored.').waitFor();
  expect(await file.inputValue()).toBe(MODEL);
  const half = join(workspace.dir, 'half.onnx');
  await writeFile(half, (await readFile(MODEL)).subarray(0, 9_000));
  await file.fill(half);
  await sheet().getByLabel('Name').fill('');
  await importIt().click();
  await sheet().getByRole('alert').getByText('Nothing was stored.').waitFor();
  await checkAccess('a refused model');
  await page.keyboard.press('Escape');
  await sheet().waitFor({ state: 'detached' });
  expect(await page.getByRole('table', { name: 'Bundles' }).getByRole('row').count()).toBe(2);
});

test('a chosen ONNX file becomes a bundle under the name that was given', async () => {
  await page.locator('input[type=file]').setInputFiles(MODEL);
  await sheet().getByText('model.onnx', { exact: true }).waitFor();
  await sheet().getByLabel('Name').fill('pump');
  await sheet().getByLabel('Version').fill('0.1.0');
  await checkAccess('a chosen model');
  await importIt().click();
  await heading(page, 'pump@0.1.0');
  await page
    .getByRole('table', { name: 'History' })
    .getByRole('row', { name: /Built pump@0\.1\.0/ })
    .waitFor();
});

test('who closes the panel while a model is taken in is told, and not taken along', async () => {
  await page.locator('input[type=file]').setInputFiles(MODEL);
  await sheet().getByLabel('Name').fill('aside');
  await importIt().click();
  await page.keyboard.press('Escape');
  await sheet().waitFor({ state: 'detached' });
  await page.getByText('aside@1.0.0 is in the workspace').waitFor();
  await heading(page, 'Bundles');
  await page.getByRole('table', { name: 'Bundles' }).getByRole('link', { name: 'aside' }).waitFor();
  expect(new URL(page.url()).hash).toBe('#/bundles');
});

test("a framework's file may carry code: it is not touched before a person trusts its source, and what this computer lacks is said", async () => {
  const file = join(workspace.dir, 'forest.pkl');
  await writeFile(file, Buffer.from('800495', 'hex'));
  await sheet().getByLabel('File on this computer').fill(file);
  expect(await importIt().isDisabled()).toBe(true);
  const trust = sheet().getByRole('checkbox', { name: 'I trust whoever made this file' });
  await checkAccess('the question of trust');
  await trust.check();
  // Another file is another question.
  await sheet().getByLabel('File on this computer').fill(`${file}2`);
  expect(await trust.isChecked()).toBe(false);
  await sheet().getByLabel('File on this computer').fill(file);
  await trust.check();
  await importIt().click();
  const alert = sheet().getByRole('alert');
  await alert.getByText('Nothing was stored.').waitFor();
  await alert.getByText('There is no uv on this computer', { exact: false }).waitFor();
  expect(await alert.locator('code').textContent()).toBe('convert.no-uv');
  // The commands for a computer that has it: each on a line of its own, whole, and to copy.
  expect((await alert.locator('pre').textContent())?.split('\n')).toEqual([
    expect.stringMatching(/^On a computer with uv and a network, with .* copied there as "converters":$/),
    expect.stringMatching(/^uv venv --python [\d.]+ env$/),
    'uv pip install --python env --require-hashes --only-binary :all: -r converters/requirements/sklearn.txt',
    'mkdir out && env/bin/python -E -s -B converters/export_sklearn.py "forest.pkl" out',
    'Then import out/model.onnx here.',
  ]);
  await alert.getByRole('button', { name: 'Copy what to do' }).waitFor();
  for (const width of [1280, 400]) {
    await page.setViewportSize({ width, height: 800 });
    expect(await beyond(sheet()), `at ${width} px`).toEqual([]);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  await checkAccess('a conversion that cannot be done here');
  expect(window.complaints).toEqual([]);
});
