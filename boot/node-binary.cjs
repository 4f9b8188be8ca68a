'use strict';
/** Which Node runs Edgewright: the one from the optional dependencies, else an installed one that is new enough. */
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const { join } = require('node:path');
const { BootError, EXIT } = require('./say.cjs');

/** The oldest installed Node that will do where no bundled one runs: it strips types and has Node-API 10. */
const OLDEST_INSTALLED = { major: 24, minor: 15 };
/** Longest the bundled Node may take to say its version, in ms. */
const VERSION_MS = 30_000;

/** @param {string} version 'v24.21.0' */
function isNewEnough(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  return major > OLDEST_INSTALLED.major || (major === OLDEST_INSTALLED.major && minor >= OLDEST_INSTALLED.minor);
}

/**
 * Where the optional dependency for a platform puts its binary. We run the binary itself, not the link in .bin: its path
 * is what our child processes are started with.
 * @param {string} root @param {string} [platform] @param {string} [arch]
 */
function bundledNode(root, platform = process.platform, arch = process.arch) {
  const name = platform === 'win32' ? 'win' : platform;
  return join(root, 'node_modules', `node-${name}-${arch}`, 'bin', platform === 'win32' ? 'node.exe' : 'node');
}

/**
 * The decision, without looking at the machine.
 * @param {{ bundled: { path: string, version: string } | undefined, current: { path: string, version: string }, platform: string }} what
 *   bundled is undefined where the platform has none, or it does not run here
 * @returns {{ path: string, line?: string }} line is said to the person
 * @throws {BootError}
 */
function chooseNode({ bundled, current, platform }) {
  if (bundled && isNewEnough(bundled.version)) return { path: bundled.path };
  const needed = `${OLDEST_INSTALLED.major}.${OLDEST_INSTALLED.minor} or newer`;
  if (isNewEnough(current.version))
    return { path: current.path, line: `no Node.js comes with Edgewright for ${platform}; using the installed ${current.version}.` };
  throw new BootError(
    `no Node.js comes with Edgewright for ${platform}, and the installed ${current.version} is too old: install Node.js ${needed} from https://nodejs.org, then run this again.`,
    EXIT.machine,
  );
}

/** What the bundled binary says its version is; undefined when it is not there or cannot run (musl, another processor). @param {string} path */
function probeNode(path) {
  if (!fs.existsSync(path)) return undefined;
  const result = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: VERSION_MS, windowsHide: true });
  return result.status === 0 ? { path, version: result.stdout.trim() } : undefined;
}

module.exports = { bundledNode, chooseNode, isNewEnough, probeNode };
