'use strict';
/** The npm scripts: what each needs made first, and what it then runs on our Node. */
const { join } = require('node:path');

/**
 * @typedef {object} Command
 * @property {false | 'once' | 'retry'} native the addon is made first; retry looks again for a compiler where there was none
 * @property {boolean} renderer the screens are made first
 * @property {string} entry run on our Node with the person's arguments
 */

/** @type {Record<string, Command>} */
const COMMANDS = {
  start: { native: 'retry', renderer: true, entry: 'boot/start.ts' },
  test: { native: 'retry', renderer: true, entry: 'boot/test.ts' },
  'test:long': { native: 'retry', renderer: true, entry: 'boot/test.ts' },
  check: { native: false, renderer: false, entry: 'boot/check.ts' },
  build: { native: 'retry', renderer: true, entry: 'boot/build.ts' },
  bench: { native: 'retry', renderer: false, entry: 'test/bench/main.ts' },
  edgewright: { native: 'once', renderer: false, entry: 'app/cli/main.ts' },
  'edgewright-agent': { native: 'once', renderer: false, entry: 'app/agent/main.ts' },
};

/**
 * Arguments for Node. `start` without a window is the engine itself, with nothing of boot between it and npm.
 * @param {string} root @param {string} name @param {readonly string[]} args @param {boolean} opensWindow
 * @returns {string[] | undefined} undefined for an unknown name
 */
function nodeArguments(root, name, args, opensWindow) {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) return undefined;
  if (name === 'start' && !opensWindow) return [join(root, 'app', 'engine', 'main.ts'), ...args.filter((arg) => arg !== '--no-open')];
  return [join(root, command.entry), ...(name === 'test:long' ? ['--long', ...args] : args)];
}

/**
 * Whether `npm start` should open a window here.
 * @param {{ args: readonly string[], env: NodeJS.ProcessEnv, platform: string }} what
 */
function opensWindow({ args, env, platform }) {
  if (args.includes('--no-open') || (env.CI !== undefined && env.CI !== '' && env.CI !== 'false' && env.CI !== '0')) return false;
  if (platform === 'win32') return true;
  // A display of the person's own: over SSH, macOS has none, and elsewhere X11 forwarding names one.
  if (platform === 'darwin') return env.SSH_CONNECTION === undefined;
  return Boolean(env.DISPLAY) || Boolean(env.WAYLAND_DISPLAY);
}

module.exports = { COMMANDS, nodeArguments, opensWindow };
