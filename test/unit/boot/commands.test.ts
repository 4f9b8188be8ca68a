import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { COMMANDS, nodeArguments, opensWindow } from '../../../boot/commands.cjs';

const root = join(import.meta.dirname, '..', '..', '..');

test('every npm script is a command of boot, under its own name', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
  expect(scripts).toEqual(Object.fromEntries(Object.keys(COMMANDS).map((name) => [name, `node boot.cjs ${name}`])));
});

describe('a window is opened', () => {
  const cases: [string, Parameters<typeof opensWindow>[0], boolean][] = [
    ['on X11', { args: [], env: { DISPLAY: ':0' }, platform: 'linux' }, true],
    ['on Wayland', { args: [], env: { WAYLAND_DISPLAY: 'wayland-0' }, platform: 'linux' }, true],
    ['not without a display', { args: [], env: {}, platform: 'linux' }, false],
    ['not with an empty DISPLAY', { args: [], env: { DISPLAY: '' }, platform: 'linux' }, false],
    ['not in CI', { args: [], env: { CI: 'true', DISPLAY: ':0' }, platform: 'linux' }, false],
    ['with CI=false', { args: [], env: { CI: 'false', DISPLAY: ':0' }, platform: 'linux' }, true],
    ['not with --no-open', { args: ['--no-open'], env: { DISPLAY: ':0' }, platform: 'linux' }, false],
    ['on macOS', { args: [], env: {}, platform: 'darwin' }, true],
    ['not over SSH to macOS', { args: [], env: { SSH_CONNECTION: 'a b' }, platform: 'darwin' }, false],
    ['on Windows', { args: [], env: {}, platform: 'win32' }, true],
  ];
  test.each(cases)('%s', (_name, what, expected) => expect(opensWindow(what)).toBe(expected));
});

test('start without a window is the engine itself, and --no-open is ours alone', () => {
  expect(nodeArguments('/r', 'start', ['--no-open', '--x'], false)).toEqual([join('/r', 'app/engine/main.ts'), '--x']);
  expect(nodeArguments('/r', 'start', ['--x'], true)).toEqual([join('/r', 'boot/start.ts'), '--x']);
});

test('arguments reach the command as they were given', () => {
  expect(nodeArguments('/r', 'edgewright', ['run', 'a b', '--json', ''], false)).toEqual([join('/r', 'app/cli/main.ts'), 'run', 'a b', '--json', '']);
});

test.each(['nope', '', 'constructor', '__proto__'])('%j is no command', (name) => expect(nodeArguments('/r', name, [], false)).toBeUndefined());
