/** A second laptop manages the devices of a workspace: identity there, grant here, join there, revoked here; all on the screens. */
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Download, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchBrowser } from './browser.ts';
import { heading, openWindow, startWorkspace, type Window, type Workspace } from './workspace.ts';

let ours: Workspace;
let theirs: Workspace;
let browser: Browser;
let here: Window;
let there: Window;
beforeAll(async () => {
  [ours, theirs, browser] = await Promise.all([startWorkspace('ours'), startWorkspace('theirs'), launchBrowser()]);
  [here, there] = await Promise.all([openWindow(browser, ours.link), openWindow(browser, theirs.link)]);
  for (const { page } of [here, there]) {
    await page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: 'Settings' }).click();
    await heading(page, 'Settings');
  }
  // The device that is to be managed by both.
  await here.page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: 'Devices' }).click();
  await here.page.getByRole('row', { name: /practice-device.*Reachable/ }).waitFor();
  await here.page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: 'Settings' }).click();
});
afterAll(async () => {
  await browser?.close();
  await Promise.all([ours?.stop(), theirs?.stop()]);
});

async function checkAccess(page: Page, what: string): Promise<void> {
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map((one) => `${what}, ${colorScheme}: ${one.id} (${one.nodes.map((node) => node.target.join(' ')).join(', ')})`)).toEqual([]);
  }
}

async function saved(page: Page, button: string): Promise<string> {
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: button }).click()]);
  return pathOf(file);
}

async function pathOf(file: Download): Promise<string> {
  expect(await file.failure()).toBeNull();
  return file.path();
}

test('an identity is granted and joined with, each after its fingerprint was compared; revoking tells the device', async () => {
  const { page } = here;
  const identity = await saved(there.page, 'Save our identity');
  await page.getByRole('button', { name: 'Grant or join…' }).click();
  let sheet = page.getByRole('dialog', { name: 'Grant or join' });
  await sheet.getByLabel('Identity or grant').fill('{"type": "something else"}');
  await sheet.getByRole('alert').getByText('This is not the file that was expected.').waitFor();
  await sheet.locator('input[type=file]').setInputFiles(identity);
  const offer = sheet.getByRole('form', { name: 'What would be granted' });
  const fingerprint = (await offer.locator('code').textContent())?.replaceAll(' ', '') ?? '';
  // The other screen shows the same, for two people to compare.
  await there.page.getByText(fingerprint, { exact: true }).waitFor();
  await offer.getByLabel('Name').fill('Night shift');
  await offer.getByLabel('Counts for').fill('0');
  await offer.getByRole('alert').waitFor();
  await offer.getByLabel('Counts for').fill('7');
  const grant = offer.getByRole('button', { name: 'Grant it the devices' });
  expect(await grant.isDisabled()).toBe(true);
  await offer.getByRole('checkbox', { name: 'The fingerprints are the same' }).check();
  await checkAccess(page, 'a grant to be made');
  await grant.click();
  await sheet.getByText('Night shift may manage the devices here once it has joined').waitFor();
  const granted = await saved(page, 'Save the grant');
  await sheet.getByRole('button', { name: 'Done' }).click();
  const administrators = page.getByRole('table', { name: 'Administrators' });
  await administrators.getByRole('row', { name: /Night shift.*Valid/ }).waitFor();

  await there.page.getByRole('button', { name: 'Grant or join…' }).click();
  sheet = there.page.getByRole('dialog', { name: 'Grant or join' });
  await sheet.locator('input[type=file]').setInputFiles(granted);
  const joining = sheet.getByRole('form', { name: 'What would be joined' });
  await joining.getByText('for this laptop as Night shift', { exact: false }).waitFor();
  await joining.getByLabel('What to call the workspace here').fill('Main hall');
  await joining.getByRole('checkbox', { name: 'The fingerprints are the same' }).check();
  await checkAccess(there.page, 'a workspace to be joined');
  await joining.getByRole('button', { name: 'Join the workspace' }).click();
  await sheet.getByText('Joined Main hall').waitFor();
  await sheet.getByRole('button', { name: 'Done' }).click();
  await there.page
    .getByRole('table', { name: 'Joined workspaces' })
    .getByRole('row', { name: /Main hall.*Valid/ })
    .waitFor();
  await checkAccess(there.page, 'settings of who joined');

  await administrators.getByRole('button', { name: 'Revoke… Night shift' }).click();
  const question = page.getByRole('dialog', { name: 'Revoke Night shift' });
  await question.getByLabel('Why, for the record').fill('the laptop was lost');
  await checkAccess(page, 'revoking');
  await question.getByRole('button', { name: 'Revoke Night shift for good' }).click();
  await administrators.getByRole('row', { name: /Night shift.*Revoked.*knows/ }).waitFor();

  await there.page.getByRole('button', { name: 'Leave… Main hall' }).click();
  await there.page.getByRole('dialog', { name: 'Leave Main hall' }).getByRole('button', { name: 'Leave Main hall' }).click();
  await there.page.getByRole('table', { name: 'Joined workspaces' }).waitFor({ state: 'detached' });
  expect([...here.complaints, ...there.complaints]).toEqual([]);
});
