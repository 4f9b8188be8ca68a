/** The main job on the screens: draw a digit, run a trial, deploy to the practice device, deploy again, roll back. */
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchBrowser } from './browser.ts';
import { draw, heading, openWindow, ROOT, startWorkspace, type Window, type Workspace } from './workspace.ts';

let workspace: Workspace;
let browser: Browser;
let window: Window;
let page: Page;
beforeAll(async () => {
  [workspace, browser] = await Promise.all([startWorkspace('main-job'), launchBrowser()]);
  window = await openWindow(browser, workspace.link);
  page = window.page;
});
afterAll(async () => {
  await browser?.close();
  await workspace?.stop();
});

function go(screen: string): Promise<void> {
  return page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: screen, exact: true }).click();
}

/** Deploys what is chosen on the deployment's screen with a watch of nothing, and waits until the device committed it. */
async function deployAndCommit(ref: string, reason: string): Promise<void> {
  await heading(page, 'Deploy a bundle');
  await page.getByLabel('At least', { exact: true }).fill('0');
  await page.getByLabel('and at least', { exact: true }).fill('0');
  const deploy = page.getByRole('banner').getByRole('button', { name: 'Deploy to 1 device' });
  const why = page.getByLabel(/^Reason to deploy although/);
  await page
    .getByText(/can take it|says no/)
    .first()
    .waitFor();
  if (await why.isVisible()) await why.fill(reason);
  await deploy.click();
  await heading(page, `${ref} to practice-device`);
  await page
    .getByText(`practice-device serves ${ref} int8-static since its watch ended.`)
    .or(page.getByText(/practice-device serves .* since its watch ended/))
    .first()
    .waitFor();
}

test('this computer: one sentence, the CPU verified, each provider with a reason', async () => {
  await go('This computer');
  const providers = page.getByRole('table', { name: 'Execution providers' });
  await providers.getByRole('row', { name: /CPU.*Verified/ }).waitFor();
  await page.getByRole('button', { name: 'Detect again' }).click();
  await page.getByText(/Detected just now/).waitFor();
});

test('the sample bundle is sound and signed, and verifies', async () => {
  await go('Bundles');
  await page.getByRole('table', { name: 'Bundles' }).getByRole('link', { name: 'digits' }).click();
  await heading(page, 'digits@1.0.0');
  await page.getByRole('button', { name: 'Verify the files' }).click();
  await page.getByText(/every digest is right and the signature holds/).waitFor();
  const bill = page.getByRole('table', { name: 'Attached' }).getByRole('row', { name: /Bill of materials.*This workspace.*Counts/ });
  const [file] = await Promise.all([page.waitForEvent('download'), bill.getByRole('button', { name: /^Save/ }).click()]);
  expect(JSON.parse(await readFile(await file.path(), 'utf8'))).toMatchObject({ bomFormat: 'CycloneDX' });
});

test('a drawn digit is read, with confidence, latency and the provider that ran it', async () => {
  await page.getByRole('button', { name: 'Open in Playground' }).click();
  await heading(page, 'Playground');
  const circle = Array.from({ length: 25 }, (_, index): [number, number] => {
    const angle = (index / 24) * 2 * Math.PI - Math.PI / 2;
    return [0.5 + 0.24 * Math.cos(angle), 0.5 + 0.36 * Math.sin(angle)];
  });
  await draw(page, [circle]);
  const answer = page.getByRole('region', { name: 'Answer of fp32' });
  await answer.getByRole('img', { name: /What the model was given, 8 by 8 pixels/ }).waitFor();
  expect(await answer.getByRole('status').textContent()).toContain('reads 0');
  expect(await answer.getByRole('table', { name: 'Confidence by label' }).getByRole('row').nth(1).textContent()).toMatch(/^0\d+\.\d\s%$/);
  expect(await answer.textContent()).toMatch(/Latency[\d.]+\s(ms|s)/);
  expect(await answer.textContent()).toContain('cpu');
});

test('an example of the bundle is chosen and read with the keyboard', async () => {
  const example = page.getByRole('button', { name: 'digit-3.png' });
  await example.focus();
  await page.keyboard.press('Enter');
  await page.getByText('fp32 reads 3.').waitFor();
});

test('a trial runs live to a verdict, with a chart and the same figures as a table', async () => {
  await go('Trials');
  await page.getByRole('banner').getByRole('button', { name: 'Set up a trial' }).click();
  const sheet = page.getByRole('dialog', { name: 'Set up a trial' });
  await sheet.getByLabel('Rounds', { exact: true }).fill('2');
  await sheet.getByLabel('Runs in a round').fill('20');
  await sheet.getByRole('button', { name: 'Try 3 variants' }).click();
  await heading(page, 'Trial of digits@1.0.0');
  await page.getByRole('button', { name: /^Deploy (fp32|int8)/ }).waitFor();
  const table = page.getByRole('table', { name: 'Variants of the trial' });
  for (const variant of ['fp32', 'int8-dynamic', 'int8-static']) {
    const row = table.getByRole('row').filter({ has: page.getByRole('rowheader', { name: variant, exact: true }) });
    expect(await row.textContent()).toMatch(/0\.9\d+ ± 0\.\d+/);
  }
  await page.getByRole('img', { name: /Scatter chart of top1_accuracy against p50 latency/ }).waitFor();
  await page.getByRole('radio', { name: 'Table' }).check();
  expect(await page.getByRole('table', { name: 'Pareto chart as a table' }).getByRole('row').count()).toBe(4);
  await page.getByRole('radio', { name: 'Chart', exact: true }).check();
  for (const [kind, start] of [
    ['CSV', 'variant,top1_accuracy'],
    ['SVG', '<svg'],
    ['PNG', '\u0089PNG'],
  ] as const) {
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: kind, exact: true }).click()]);
    expect((await readFile(await download.path(), 'latin1')).slice(0, 40), kind).toContain(start);
  }
});

test('a trial that was cancelled says so, and keeps nothing running', async () => {
  await page.getByRole('button', { name: 'Repeat the trial' }).click();
  const sheet = page.getByRole('dialog', { name: 'Set up a trial' });
  await sheet.getByLabel('Runs in a round').fill('10000');
  await sheet.getByRole('button', { name: 'Try 3 variants' }).click();
  await page.getByRole('button', { name: 'Cancel the trial' }).click();
  await page.getByText(/^Cancelled\. \d of 3 variants measured/).waitFor();
});

test('a bundle from a folder: a wrong field is named, a right one is built', async () => {
  const folder = join(workspace.dir, 'digits-1.1.0');
  await cp(join(ROOT, 'assets', 'sample-bundle'), folder, { recursive: true });
  const source = join(folder, 'edgewright.yaml');
  const yaml = await readFile(source, 'utf8');
  await go('Bundles');
  await page.getByRole('banner').getByRole('button', { name: 'Add a bundle' }).click();
  const sheet = page.getByRole('dialog', { name: 'Add a bundle' });
  await writeFile(source, yaml.replace('version: 1.0.0', 'version: one'));
  await sheet.getByRole('radio', { name: 'Folder' }).check({ force: true });
  await sheet.getByLabel('Folder on this computer').fill(folder);
  await sheet.getByRole('button', { name: 'Build the bundle' }).click();
  const alert = sheet.getByRole('alert');
  await alert.waitFor();
  expect(await alert.textContent()).toContain('version');
  await writeFile(source, yaml.replace('version: 1.0.0', 'version: 1.1.0'));
  await sheet.getByRole('button', { name: 'Build the bundle' }).click();
  await heading(page, 'digits@1.1.0');
});

test('the winner goes to the practice device, and a second version after it', async () => {
  await go('Devices');
  await page.getByRole('row', { name: /practice-device.*Reachable/ }).waitFor();
  await page.getByRole('link', { name: 'practice-device' }).click();
  await page.getByRole('button', { name: 'Deploy to practice-device' }).click();
  await page.getByRole('combobox', { name: 'Bundle', exact: true }).selectOption('digits@1.0.0');
  await page.getByRole('combobox', { name: 'Variant', exact: true }).selectOption('int8-static');
  await deployAndCommit('digits@1.0.0', 'a test');
  await go('Deployments');
  await page.getByRole('banner').getByRole('button', { name: 'Deploy a bundle' }).click();
  await page.getByRole('combobox', { name: 'Bundle', exact: true }).selectOption('digits@1.1.0');
  await deployAndCommit('digits@1.1.0', 'no trial of this version yet');
});

test('one click and one answer roll the device back to what it served before', async () => {
  await go('Devices');
  await page.getByRole('link', { name: 'practice-device' }).click();
  await page.getByRole('button', { name: 'Roll back to 1.0.0 int8-static' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Roll back practice-device to 1.0.0' }).click();
  await page.getByRole('row', { name: /digits@1\.0\.0.*Active/ }).waitFor();
  await go('Activity');
  await page
    .getByRole('table', { name: 'Audit log' })
    .getByText(/Rolled practice-device back/)
    .waitFor();
});

test('removing a bundle asks once and says what is lost', async () => {
  await go('Bundles');
  await page
    .getByRole('row', { name: /1\.1\.0/ })
    .getByRole('link', { name: 'digits' })
    .click();
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Remove…' }).click();
  const question = page.getByRole('dialog', { name: 'Remove digits@1.1.0' });
  expect(await question.textContent()).toContain('It cannot be undone');
  await question.getByRole('button', { name: 'Remove digits@1.1.0' }).click();
  await heading(page, 'Bundles');
  await page.getByRole('row', { name: /1\.1\.0/ }).waitFor({ state: 'detached' });
});

test('nothing of all this broke the page’s policy, threw, or asked anything but the engine', () => {
  expect(window.complaints).toEqual([]);
});
