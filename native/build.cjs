'use strict';
/**
 * Builds the native addon where a C++ compiler is there, and says in one line what happened. Written for old Nodes: the boot
 * script runs it before our own Node is known to be there. It never fails its caller and never uses the network: the
 * headers come from the npm package that carries Node 24, else from the Node that runs.
 * A build happens in a folder of its own and is moved into place whole, so that two at once, or one cut short, do no harm.
 */
const { spawnSync } = require('child_process');
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');

const HERE = __dirname;
const MODULES = path.join(HERE, '..', 'node_modules');
const BUILD = path.join(HERE, 'build');
const OUTPUT = path.join(BUILD, 'Release', 'edgewright.node');
const STAMP = path.join(BUILD, 'stamp.json');
const LOG = path.join(BUILD, 'build.log');
/** A build takes seconds; one that takes this long hangs. In ms. */
const BUILD_TIMEOUT_MS = 5 * 60 * 1000;
/** A compiler that does not tell its version within this time is none. In ms. */
const PROBE_TIMEOUT_MS = 20 * 1000;
const TWINS = 'using the TypeScript twins';

function main() {
  if (!fs.existsSync(path.join(MODULES, 'node-gyp', 'bin', 'node-gyp.js')) || !fs.existsSync(path.join(MODULES, 'node-addon-api', 'napi.h'))) {
    return 'node-gyp or node-addon-api is not installed: ' + TWINS;
  }
  const key = inputsHash();
  const stamp = readStamp();
  if (stamp.key === key && fs.existsSync(OUTPUT)) return 'reused';
  // A machine whose compiler failed on these very inputs would fail again: say so at once. EDGEWRIGHT_BUILD=1 tries anyway.
  if (stamp.key === key && stamp.failed && process.env.EDGEWRIGHT_BUILD !== '1') return stamp.failed;

  if (!hasCompiler()) return 'no C++ compiler: ' + TWINS;
  const nodeDir = findHeaders();
  if (!nodeDir) return 'no Node.js headers: ' + TWINS;

  const started = Date.now();
  fs.mkdirSync(path.join(BUILD, 'Release'), { recursive: true });
  sweep();
  const work = fs.mkdtempSync(path.join(BUILD, 'work-'));
  try {
    for (const file of sources()) {
      fs.mkdirSync(path.dirname(path.join(work, file)), { recursive: true });
      fs.copyFileSync(path.join(HERE, file), path.join(work, file));
    }
    const result = spawnSync(nodeBinary(), [path.join(MODULES, 'node-gyp', 'bin', 'node-gyp.js'), 'rebuild', '--nodedir=' + nodeDir], {
      cwd: work,
      env: buildEnv(),
      encoding: 'utf8',
      timeout: BUILD_TIMEOUT_MS,
      killSignal: 'SIGKILL',
      maxBuffer: 64 * 1024 * 1024,
      windowsHide: true,
    });
    fs.writeFileSync(LOG, (result.stdout || '') + (result.stderr || '') + (result.error ? String(result.error) : ''));
    const built = path.join(work, 'build', 'Release', 'edgewright.node');
    if (result.status !== 0 || !fs.existsSync(built)) {
      const line = /Could not find any Visual Studio/.test(result.stderr || '')
        ? 'no C++ compiler: ' + TWINS
        : 'the build failed (' + path.relative(path.join(HERE, '..'), LOG) + '): ' + TWINS;
      writeStamp({ key, failed: line });
      return line;
    }
    // Rename, never overwrite: a process that has the old one loaded keeps it.
    fs.renameSync(built, OUTPUT);
    writeStamp({ key });
    return 'built in ' + ((Date.now() - started) / 1000).toFixed(1) + ' s';
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

/** Removes the folders of builds that were cut short; one younger than a build may take can still be at work. */
function sweep() {
  for (const name of fs.readdirSync(BUILD)) {
    const dir = path.join(BUILD, name);
    if (name.startsWith('work-') && Date.now() - fs.statSync(dir).mtimeMs > BUILD_TIMEOUT_MS) fs.rmSync(dir, { recursive: true, force: true });
  }
}

/** Everything the addon is made of, relative to this folder. */
function sources() {
  const inSrc = fs.readdirSync(path.join(HERE, 'src')).sort();
  return ['binding.gyp'].concat(inSrc.map((name) => path.join('src', name)));
}

/** SHA-256 over all that decides what the build gives: sources, this script, platform, and the versions of what it is built with. */
function inputsHash() {
  const hash = crypto.createHash('sha256');
  for (const file of sources().concat(['build.cjs'])) {
    hash.update(file.split(path.sep).join('/') + '\0');
    hash.update(fs.readFileSync(path.join(HERE, file)));
  }
  for (const name of ['node-gyp', 'node-addon-api', nodePackage()]) {
    hash.update(name + '\0' + packageVersion(name) + '\0');
  }
  hash.update(process.platform + ' ' + process.arch + ' ' + (process.env.CXX || ''));
  return hash.digest('hex');
}

function packageVersion(name) {
  try {
    return JSON.parse(fs.readFileSync(path.join(MODULES, name, 'package.json'), 'utf8')).version;
  } catch (_) {
    return 'none';
  }
}

function nodePackage() {
  return 'node-' + (process.platform === 'win32' ? 'win' : process.platform) + '-' + process.arch;
}

/** node-gyp 13 needs a recent Node: our own where it is installed, else the one that runs this. */
function nodeBinary() {
  const own = path.join(MODULES, nodePackage(), 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  return fs.existsSync(own) ? own : process.execPath;
}

function findHeaders() {
  const beside = path.dirname(process.execPath);
  for (const dir of [path.join(MODULES, nodePackage()), path.dirname(beside), beside]) {
    if (fs.existsSync(path.join(dir, 'include', 'node', 'node_api.h'))) return fs.realpathSync(dir);
  }
  return undefined;
}

/** On Windows node-gyp itself knows where to look for Visual Studio; elsewhere what counts is a compiler and make that start. */
function hasCompiler() {
  if (process.platform === 'win32') return true;
  const starts = (command, args) => spawnSync(command, args, { stdio: 'ignore', timeout: PROBE_TIMEOUT_MS }).status === 0;
  const compilers = process.env.CXX ? [process.env.CXX.split(' ')[0]] : ['c++', 'g++', 'clang++'];
  return compilers.some((name) => starts(name, ['--version'])) && starts(process.env.MAKE || 'make', ['--version']);
}

/** npm's own settings (a foreign nodedir, say) must not steer this build, and `node` in binding.gyp must be one that runs. */
function buildEnv() {
  const env = {};
  for (const name of Object.keys(process.env)) {
    if (!/^npm_/i.test(name)) env[name] = process.env[name];
  }
  const pathName = Object.keys(env).find((name) => name.toUpperCase() === 'PATH') || 'PATH';
  env[pathName] = path.dirname(nodeBinary()) + path.delimiter + (env[pathName] || '');
  if (!env.CXX && process.platform !== 'win32' && spawnSync('g++', ['--version'], { stdio: 'ignore' }).status !== 0) env.CXX = 'c++';
  return env;
}

function readStamp() {
  try {
    return JSON.parse(fs.readFileSync(STAMP, 'utf8'));
  } catch (_) {
    return {};
  }
}

function writeStamp(stamp) {
  const temp = STAMP + '.' + process.pid;
  fs.writeFileSync(temp, JSON.stringify(stamp) + '\n');
  fs.renameSync(temp, STAMP);
}

let outcome;
try {
  outcome = main();
} catch (error) {
  outcome = 'the build could not start (' + (error && error.message) + '): ' + TWINS;
}
console.log('native addon: ' + outcome);
