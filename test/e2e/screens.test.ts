/** Every screen, with the keyboard only, in both schemes, checked for what would keep people out. */
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchBrowser } from './browser.ts';
import { heading, openWindow, startWorkspace, tabTo, type Workspace } from './workspace.ts';

const SCREENS = ['Home', 'This computer', 'Bundles', 'Playground', 'Trials', 'Devices', 'Deployments', 'Activity', 'Settings'];

let workspace: Workspace;
let browser: Browser;
beforeAll(async () => {
  [workspace, browser] = await Promise.all([startWorkspace('screens'), launchBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await workspace?.stop();
});

/** What axe finds, in a form that a failed assertion can print. */
async function findings(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.map((violation) => `${violation.id}: ${violation.help} (${violation.nodes.map((node) => node.target.join(' ')).join(', ')})`);
}

describe.each([
  { scheme: 'light', width: 1280 },
  { scheme: 'dark', width: 900 },
] as const)('in the $scheme scheme, $width pixels wide', ({ scheme, width }) => {
  test('every screen is reached with the keyboard, answers "how are things?", and is clean to axe', async () => {
    const { page, complaints } = await openWindow(browser, workspace.link, { colorScheme: scheme, viewport: { width, height: 800 } });
    const rail = page.getByRole('navigation', { name: 'Screens' });
    for (const name of SCREENS) {
      await tabTo(page, rail.getByRole('link', { name, exact: true }));
      await page.keyboard.press('Enter');
      await heading(page, name);
      expect((await page.locator('header p').first().textContent())?.length, `the sentence of ${name}`).toBeGreaterThan(10);
      expect(await findings(page), name).toEqual([]);
    }
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  // There is no pack for other systems, and then nothing is said of packs.
  test.skipIf(process.platform !== 'linux' || process.arch !== 'x64')('a provider pack says what it needs, and why a folder is none', async () => {
    const { page, complaints } = await openWindow(browser, workspace.link, { colorScheme: scheme, viewport: { width, height: 800 } });
    await page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: 'This computer' }).click();
    const packs = page.getByRole('region', { name: 'Provider packs' });
    await packs.getByText(/NVIDIA driver \d+\.\d+/).waitFor();
    await packs.getByRole('button', { name: 'Install the pack…' }).click();
    const sheet = page.getByRole('dialog', { name: /^Install NVIDIA CUDA/ });
    await sheet.getByLabel(/^Without a network/).fill(workspace.dir);
    await sheet.getByRole('button', { name: 'Install from there' }).click();
    await sheet.getByText('The pack was not installed.').waitFor();
    await sheet.getByText('provider.wheel-missing').waitFor();
    expect(await findings(page)).toEqual([]);
    // What is said stays inside its panel.
    expect(await sheet.evaluate((element) => element.scrollWidth <= element.clientWidth)).toBe(true);
    await sheet.getByRole('button', { name: 'Close', exact: true }).first().click();
    await packs.getByText('Not installed').waitFor();
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('side panels take the focus, are clean to axe, and give it back with Escape', async () => {
    const { page, complaints } = await openWindow(browser, workspace.link, { colorScheme: scheme, viewport: { width, height: 800 } });
    for (const [screen, button, title] of [
      ['Bundles', 'Add a bundle', 'Add a bundle'],
      ['Devices', 'Add a device', 'Add a device'],
      ['Trials', 'Set up a trial', 'Set up a trial'],
    ] as const) {
      await page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: screen }).click();
      await heading(page, screen);
      await tabTo(page, page.getByRole('banner').getByRole('button', { name: button }));
      await page.keyboard.press('Enter');
      const panel = page.getByRole('dialog', { name: title });
      await panel.waitFor();
      expect(await findings(page), title).toEqual([]);
      expect(await panel.evaluate((element) => element.contains(document.activeElement))).toBe(true);
      await page.keyboard.press('Escape');
      await panel.waitFor({ state: 'detached' });
    }
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});

test('the token leaves the address at once, and a reload still has it', async () => {
  const { page } = await openWindow(browser, workspace.link);
  expect(page.url()).not.toContain(new URL(workspace.link).hash.slice(1));
  await page.reload();
  await heading(page, 'Home');
  await page.context().close();
});

test('without the link there is a page that says where to find it', async () => {
  const page = await (await browser.newContext()).newPage();
  await page.goto(new URL(workspace.link).origin);
  await heading(page, 'Open the link that npm start printed');
  expect(await findings(page)).toEqual([]);
  // A link pasted into the same tab only changes the fragment: the page takes its token and starts afresh by itself.
  await page.goto(`${new URL(workspace.link).origin}/#${'A'.repeat(43)}`);
  await heading(page, 'This link is of an earlier start');
  await page.context().close();
});

test('the skip link leads past the rail; Ctrl+K goes anywhere by typing', async () => {
  const { page } = await openWindow(browser, workspace.link);
  await heading(page, 'Home');
  await tabTo(page, page.getByRole('link', { name: 'Skip to the content' }));
  await page.keyboard.press('Enter');
  expect(await page.getByRole('main').evaluate((element) => element === document.activeElement)).toBe(true);
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: /Go to/ }).fill('this comp');
  await page.keyboard.press('Enter');
  await heading(page, 'This computer');
  await page.context().close();
});

test('rows are walked with the arrow keys, opened with Enter, filtered, and a table keeps its chosen columns', async () => {
  const { page } = await openWindow(browser, workspace.link);
  await page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: 'Bundles' }).click();
  const table = page.getByRole('table', { name: 'Bundles' });
  await table.getByRole('rowheader', { name: 'digits' }).waitFor();
  await page.getByRole('textbox', { name: 'Filter bundles' }).fill('nothing is called this');
  await page.getByText('No bundle matches').waitFor();
  await page.getByRole('button', { name: 'Clear the filter' }).click();
  await page.getByRole('button', { name: 'Columns' }).click();
  await page.getByRole('menuitemcheckbox', { name: 'Digest' }).click();
  await page.keyboard.press('Escape');
  await table.getByRole('columnheader', { name: 'Digest' }).waitFor();
  await tabTo(page, table.getByRole('row').nth(1));
  await page.keyboard.press('End');
  await page.keyboard.press('Home');
  await page.keyboard.press('Enter');
  await heading(page, 'digits@1.0.0');
  await page.goBack();
  await table.getByRole('columnheader', { name: 'Digest' }).waitFor();
  await page.context().close();
});

test('a setting is kept in the workspace: another window shows it', async () => {
  const first = await openWindow(browser, workspace.link);
  await first.page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: 'Settings' }).click();
  // Clicked, then waited for: the screen shows the change on its next render, not within the click.
  await first.page.getByRole('radio', { name: 'Dark' }).click();
  await first.page.getByRole('radio', { name: 'Dark', checked: true }).waitFor();
  const second = await openWindow(browser, workspace.link);
  await second.page.locator('html[data-mantine-color-scheme="dark"]').waitFor();
  await first.page.getByRole('radio', { name: 'As the system' }).click();
  await second.page.locator('html[data-mantine-color-scheme="light"]').waitFor();
  await first.page.context().close();
  await second.page.context().close();
});

test('a setting is found by a word that its title does not hold', async () => {
  const { page } = await openWindow(browser, workspace.link);
  await page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: 'Settings' }).click();
  await page.getByRole('textbox', { name: 'Find a setting' }).fill('keychain');
  await page.getByRole('heading', { level: 2 }).nth(1).waitFor({ state: 'detached' });
  await page.getByRole('heading', { level: 2, name: 'Private keys' }).waitFor();
  await page.getByRole('textbox', { name: 'Find a setting' }).fill('nothing is called this');
  await page.getByText('No setting matches').waitFor();
  await page.context().close();
});

// The last test: it ends the engine.
test('when the engine ends, the window says so and keeps showing what it knew', async () => {
  const { page } = await openWindow(browser, workspace.link);
  await page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: 'Bundles' }).click();
  await page.getByRole('rowheader', { name: 'digits' }).waitFor();
  await workspace.stop();
  await page.getByText('Engine lost, connecting again').waitFor();
  expect(await page.getByRole('rowheader', { name: 'digits' }).isVisible()).toBe(true);
  await page.context().close();
});
