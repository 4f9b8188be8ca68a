/** A text written in the playground, and its answer in each form there is: as it is generated, in parts, as likeness. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeBigram } from '../integration/bigram.ts';
import { cli } from '../lib/cli.ts';
import { launchBrowser } from './browser.ts';
import { heading, openWindow, startWorkspace, type Workspace } from './workspace.ts';

let workspace: Workspace;
let browser: Browser;
beforeAll(async () => {
  [workspace, browser] = await Promise.all([startWorkspace('text'), launchBrowser()]);
  const home = join(workspace.dir, 'home');
  const folders = {
    writer: await writeBigram(join(workspace.dir, 'writer'), { name: 'writer', answer: 'kind: generate, stopTokens: ["[END]"]' }),
    finder: await writeBigram(join(workspace.dir, 'finder'), { name: 'finder', answer: 'kind: spans, output: logits, scheme: plain, outside: none' }),
    likeness: await writeBigram(join(workspace.dir, 'likeness'), {
      name: 'likeness',
      recipe: 'texts: several\ntokenize: {padToken: "[END]"}\n',
      answer: 'kind: embedding, output: logits',
    }),
  };
  await writeFile(join(folders.finder, 'labels.txt'), 'none\nnone\nMACHINE\nSTATE\nnone\nTIME\n');
  await writeFile(
    join(folders.finder, 'edgewright.yaml'),
    'name: finder\nversion: 1.0.0\nmodel: model.onnx\ngolden: golden.npz\nrecipe: recipe.yaml\nlabels: labels.txt\n',
  );
  for (const folder of Object.values(folders)) {
    const built = await cli(['bundle', 'build', folder], { home, env: { EDGEWRIGHT_KEY_STORE: 'file' } });
    expect(built.code, built.stderr).toBe(0);
  }
});
afterAll(async () => {
  await browser?.close();
  await workspace?.stop();
});

test.each(['light', 'dark'] as const)('texts and their answers, in the %s scheme', async (scheme) => {
  const { page, complaints } = await openWindow(browser, workspace.link, { colorScheme: scheme, viewport: { width: 1280, height: 800 } });
  const shots = process.env['EDGEWRIGHT_SCREENSHOTS'];
  await page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: 'Playground' }).click();
  await heading(page, 'Playground');
  const answer = page.getByRole('region', { name: 'Answer of fp32' });
  for (const [bundle, text, shows] of [
    ['writer@1.0.0', 'the pump', 'stopped at noon'],
    ['finder@1.0.0', 'the pump stopped at noon', 'MACHINE'],
    ['likeness@1.0.0', 'the pump\nat noon\nthe pump', '1.000'],
  ] as const) {
    await page.getByRole('combobox', { name: 'Bundle' }).selectOption(bundle);
    const box = page.getByRole('textbox', { name: 'Text' });
    await box.fill(text);
    await page.keyboard.press('Control+Enter');
    await answer.getByText(shows).first().waitFor();
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map((one) => `${bundle} ${one.id}: ${one.nodes.map((node) => node.target.join(' ')).join(', ')}`)).toEqual([]);
    if (shots !== undefined) await page.screenshot({ path: join(shots, `${bundle.replace('@1.0.0', '')}-${scheme}.png`) });
  }
  expect(complaints).toEqual([]);
  await page.context().close();
});
