'use strict';
/**
 * Dependencies from package-lock.json, with `npm ci` and without anybody's install script. A stamp in node_modules says
 * for which lockfile and platform they were installed; it is written last, so an interrupted install is done again.
 */
const fs = require('node:fs');
const { dirname, join } = require('node:path');
const { runStep, tail } = require('./child.cjs');
const { withLock } = require('./lock.cjs');
const { BootError, EXIT, say } = require('./say.cjs');
const { hashTree, readStamp, writeStamp } = require('./stamp.cjs');

/** Longest an install may take, in ms. */
const INSTALL_MS = 25 * 60_000;

/**
 * What is passed to npm says everything that a person's own npm configuration could change: what is installed (NODE_ENV
 * of production leaves out development dependencies), whether scripts run, and whether npm says why it failed.
 */
const CI_ARGS = [
  'ci',
  '--ignore-scripts',
  '--include=dev',
  '--include=optional',
  '--include=peer',
  '--engine-strict=false',
  '--no-audit',
  '--no-fund',
  '--no-progress',
  '--loglevel=error',
  // npm's own patience without a network is over a minute; this is a quarter of it, and enough for a stumble.
  '--fetch-retries=3',
  '--fetch-retry-mintimeout=2000',
  '--fetch-retry-maxtimeout=8000',
];

/** @param {string} dir the folder of package-lock.json */
function wantedStamp(dir) {
  return hashTree(dir, ['package-lock.json'], [process.platform, process.arch]);
}

/** @param {string} dir */
function stampPath(dir) {
  return join(dir, 'node_modules', '.edgewright-stamp');
}

/** @param {string} dir */
function isInstalled(dir) {
  return readStamp(stampPath(dir)) === wantedStamp(dir);
}

/**
 * @param {string} dir a folder with package.json and package-lock.json
 * @param {{ what?: string, npm?: { file: string, args: string[] }, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<void>}
 * @throws {BootError}
 */
async function ensureInstalled(dir, options = {}) {
  if (isInstalled(dir)) return;
  const what = options.what ?? 'dependencies';
  await withLock(
    join(dir, '.boot-lock'),
    async (onStart) => {
      if (isInstalled(dir)) return;
      if (matchesLockfile(dir)) return writeStamp(stampPath(dir), wantedStamp(dir));
      await install(dir, what, options, onStart);
    },
    { onWait: (holder) => say(`waiting for ${holder}, which is installing ${what} ...`) },
  );
}

/** @param {string} dir @param {string} what @param {{ npm?: { file: string, args: string[] }, env?: NodeJS.ProcessEnv }} options @param {(pid: number) => void} onStart */
async function install(dir, what, options, onStart) {
  const npm = options.npm ?? findNpm();
  const started = Date.now();
  say(`installing ${what} (first start, or they changed) ...`);
  // Both say "this install is whole", so neither may outlive the one it was written for.
  for (const path of [stampPath(dir), join(dir, 'node_modules', '.package-lock.json')]) fs.rmSync(path, { force: true });
  const stamp = wantedStamp(dir);
  const run = (/** @type {string[]} */ more) =>
    runStep(npm.file, [...npm.args, ...CI_ARGS, ...more], {
      cwd: dir,
      env: options.env ?? process.env,
      timeoutMs: INSTALL_MS,
      onStart,
      onWait: (seconds) => say(`... still installing (${seconds} s)`),
    }).catch((error) => {
      throw new BootError(`npm could not be started: ${error.message}`, EXIT.machine);
    });
  // What npm has in its cache needs no question to the registry; where the cache is too old to do, ask.
  let result = await run(['--prefer-offline']);
  if (result.status !== 0 && /ETARGET|notarget|EINTEGRITY/.test(result.output)) result = await run(['--prefer-online']);
  if (result.status !== 0) throw installError(what, result);
  writeStamp(stampPath(dir), stamp);
  say(`installed ${what} in ${Math.round((Date.now() - started) / 1000)} s.`);
}

/** @param {string} what @param {{ output: string, timedOut: boolean }} result */
function installError(what, result) {
  // A stack of npm's own code helps nobody.
  const output = result.output.replace(/^npm error (?:\s+at .*|\s+(?:code|errno|syscall|address|port|type):.*|})\n?/gm, '');
  if (result.timedOut)
    return new BootError(
      `installing ${what} took longer than ${INSTALL_MS / 60_000} minutes and was stopped; run this again to try once more.`,
      EXIT.network,
      tail(output),
    );
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|ENOTCACHED|network/i.test(output)) {
    return new BootError(
      `${what} could not be installed: npm cannot reach its registry. Connect this machine (or set npm's proxy or registry), then run this again. Later starts need no network.`,
      EXIT.network,
      tail(output),
    );
  }
  if (/ENOSPC/.test(output))
    return new BootError(`${what} could not be installed: the disk is full. Free about 2 GB, then run this again.`, EXIT.machine, tail(output));
  if (/EACCES|EPERM|EROFS/.test(output))
    return new BootError(
      `${what} could not be installed: this user may not write here. Clone Edgewright into a folder of your own.`,
      EXIT.machine,
      tail(output),
    );
  return new BootError(`${what} could not be installed; npm said:`, EXIT.machine, tail(output));
}

/**
 * Whether an install by hand (npm install, npm ci) already gave what the lockfile says: npm writes its own record of a
 * finished install last, so a record that agrees with the lockfile means that everything is there.
 * @param {string} dir
 */
function matchesLockfile(dir) {
  try {
    const wanted = readPackages(join(dir, 'package-lock.json'));
    const got = readPackages(join(dir, 'node_modules', '.package-lock.json'));
    return Object.entries(wanted).every(([path, entry]) => {
      if (path === '') return true;
      const there = got[path];
      // Optional ones for other platforms are in the lockfile only.
      if (!there) return entry.optional === true || entry.devOptional === true || entry.peer === true;
      return there.version === entry.version && there.integrity === entry.integrity && fs.existsSync(join(dir, path, 'package.json'));
    });
  } catch {
    return false;
  }
}

/** @typedef {{ version?: string, integrity?: string, optional?: boolean, devOptional?: boolean, peer?: boolean }} LockEntry */
/** @param {string} path @returns {Record<string, LockEntry>} */
function readPackages(path) {
  return JSON.parse(fs.readFileSync(path, 'utf8')).packages;
}

/** The npm that runs us; else the one beside this Node; else the one on PATH. @returns {{ file: string, args: string[] }} */
function findNpm() {
  const places = [
    process.env.npm_execpath,
    join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    join(dirname(process.execPath), 'node_modules', 'npm', 'bin', 'npm-cli.js'),
  ];
  const found = places.find((path) => path !== undefined && /npm-cli\.c?js$/.test(path) && fs.existsSync(path));
  return found === undefined ? { file: process.platform === 'win32' ? 'npm.cmd' : 'npm', args: [] } : { file: process.execPath, args: [found] };
}

module.exports = { ensureInstalled, installError, isInstalled, matchesLockfile };
