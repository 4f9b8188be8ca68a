import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { tooOld } from '../../../boot.cjs';

const root = join(import.meta.dirname, '..', '..', '..');
const dir = mkdtempSync(join(tmpdir(), 'edgewright-old-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test.each(['v0.10.48', 'v8.17.0', 'v18.20.8', 'v19.9.0'])('%s is too old, and the line says what to do', (version) => {
  expect(tooOld(version)).toContain(version);
  expect(tooOld(version)).toContain('Node.js 20 or newer');
});

test.each(['v20.0.0', 'v20.20.2', 'v22.1.0', 'v24.21.0', 'v100.0.0'])('%s will do', (version) => {
  expect(tooOld(version)).toBeUndefined();
});

test('on an old Node the command ends with one line and exit code 6, and nothing on stdout', () => {
  const pretend = join(dir, 'pretend.cjs');
  writeFileSync(pretend, "Object.defineProperty(process, 'version', { value: 'v12.22.12' });\n");
  const result = spawnSync(process.execPath, ['--require', pretend, join(root, 'boot.cjs'), 'edgewright', '--help'], { encoding: 'utf8' });
  expect(result.status).toBe(6);
  expect(result.stdout).toBe('');
  expect(result.stderr.trimEnd().split('\n')).toEqual([tooOld('v12.22.12')]);
});

test('boot.cjs holds nothing that an old Node cannot parse', () => {
  const code = readFileSync(join(root, 'boot.cjs'), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  expect(code).not.toMatch(/=>|`|\?\.|\?\?|\.\.\.|\b(?:const|let|class|async|await|import|export)\b/);
});
