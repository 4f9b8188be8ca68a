'use strict';
/** The whole of boot: dependencies, our Node, what the command needs made, then the command. Runs on Node 20 or newer. */
const { join } = require('node:path');
const { runForeground } = require('./child.cjs');
const { COMMANDS, nodeArguments, opensWindow } = require('./commands.cjs');
const { ensureInstalled } = require('./install.cjs');
const { bundledNode, chooseNode, isNewEnough, probeNode } = require('./node-binary.cjs');
const { BootError, EXIT, say } = require('./say.cjs');
const { readStamp, writeStamp } = require('./stamp.cjs');
const { ensureNative, ensureRenderer } = require('./steps.cjs');

const ROOT = join(__dirname, '..');

/** @param {readonly string[]} argv NAME and its arguments */
async function main(argv) {
  try {
    process.exitCode = await boot(argv);
  } catch (error) {
    const known = error instanceof BootError;
    say(known ? error.message : `unexpected: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    if (known && error.detail) process.stderr.write(`${error.detail}\n`);
    process.exitCode = known ? error.exitCode : EXIT.bug;
  }
}

/** @param {readonly string[]} argv @returns {Promise<number>} the exit status of the command */
async function boot(argv) {
  const [name = '', ...args] = argv;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) throw new BootError(`no such script: '${name}'. There are: ${Object.keys(COMMANDS).join(', ')}.`, EXIT.usage);
  const env = environment(process.env);
  await ensureInstalled(ROOT);
  const node = findNode();
  if (command.native) await ensureNative({ root: ROOT, node, env }, command.native === 'retry');
  if (command.renderer) await ensureRenderer({ root: ROOT, node, env });
  const nodeArgs = nodeArguments(ROOT, name, args, opensWindow({ args, env, platform: process.platform }));
  return runForeground(node, nodeArgs ?? [], { cwd: ROOT, env, endWithParent: process.env.npm_lifecycle_event !== undefined });
}

/**
 * What the command gets: ours, plus where the person stands (npm says so in INIT_CWD; run without npm, it is our folder) and
 * where Node may keep what it compiled, which halves the time until the command runs.
 * @param {NodeJS.ProcessEnv} env
 */
function environment(env) {
  const standing = env.npm_lifecycle_event === undefined || env.INIT_CWD === undefined ? process.cwd() : env.INIT_CWD;
  return { NODE_COMPILE_CACHE: join(ROOT, 'node_modules', '.edgewright-cache'), ...env, INIT_CWD: standing };
}

/** The bundled binary is asked for its version once; the answer is kept beside it. */
function findNode() {
  const path = bundledNode(ROOT);
  const note = join(ROOT, 'node_modules', '.edgewright-node');
  const noted = readStamp(note);
  if (noted?.startsWith(`${path} `) && isNewEnough(noted.slice(path.length + 1))) return path;
  const bundled = probeNode(path);
  const { path: chosen, line } = chooseNode({
    bundled,
    current: { path: process.execPath, version: process.version },
    platform: `${process.platform}-${process.arch}`,
  });
  if (line) say(line);
  else if (bundled) writeStamp(note, `${path} ${bundled.version}`);
  return chosen;
}

module.exports = { main };
