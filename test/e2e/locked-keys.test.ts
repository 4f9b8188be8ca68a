/** Keys that a passphrase locks: said on every screen, and unlocked from any. */
import { writeFile } from 'node:fs/promises';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli } from '../lib/cli.ts';
import { launchBrowser } from './browser.ts';
import { heading, openWindow, startWorkspace, tabTo, type Workspace } from './workspace.ts';

const PASSPHRASE = 'correct horse battery staple';

let workspace: Workspace;
let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
  workspace = await startWorkspace('locked', async (home) => {
    const file = `${home}.passphrase`;
    await writeFile(file, `${PASSPHRASE}\n`, { mode: 0o600 });
    const kept = await cli(['workspace', 'keys', '--set-passphrase', '--passphrase-file', file], { home });
    expect(kept.code, kept.stderr).toBe(0);
  });
});
afterAll(async () => {
  await browser?.close();
  await workspace?.stop();
});

test('what needs the keys says so; a wrong passphrase is asked for again, the right one unlocks them everywhere', async () => {
  const { page, complaints } = await openWindow(browser, workspace.link);
  const rail = page.getByRole('navigation', { name: 'Screens' });
  await rail.getByRole('link', { name: 'Bundles' }).click();
  await page.getByRole('banner').getByRole('button', { name: 'Add a bundle' }).click();
  const sheet = page.getByRole('dialog', { name: 'Add a bundle' });
  await sheet.getByRole('button', { name: 'Add the sample' }).click();
  await sheet.getByRole('alert').getByText('machine.keys-locked').waitFor();
  await sheet.getByRole('alert').getByText('In the window: Unlock, at the bottom.', { exact: false }).waitFor();
  await page.keyboard.press('Escape');
  await sheet.waitFor({ state: 'detached' });
  const unlock = page.getByRole('contentinfo').getByRole('button', { name: 'Unlock…' });
  await tabTo(page, unlock);
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Unlock the private keys' });
  const field = dialog.getByLabel('Passphrase');
  await expect.poll(() => field.evaluate((element) => element === document.activeElement)).toBe(true);
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map((one) => `${colorScheme}: ${one.id}`)).toEqual([]);
  }
  await page.keyboard.type('wrong');
  await page.keyboard.press('Enter');
  await dialog.getByRole('alert').getByText('This is not the passphrase of these keys').waitFor();
  // What was typed is marked: typing on replaces it.
  await page.keyboard.type(PASSPHRASE);
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  await unlock.waitFor({ state: 'detached' });
  await rail.getByRole('link', { name: 'Settings' }).click();
  await heading(page, 'Settings');
  await page.getByText('Unlocked', { exact: true }).waitFor();
  expect(complaints).toEqual([]);
});
