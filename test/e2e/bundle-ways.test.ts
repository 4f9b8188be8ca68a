/** A bundle's ways in and out on the screens: one file, a registry, and what a person decides about who signed it. */
import { createHash, createPublicKey } from 'node:crypto';
import { copyFile, readdir, readFile, stat } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serve } from '../integration/distribution/serve.ts';
import { cli } from '../lib/cli.ts';
import { launchBrowser } from './browser.ts';
import { heading, openWindow, ROOT, startWorkspace, tabTo, type Window, type Workspace } from './workspace.ts';

let workspace: Workspace;
let browser: Browser;
let window: Window;
let page: Page;
/** A bundle and the public key of somebody nobody here knows yet. */
let friend: { bundle: string; key: string; fingerprint: string };
beforeAll(async () => {
  [workspace, browser] = await Promise.all([startWorkspace('ways'), launchBrowser()]);
  friend = await makeFriend(join(workspace.dir, 'friend'));
  window = await openWindow(browser, workspace.link);
  page = window.page;
});
afterAll(async () => {
  await browser?.close();
  await workspace?.stop();
});

async function makeFriend(dir: string) {
  const options = { home: join(dir, 'home'), env: { EDGEWRIGHT_KEY_STORE: 'file' } };
  const run = async (...args: string[]) => {
    const done = await cli(args, options);
    expect(done.code, done.stderr).toBe(0);
  };
  const files = { bundle: join(dir, 'pump-2.0.0.tar'), key: join(dir, 'friend.pub') };
  const model = join(dir, 'pump.onnx');
  await run('trust', 'export-public', files.key);
  await copyFile(join(ROOT, 'test/fixtures/digits/model.onnx'), model);
  await run('bundle', 'import', model, '--as', 'pump@2.0.0');
  await run('bundle', 'export', 'pump@2.0.0', files.bundle);
  const der = createPublicKey(await readFile(files.key)).export({ type: 'spki', format: 'der' });
  return { ...files, fingerprint: createHash('sha256').update(der).digest('hex') };
}

/** What axe finds, in both schemes where nothing else is said. */
async function checkAccess(what: string, schemes: readonly ('dark' | 'light')[] = ['dark', 'light']): Promise<void> {
  for (const colorScheme of schemes) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map((one) => `${what}, ${colorScheme}: ${one.id} (${one.nodes.map((node) => node.target.join(' ')).join(', ')})`)).toEqual([]);
  }
}

function go(screen: string): Promise<void> {
  return page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: screen, exact: true }).click();
}

/** Opens one of the actions behind More with the keyboard. */
async function openAction(name: string): Promise<Locator> {
  await tabTo(page, page.getByRole('banner').getByRole('button', { name: 'More' }));
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name }).click();
  return page.getByRole('dialog');
}

test('a bundle file is chosen, taken in, and is quarantined: the page says why and what can be done', async () => {
  await go('Bundles');
  await page.getByRole('banner').getByRole('button', { name: 'Add a bundle' }).click();
  const sheet = page.getByRole('dialog', { name: 'Add a bundle' });
  await sheet.getByRole('button', { name: 'Add the sample' }).waitFor();
  for (const way of ['Model file', 'Folder', 'Bundle file', 'Registry']) {
    await page.keyboard.press('ArrowRight');
    await sheet.getByRole('radio', { name: way, checked: true }).waitFor();
    await checkAccess(`Add a bundle, ${way}`, [way === 'Registry' ? 'dark' : 'light']);
  }
  await page.keyboard.press('ArrowLeft');
  // A file that is none is refused with what was expected.
  await sheet.getByLabel('File on this computer').fill(join(ROOT, 'package.json'));
  await sheet.getByRole('button', { name: 'Import the bundle' }).click();
  await sheet.getByRole('alert').getByText('Nothing was stored.').waitFor();
  await page.locator('input[type=file]').setInputFiles(friend.bundle);
  await sheet.getByText('pump-2.0.0.tar').waitFor();
  await sheet.getByRole('button', { name: 'Import the bundle' }).click();
  await heading(page, 'pump@2.0.0');
  const why = page.getByRole('region', { name: 'Why it cannot be used' });
  await why.getByRole('heading', { name: 'Quarantined: nobody trusted here signed it' }).waitFor();
  await page
    .getByRole('table', { name: 'Signatures' })
    .getByRole('row', { name: /Nobody known here/ })
    .waitFor();
  expect(await page.getByRole('button', { name: 'Set up a trial' }).count()).toBe(0);
  await checkAccess('a quarantined bundle');
  // The copy that the browser handed over is gone again.
  expect((await readdir(join(workspace.dir, 'home'), { recursive: true })).filter((path) => path.includes('upload-'))).toEqual([]);
});

test('its signer is trusted by the fingerprint, which releases it; a private key is not taken', async () => {
  await page.getByRole('button', { name: 'Trust its signer…' }).click();
  const sheet = page.getByRole('dialog', { name: 'Trust a signer' });
  await sheet.getByLabel('Key or certificate').fill('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----');
  await sheet.getByRole('alert').getByText('This is a private key.', { exact: false }).waitFor();
  expect(await sheet.getByLabel('Key or certificate').inputValue()).toBe('');
  await sheet.locator('input[type=file]').setInputFiles(friend.key);
  const offer = sheet.getByRole('region', { name: 'What would be trusted' });
  expect((await offer.locator('code').textContent())?.replaceAll(' ', '')).toBe(friend.fingerprint);
  await checkAccess('what would be trusted');
  const trust = sheet.getByRole('button', { name: 'Trust this signer' });
  expect(await trust.isDisabled()).toBe(true);
  await offer.getByLabel('Name').fill('East plant');
  await sheet.getByRole('button', { name: 'Trust East plant' }).click();
  await sheet.getByText('1 bundle waited for them').waitFor();
  await sheet.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('button', { name: 'Set up a trial' }).waitFor();
  await page
    .getByRole('table', { name: 'Signatures' })
    .getByRole('row', { name: /East plant.*Signer.*Counts/ })
    .waitFor();
});

test('who is trusted stands in the settings; taking somebody out says first what that quarantines', async () => {
  await go('Settings');
  const table = page.getByRole('table', { name: 'Trusted signers' });
  await table.getByRole('row', { name: /East plant.*A public key, P-256/ }).waitFor();
  await checkAccess('settings');
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save our public key' }).click();
  expect(await readFile(await (await saved).path(), 'utf8')).toMatch(/^-----BEGIN PUBLIC KEY-----/);
  await table.getByRole('button', { name: 'Remove… East plant' }).click();
  const question = page.getByRole('dialog', { name: 'Trust East plant no longer' });
  await question.getByRole('link', { name: 'pump@2.0.0' }).waitFor();
  await checkAccess('trusting somebody no longer');
  await question.getByRole('button', { name: 'Trust East plant no longer' }).click();
  await question.waitFor({ state: 'detached' });
  await table.getByRole('row', { name: /East plant/ }).waitFor({ state: 'detached' });
});

test('a person signs it here, with a reason that stands in its history', async () => {
  await go('Bundles');
  await page.getByRole('table', { name: 'Bundles' }).getByRole('link', { name: 'pump' }).click();
  await page.getByRole('region', { name: 'Why it cannot be used' }).getByRole('button', { name: 'Sign here…' }).click();
  const sheet = page.getByRole('dialog', { name: 'Sign pump@2.0.0 here' });
  await checkAccess('signing');
  const sign = sheet.getByRole('button', { name: 'Sign pump@2.0.0' });
  expect(await sign.isDisabled()).toBe(true);
  await sheet.getByLabel('Why it may be used').fill('handed over by its maker in person');
  await sign.click();
  await page.getByRole('button', { name: 'Set up a trial' }).waitFor();
  await page
    .getByRole('table', { name: 'History' })
    .getByRole('row', { name: /handed over by its maker in person/ })
    .waitFor();
  await page
    .getByRole('table', { name: 'Signatures' })
    .getByRole('row', { name: /This workspace.*Counts/ })
    .waitFor();
});

test('it is exported to a file, extracted into a folder, and verified', async () => {
  const file = join(workspace.dir, 'out.tar');
  let sheet = await openAction('Export to a file…');
  await sheet.getByLabel('File to write').fill('out.tar');
  expect(await sheet.getByRole('button', { name: 'Export to the file' }).isDisabled()).toBe(true);
  await sheet.getByLabel('File to write').fill(file);
  await sheet.getByRole('button', { name: 'Export to the file' }).click();
  await sheet.getByText(/written/).waitFor();
  expect((await stat(file)).size).toBeGreaterThan(10_000);
  await checkAccess('an export');
  await page.keyboard.press('Escape');
  await sheet.waitFor({ state: 'detached' });

  const folder = join(workspace.dir, 'out');
  sheet = await openAction('Extract the signed files…');
  await sheet.getByLabel('Folder to write').fill(folder);
  await sheet.getByRole('button', { name: 'Extract fp32' }).click();
  await sheet.getByText('Judge them anywhere:').waitFor();
  expect(await readdir(folder)).toEqual(expect.arrayContaining(['model.sig', 'signer.pub']));
  await checkAccess('an extraction');
  // The same folder again is refused, and says so.
  await sheet.getByLabel('Folder to write').fill(`${folder}/`);
  await sheet.getByRole('button', { name: 'Extract fp32' }).click();
  await sheet.getByRole('alert').waitFor();
  await page.keyboard.press('Escape');
  await sheet.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Verify the files' }).click();
  const verdict = page.getByText(/every digest is right and the signature holds/);
  await verdict.waitFor();
  // What was found of one bundle is not said of another.
  await page.evaluate(() => location.assign('#/bundles/digits%401.0.0'));
  await heading(page, 'digits@1.0.0');
  await page.getByRole('button', { name: 'Set up a trial' }).waitFor();
  expect(await verdict.count()).toBe(0);
  await page.goBack();
  await heading(page, 'pump@2.0.0');
});

test('a registry that does not answer is an error with a hint; nothing typed is lost', async () => {
  const sheet = await openAction('Push to a registry…');
  await sheet.getByLabel('Where to').fill('127.0.0.1:1/models/pump:2.0.0');
  await sheet.getByLabel('User').fill('me');
  await sheet.getByLabel('Password or token').fill('not shown');
  await sheet.getByText('A private authority, or no TLS').click();
  await checkAccess('a push');
  await sheet.getByRole('button', { name: 'Push to the registry' }).click();
  await sheet.getByRole('alert').getByText('The registry 127.0.0.1:1 cannot be reached.').waitFor();
  expect(await sheet.getByLabel('User').inputValue()).toBe('me');
  await page.keyboard.press('Escape');
  await sheet.waitFor({ state: 'detached' });
});

test('a push that hangs is stopped by its button', async () => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  const { port } = await new Promise<AddressInfo>((resolve) => silent.once('listening', () => resolve(silent.address() as AddressInfo)));
  const sheet = await openAction('Push to a registry…');
  await sheet.getByLabel('Where to').fill(`127.0.0.1:${port}/models/pump:2.0.0`);
  await sheet.getByRole('button', { name: 'Push to the registry' }).click();
  await sheet.getByRole('progressbar', { name: 'Push' }).waitFor();
  await checkAccess('a push under way');
  await sheet.getByRole('button', { name: 'Cancel' }).click();
  await sheet.getByText(/^Cancelled\./).waitFor();
  expect(await sheet.getByRole('alert').count()).toBe(0);
  await page.keyboard.press('Escape');
  await sheet.waitFor({ state: 'detached' });
  silent.close();
});

test('pushed into a registry, removed here, and pulled again', async () => {
  const registry = await serve(join(workspace.dir, 'registry'));
  try {
    const place = `${registry.address}/site/pump:2.0.0`;
    let sheet = await openAction('Push to a registry…');
    await sheet.getByLabel('Where to').fill(place);
    await sheet.getByRole('button', { name: 'Push to the registry' }).click();
    await sheet
      .getByRole('status')
      .getByText(/B sent/)
      .waitFor();
    await page.keyboard.press('Escape');
    await sheet.waitFor({ state: 'detached' });
    sheet = await openAction('Remove…');
    await sheet.getByRole('button', { name: 'Remove pump@2.0.0' }).click();
    await heading(page, 'Bundles');
    await page.getByRole('banner').getByRole('button', { name: 'Add a bundle' }).click();
    sheet = page.getByRole('dialog', { name: 'Add a bundle' });
    await sheet.getByText('Registry', { exact: true }).click();
    await sheet.getByLabel('Where from').fill(place);
    await sheet.getByRole('button', { name: 'Pull the bundle' }).click();
    await heading(page, 'pump@2.0.0');
    // This workspace signed it before, and its signature came back with it.
    await page.getByRole('button', { name: 'Set up a trial' }).waitFor();
  } finally {
    await registry.stop();
  }
});

test('what is dropped on the screen opens the way in that suits it', async () => {
  await go('Bundles');
  for (const [name, way] of [
    ['pump.onnx', 'Model file'],
    ['pump-2.0.0.tar', 'Bundle file'],
  ] as const) {
    await page.evaluate((called) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File(['x'], called));
      for (const kind of ['dragenter', 'dragover', 'drop']) document.body.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
    }, name);
    const sheet = page.getByRole('dialog', { name: 'Add a bundle' });
    await sheet.getByRole('radio', { name: way, checked: true }).waitFor();
    await sheet.getByText(name, { exact: true }).waitFor();
  }
  expect(window.complaints).toEqual([]);
});
