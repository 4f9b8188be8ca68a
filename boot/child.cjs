'use strict';
/** Children in the foreground (they are the command) and in the background (they are a step; their output is kept). */
const { spawn } = require('node:child_process');
const { constants } = require('node:os');

/** How much of a step's output is kept for the message when it fails, in bytes. */
const KEPT_OUTPUT_BYTES = 64 * 1024;
/** A terminal sends Ctrl-C to every process of the group and npm passes it on again: repeats within this are one, in ms. */
const REPEAT_SIGNAL_MS = 500;

/** How often we look whether whoever started us is still there, in ms. */
const PARENT_LOOK_MS = 250;

/** @type {NodeJS.Signals[]} */
const PASSED_ON = process.platform === 'win32' ? ['SIGINT', 'SIGTERM', 'SIGBREAK'] : ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];

/** Exit status of a process as a shell counts it. @param {number | null} code @param {NodeJS.Signals | null} signal */
function exitStatus(code, signal) {
  if (code !== null) return code;
  return 128 + (signal ? constants.signals[signal] : 1);
}

/**
 * Runs the command itself: it has our stdin, stdout and stderr, gets our signals, and its exit status becomes ours.
 * npm passes a signal to the shell it started us with, and many shells die of it without a word to us: so, under npm, the
 * command is asked to end when our parent is gone.
 * @param {string} file
 * @param {readonly string[]} args
 * @param {{ cwd: string, env: NodeJS.ProcessEnv, endWithParent?: boolean }} options
 * @returns {Promise<number>} its exit status
 */
function runForeground(file, args, options) {
  return new Promise((resolve, reject) => {
    const parent = process.ppid;
    const child = spawn(file, args, { cwd: options.cwd, env: options.env, stdio: 'inherit' });
    const look = setInterval(() => {
      if (!options.endWithParent || process.ppid === parent) return;
      clearInterval(look);
      child.kill('SIGTERM');
    }, PARENT_LOOK_MS);
    /** @type {Map<NodeJS.Signals, number>} */
    const passed = new Map();
    /** @param {NodeJS.Signals} signal */
    const pass = (signal) => {
      const now = Date.now();
      if (now - (passed.get(signal) ?? 0) < REPEAT_SIGNAL_MS) return;
      passed.set(signal, now);
      // At a terminal the child is in the same foreground group and has this signal already.
      if (process.stdin.isTTY && (signal === 'SIGINT' || signal === 'SIGQUIT')) return;
      child.kill(signal);
    };
    for (const signal of PASSED_ON) process.on(signal, pass);
    const done = () => {
      clearInterval(look);
      for (const signal of PASSED_ON) process.off(signal, pass);
    };
    child.once('error', (error) => {
      done();
      reject(error);
    });
    child.once('exit', (code, signal) => {
      done();
      resolve(exitStatus(code, signal));
    });
  });
}

/**
 * Runs one step and keeps its output. A signal to us ends the step and then us.
 * @param {string} file
 * @param {readonly string[]} args
 * @param {{ cwd: string, env: NodeJS.ProcessEnv, timeoutMs: number, everyMs?: number, onWait?: (seconds: number) => void, onStart?: (pid: number) => void }} options
 *   onWait is called each `everyMs` while it runs, onStart once with the process's id
 * @returns {Promise<{ status: number, output: string, timedOut: boolean }>}
 */
function runStep(file, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: options.cwd, env: options.env, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true });
    if (child.pid !== undefined) options.onStart?.(child.pid);
    const started = Date.now();
    let output = '';
    let timedOut = false;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (/** @type {string} */ text) => {
        output = (output + text).slice(-KEPT_OUTPUT_BYTES);
      });
    }
    const limit = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, options.timeoutMs);
    const tick = setInterval(() => options.onWait?.(Math.round((Date.now() - started) / 1000)), options.everyMs ?? 15_000);
    /** @param {NodeJS.Signals} signal */
    const stop = (signal) => {
      child.kill('SIGTERM');
      process.exit(exitStatus(null, signal));
    };
    for (const signal of PASSED_ON) process.on(signal, stop);
    const done = () => {
      clearTimeout(limit);
      clearInterval(tick);
      for (const signal of PASSED_ON) process.off(signal, stop);
    };
    child.once('error', (error) => {
      done();
      reject(error);
    });
    child.once('close', (code, signal) => {
      done();
      resolve({ status: exitStatus(code, signal), output, timedOut });
    });
  });
}

/** The last lines of a tool's output, for a message. @param {string} output @param {number} [lines] */
function tail(output, lines = 30) {
  return output.trimEnd().split('\n').slice(-lines).join('\n');
}

module.exports = { exitStatus, runForeground, runStep, tail };
