/** Looking into a model: its graph folded up, a node found and followed, its weights; with ten thousand nodes too. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeNode, writeModel } from '#core/onnx';
import { model, value } from '../unit/onnx/models.ts';
import { launchBrowser } from './browser.ts';
import { heading, openWindow, ROOT, startWorkspace, type Workspace } from './workspace.ts';

const dir = mkdtempSync(join(tmpdir(), 'edgewright-model-'));
const large = join(dir, 'ten-thousand.onnx');
const digits = join(ROOT, 'test', 'fixtures', 'digits', 'model.onnx');
let workspace: Workspace;
let browser: Browser;

beforeAll(async () => {
  const node = Array.from({ length: 10_000 }, (_, i) => makeNode('Add', [`t${i}`, 't0'], [`t${i + 1}`], { name: `add_${i}` }));
  await writeModel(model({ node, input: [value('t0')], output: [value('t10000')] }), large);
  [workspace, browser] = await Promise.all([startWorkspace('model'), launchBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await workspace?.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function look(page: Page, search: Record<string, string>): Promise<void> {
  const query = new URLSearchParams(Object.entries(search).map(([key, value]) => [key, JSON.stringify(value)]));
  await page.evaluate((hash) => {
    window.location.hash = hash;
  }, `#/bundles/model?${query.toString()}`);
}

async function violations(page: Page): Promise<string[]> {
  return (await new AxeBuilder({ page }).analyze()).violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.target.join(' ')).join(', ')}`);
}

describe.each(['light', 'dark'] as const)('in the %s scheme', (colorScheme) => {
  test('how fast it is: settings side by side, the runs drawn, where the time goes', async () => {
    const { page, complaints } = await openWindow(browser, workspace.link, { colorScheme });
    await look(page, { ref: digits, view: 'speed' });
    await page.getByText('Not measured yet').waitFor();
    await page.getByLabel('Threads').fill('1, many');
    await page.getByText('Whole numbers from 0 to 256, with commas between them').waitFor();
    expect(await page.getByRole('button', { name: 'Measure on this computer' }).isDisabled()).toBe(true);
    await page.getByLabel('Threads').fill('1, 2');
    await page.getByLabel('Rounds').fill('3');
    await page.getByLabel('Runs in a round').fill('20');
    await page.getByRole('button', { name: 'Measure on this computer' }).click();
    await page.getByRole('heading', { name: 'Where the time goes' }).waitFor();
    const settings = page.getByRole('table', { name: 'Measured settings' });
    await settings.getByText('2 threads, batch 1').waitFor();
    await page.getByRole('table', { name: 'Time by operator' }).getByText('Conv', { exact: true }).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('radio', { name: 'Table' }).check({ force: true });
    await page.getByRole('table', { name: 'Latencies as a table' }).waitFor();
    // Looking elsewhere and coming back costs no measurement.
    await look(page, { ref: digits, view: 'nodes' });
    await look(page, { ref: digits, view: 'speed' });
    await settings.getByText('2 threads, batch 1').waitFor();
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('from the bundle to a node, its neighbours and its weights', async () => {
    const { page, complaints } = await openWindow(browser, workspace.link, { colorScheme });
    await look(page, { ref: digits });
    await heading(page, 'model.onnx');
    await page.getByText('PyTorch', { exact: false }).first().waitFor();
    expect(await violations(page)).toEqual([]);

    await page.getByRole('radiogroup', { name: 'Views of the model' }).getByText('Graph').click();
    await page.getByRole('group', { name: 'Outline of the graph' }).waitFor();
    await page.getByRole('searchbox', { name: 'Find a node' }).fill('gemm');
    await page.getByText('1 node', { exact: true }).waitFor();
    await page.getByRole('list').getByRole('button', { name: /Gemm/ }).click();
    const panel = page.getByRole('complementary', { name: 'Node' });
    await panel.getByRole('heading', { name: 'Gemm' }).waitFor();
    await page.getByRole('group', { name: 'Nodes around the chosen one' }).waitFor();
    expect(await violations(page)).toEqual([]);
    await panel
      .getByRole('button', { name: /^from / })
      .first()
      .click();
    await panel.getByRole('heading', { name: 'Gemm' }).waitFor({ state: 'detached' });

    await page.getByRole('radiogroup', { name: 'Views of the model' }).getByText('Tensors').click();
    const rows = page.getByRole('table', { name: 'Tensors' }).getByRole('row');
    await rows.nth(1).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('complementary', { name: 'Tensor' }).getByText('Smallest').waitFor();
    expect(await violations(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});

test('ten thousand nodes: folded up at once, opened part by part, found by name', async () => {
  const { page, complaints } = await openWindow(browser, workspace.link);
  await look(page, { ref: large, view: 'graph' });
  await page.getByText('First 100 of 10,000 nodes').waitFor();
  const outline = page.getByRole('group', { name: 'Outline of the graph' });
  await outline
    .getByRole('button', { name: /, part$/ })
    .first()
    .click();
  await page.getByRole('navigation', { name: 'Where in the graph' }).getByRole('button').nth(1).waitFor();
  await page.getByRole('searchbox', { name: 'Find a node' }).fill('add_7777');
  await page.getByRole('list').getByRole('button', { name: 'Add add_7777', exact: true }).click();
  await page.getByRole('complementary', { name: 'Node' }).getByText('add_7777').first().waitFor();
  await page
    .getByRole('group', { name: 'Nodes around the chosen one' })
    .getByRole('button', { name: /add_7776/ })
    .waitFor();
  await page.getByRole('navigation', { name: 'Where in the graph' }).getByRole('button', { name: 'Whole graph' }).click();
  await outline.waitFor();
  expect(complaints).toEqual([]);
  await page.context().close();
});

test('a file that is not there, and one that is no model, say so', async () => {
  const { page } = await openWindow(browser, workspace.link);
  await look(page, { ref: join(dir, 'none.onnx') });
  await page.getByRole('alert').waitFor();
  await look(page, { ref: join(ROOT, 'package.json') });
  await page
    .getByText(/not an ONNX model|JSON/)
    .first()
    .waitFor();
  await page.context().close();
});
