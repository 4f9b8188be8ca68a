'use strict';
/** What some commands need made first: the native addon and the screens. Each is stamped, so it is made once. */
const fs = require('node:fs');
const { join } = require('node:path');
const { runStep, tail } = require('./child.cjs');
const { withLock } = require('./lock.cjs');
const { BootError, EXIT, say } = require('./say.cjs');
const { hashTree, readStamp, writeStamp } = require('./stamp.cjs');

/** Longest a compile may take, in ms. */
const NATIVE_MS = 10 * 60_000;
/** Longest a build of the screens may take, in ms. */
const RENDERER_MS = 5 * 60_000;

/** @typedef {{ root: string, node: string, env: NodeJS.ProcessEnv }} Place */

/**
 * The C++ addon, or word that its TypeScript twins are used. native/build.cjs never fails and says in one line what it did.
 * @param {Place} place
 * @param {boolean} retry where there was no compiler the last time, look again
 */
async function ensureNative({ root, node, env }, retry) {
  const stampPath = join(root, 'node_modules', '.edgewright-native');
  const wanted = hashTree(root, ['native', 'package-lock.json'], [process.platform, process.arch]);
  const isDone = () => {
    const stamp = readStamp(stampPath);
    if (stamp === `${wanted} twins`) return !retry;
    return stamp === `${wanted} built` && fs.existsSync(join(root, 'native', 'build', 'Release', 'edgewright.node'));
  };
  if (isDone()) return;
  await withLock(join(root, '.boot-lock'), async (onStart) => {
    if (isDone()) return;
    const result = await runStep(node, [join(root, 'native', 'build.cjs')], {
      cwd: root,
      env,
      timeoutMs: NATIVE_MS,
      onStart,
      onWait: (s) => say(`... still compiling the native addon (${s} s)`),
    });
    const line = result.output.trim().split('\n').at(-1) ?? '';
    const built = /: (built|reused)/.test(line);
    if (!line.endsWith(': reused')) say(line);
    writeStamp(stampPath, `${wanted} ${built ? 'built' : 'twins'}`);
  });
}

/** What the screens are built from. */
const RENDERER_SOURCES = ['renderer', 'app/contract', 'package-lock.json', 'tsconfig.base.json'];

/**
 * The screens, in dist/renderer.
 * @param {Place} place
 * @throws {BootError}
 */
async function ensureRenderer({ root, node, env }) {
  const stampPath = join(root, 'dist', '.renderer-stamp');
  const isDone = () => readStamp(stampPath) === hashTree(root, RENDERER_SOURCES) && fs.existsSync(join(root, 'dist', 'renderer', 'index.html'));
  if (isDone()) return;
  await withLock(join(root, '.boot-lock'), async (onStart) => {
    if (isDone()) return;
    const started = Date.now();
    say('building the screens ...');
    const stamp = hashTree(root, RENDERER_SOURCES);
    const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
    const result = await runStep(node, [vite, 'build', 'renderer', '--config', 'renderer/vite.config.ts', '--logLevel', 'warn'], {
      cwd: root,
      env,
      timeoutMs: RENDERER_MS,
      onStart,
    });
    if (result.status !== 0) throw new BootError('the screens could not be built:', EXIT.bug, tail(result.output));
    writeStamp(stampPath, stamp);
    say(`built the screens in ${((Date.now() - started) / 1000).toFixed(1)} s.`);
  });
}

module.exports = { ensureNative, ensureRenderer };
