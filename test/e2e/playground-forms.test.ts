/** Inputs in their natural form: a picture with what was found in it, a table's row as a form, a recording. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli } from '../lib/cli.ts';
import { launchBrowser } from './browser.ts';
import { FOUND, writeDetector, writeListener, writeTable } from './toy-bundles.ts';
import { heading, openWindow, startWorkspace, type Window, type Workspace } from './workspace.ts';

let workspace: Workspace;
let browser: Browser;
let window: Window;
let page: Page;
beforeAll(async () => {
  [workspace, browser] = await Promise.all([startWorkspace('forms'), launchBrowser()]);
  const home = join(workspace.dir, 'home');
  for (const folder of [
    await writeDetector(join(workspace.dir, 'finder')),
    await writeTable(join(workspace.dir, 'sums')),
    await writeListener(join(workspace.dir, 'loudness')),
  ]) {
    const built = await cli(['bundle', 'build', folder], { home });
    expect(built.code, built.stderr).toBe(0);
  }
  window = await openWindow(browser, workspace.link);
  page = window.page;
  await page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: 'Playground' }).click();
  await heading(page, 'Playground');
});
afterAll(async () => {
  await browser?.close();
  await workspace?.stop();
});

const answer = () => page.getByRole('region', { name: 'Answer of fp32' });

async function checkAccess(what: string): Promise<void> {
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map((one) => `${what}, ${colorScheme}: ${one.id} (${one.nodes.map((node) => node.target.join(' ')).join(', ')})`)).toEqual([]);
  }
}

async function choose(ref: string): Promise<void> {
  await page.getByRole('combobox', { name: 'Bundle' }).selectOption(ref);
  await page
    .getByRole('region', { name: 'Input' })
    .getByRole('button', { name: /^Choose/ })
    .waitFor();
}

test('boxes lie over the picture where the model found things, whatever its size on the screen; labels are shown, never obeyed', async () => {
  await choose('finder@1.0.0');
  const png = join(workspace.dir, 'picture.png');
  await writeFile(png, await page.screenshot({ clip: { x: 0, y: 0, width: 640, height: 400 } }));
  await page.locator('input[type=file]').setInputFiles(png);
  const table = answer().getByRole('table', { name: 'What was found' });
  await table.getByRole('row', { name: /pump.*95/ }).waitFor();
  for (const width of [1280, 760]) {
    await page.setViewportSize({ width, height: 800 });
    const picture = answer().getByRole('img', { name: /The picture that was given, 3 things found/ });
    const [frame, ...boxes] = await picture.evaluate((image) =>
      [image, ...(image.parentElement?.querySelectorAll('div') ?? [])].map((one) => one.getBoundingClientRect().toJSON() as DOMRect),
    );
    if (!frame) throw new Error('there is no picture');
    expect(frame.width / frame.height).toBeCloseTo(640 / 400, 1);
    expect(frame.right).toBeLessThanOrEqual(width);
    for (const [i, { box }] of FOUND.entries()) {
      const drawn = boxes[i];
      const [x, y, wide, high] = box;
      if (!drawn) throw new Error(`box ${i} is not drawn`);
      expect((drawn.left - frame.left) / frame.width).toBeCloseTo(x - wide / 2, 2);
      expect((drawn.top - frame.top) / frame.height).toBeCloseTo(y - high / 2, 2);
      expect(drawn.width / frame.width).toBeCloseTo(wide, 2);
      expect(drawn.height / frame.height).toBeCloseTo(high, 2);
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  expect(await table.getByRole('row', { name: /<img src=x onerror=alert\(1\)>/ }).count()).toBe(1);
  expect(await answer().locator('img[src="x"]').count()).toBe(0);
  await table.getByRole('row', { name: /U\+202E/ }).waitFor();
  await table.getByRole('button', { name: /img src/ }).focus();
  await checkAccess('boxes');
});

test("a table's row is a form with what each column takes; what is missing is said before anything runs", async () => {
  await choose('sums@1.0.0');
  const input = page.getByRole('region', { name: 'Input' });
  await input.getByRole('button', { name: 'Run the row' }).click();
  expect(await input.getByRole('alert').allTextContents()).toEqual(Array.from({ length: 4 }, () => 'A value is needed'));
  await input.getByLabel('flow').fill('1.5');
  expect(await input.getByLabel('pressure').getAttribute('placeholder')).toBe('empty, stands for 100');
  await input.getByLabel('starts, whole number').fill('2.5');
  await input.getByText('A whole number', { exact: true }).waitFor();
  await input.getByLabel('starts, whole number').fill('3');
  await input.getByLabel('running, yes or no').selectOption('true');
  await input.getByLabel('site').selectOption('west');
  await page.keyboard.press('Control+Enter');
  // 1.5 + 100 + 3 + 1 + 20
  await answer().getByRole('status').getByText('sum 126').waitFor();
  await checkAccess('a row as a form');
});

test('an example fills the form row by row, and so does a pasted table', async () => {
  const input = page.getByRole('region', { name: 'Input' });
  await input.getByRole('button', { name: 'days.csv' }).click();
  await input.getByText('Row 1 of 2').waitFor();
  await answer().getByRole('status').getByText('sum 17.5').waitFor();
  await input.getByRole('button', { name: 'The row after' }).click();
  expect(await input.getByLabel('pressure').inputValue()).toBe('');
  // 4 + 100 + 0 + 0 + 20
  await answer().getByRole('status').getByText('sum 124').waitFor();
  await input.getByLabel('flow').focus();
  await page.evaluate(() => {
    const clipboardData = new DataTransfer();
    clipboardData.setData('text', 'starts\tflow\tpressure\trunning\tsite\n7\t1\t1\tfalse\teast\n8\t1\t1\tfalse\teast\n9\t1\t1\tfalse\teast\n');
    document.activeElement?.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
  });
  await input.getByText('Row 1 of 3, what was pasted').waitFor();
  await answer().getByRole('status').getByText('sum 19').waitFor();
});

test('several rows are answered row by row; a wrong one is named by line and column', async () => {
  const input = page.getByRole('region', { name: 'Input' });
  await input.getByText('Several rows').click();
  const rows = input.getByLabel('Rows as CSV, or as JSON objects');
  await rows.fill('site,flow,pressure,starts,running\neast,1,1,1,1\nnorth,1,1,1,1\n');
  await input.getByRole('button', { name: 'Run the rows' }).click();
  await answer().getByRole('alert').getByText('line 3, column site', { exact: false }).waitFor();
  await rows.fill('site,flow,pressure,starts,running\neast,1,1,1,1\nwest,1,1,1,1\n');
  await rows.press('Control+Enter');
  const table = answer().getByRole('table', { name: 'Answer for each row' });
  await table.getByRole('row', { name: '2 24.0' }).waitFor();
  await checkAccess('several rows');
});

test('a recording is shown, can be heard, and is answered', async () => {
  await choose('loudness@1.0.0');
  const input = page.getByRole('region', { name: 'Input' });
  await input.getByRole('button', { name: 'sound.wav' }).click();
  await input.getByText(/sound\.wav, 0\.\d+ s/).waitFor();
  await answer()
    .getByRole('status')
    .getByText(/^.*loudness 0\.\d+$/)
    .waitFor();
  await checkAccess('a recording');
  const recording = await readFile(join(workspace.dir, 'loudness/examples/sound.wav'));
  await page.locator('input[type=file]').setInputFiles({ name: 'mine.wav', mimeType: 'audio/wav', buffer: recording });
  await input.getByText(/mine\.wav, 0\.\d+ s/).waitFor();
  expect(window.complaints).toEqual([]);
});
