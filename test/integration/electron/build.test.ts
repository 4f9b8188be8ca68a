import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { afterAll, expect, test } from 'vitest';
import config from '../../../rolldown.config.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const dir = mkdtempSync(join(tmpdir(), 'edgewright-build-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function build(input: string): Promise<string> {
  const options = (Array.isArray(config) ? config : [config]).find((one) => one.input === input);
  if (!options || Array.isArray(options.output) || options.output?.file === undefined) throw new Error(`${input} is not built`);
  const { output, ...rest } = options;
  const file = join(dir, output.file ?? '');
  const bundle = await rolldown({ ...rest, cwd: root });
  await bundle.write({ ...output, file });
  await bundle.close();
  return readFileSync(file, 'utf8');
}

test('the preload is one CommonJS file that needs nothing but electron, as a sandboxed preload must', async () => {
  const code = await build('app/electron/preload.ts');
  expect([...code.matchAll(/require\(["'](.+?)["']\)/g)].map((match) => match[1])).toEqual(['electron']);
  expect(code).not.toMatch(/^\s*(import|export)\b/m);
  expect(code).not.toMatch(/exposeInMainWorld\([^)]*ipcRenderer\s*\)/);
  expect(readdirSync(join(dir, 'dist', 'electron')).filter((name) => name.endsWith('js'))).toEqual(['preload.cjs']);
});

test('main needs nothing but electron and Node', async () => {
  const code = await build('app/electron/main.ts');
  const imported = [...code.matchAll(/^import .*from "(.+?)";$/gm)].map((match) => match[1] ?? '');
  expect(imported.filter((name) => name !== 'electron' && !name.startsWith('node:'))).toEqual([]);
  expect(imported).toContain('electron');
});
