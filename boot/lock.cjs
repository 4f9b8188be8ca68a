'use strict';
/**
 * One boot at a time does a step. The lock is a folder that holds the holder's name: made elsewhere and renamed into
 * place, so that it is never seen half made. The holder touches it while it works; one that is gone (and with it the tool it
 * had started), or that has not touched it for STALE_MS, has lost it. This must work before anything is installed, hence no
 * SQLite here.
 */
const { randomBytes } = require('node:crypto');
const fs = require('node:fs');
const { hostname } = require('node:os');
const { join } = require('node:path');
const { BootError, EXIT } = require('./say.cjs');

/** A holder that has not touched its lock for this long is gone, in ms. */
const STALE_MS = 60_000;
/** How often a holder touches its lock, in ms. */
const TOUCH_MS = 5_000;
/** How often a waiter looks again, in ms. */
const LOOK_MS = 200;
/** How long a waiter waits at most, in ms: longer than the slowest install. */
const WAIT_MS = 30 * 60_000;
/** After this wait a waiter says what it waits for, in ms. */
const SAY_AFTER_MS = 2_000;

/**
 * @template T
 * @param {string} dir the lock; its parent folder must exist
 * @param {(started: (pid: number) => void) => Promise<T>} work tells the process it starts, which may outlive us
 * @param {{ onWait?: (holder: string) => void, waitMs?: number }} [options]
 * @returns {Promise<T>}
 */
async function withLock(dir, work, options = {}) {
  const token = await acquire(dir, options);
  const touch = setInterval(() => {
    const now = new Date();
    fs.utimes(join(dir, 'holder'), now, now, () => {});
  }, TOUCH_MS);
  const release = () => {
    clearInterval(touch);
    process.off('exit', release);
    if (readHolder(dir)?.token === token) fs.rmSync(dir, { recursive: true, force: true });
  };
  process.on('exit', release);
  try {
    return await work((pid) => fs.writeFileSync(join(dir, 'child'), String(pid)));
  } finally {
    release();
  }
}

/** @param {string} dir @param {{ onWait?: (holder: string) => void, waitMs?: number }} options @returns {Promise<string>} */
async function acquire(dir, options) {
  const token = randomBytes(8).toString('hex');
  const started = Date.now();
  let said = false;
  for (;;) {
    if (place(dir, token)) return token;
    const holder = readHolder(dir);
    if (holder && isStale(holder)) {
      remove(dir, holder.token);
      continue;
    }
    const waited = Date.now() - started;
    if (waited > (options.waitMs ?? WAIT_MS)) {
      throw new BootError(`another Edgewright start (process ${holder?.pid ?? 'unknown'}) holds ${dir}; stop it, then run this again.`, EXIT.machine);
    }
    if (!said && waited > SAY_AFTER_MS) {
      said = true;
      options.onWait?.(`process ${holder?.pid ?? 'unknown'}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** @param {string} dir @param {string} token @returns {boolean} whether the lock is ours now */
function place(dir, token) {
  const made = `${dir}.${token}`;
  fs.mkdirSync(made);
  fs.writeFileSync(join(made, 'holder'), JSON.stringify({ pid: process.pid, host: hostname(), token }));
  try {
    fs.renameSync(made, dir);
    return true;
  } catch (error) {
    fs.rmSync(made, { recursive: true, force: true });
    const code = /** @type {NodeJS.ErrnoException} */ (error).code;
    // Windows answers EPERM for a folder that is there already.
    if (code === 'ENOTEMPTY' || code === 'EEXIST' || (process.platform === 'win32' && (code === 'EPERM' || code === 'EACCES'))) return false;
    throw error;
  }
}

/** @param {string} dir @returns {{ pid: number, child: number | undefined, host: string, token: string, touched: number } | undefined} */
function readHolder(dir) {
  try {
    const path = join(dir, 'holder');
    const touched = fs.statSync(path).mtimeMs;
    const { pid, host, token } = JSON.parse(fs.readFileSync(path, 'utf8'));
    const child = fs.existsSync(join(dir, 'child')) ? Number(fs.readFileSync(join(dir, 'child'), 'utf8')) : undefined;
    return { pid: Number(pid), child, host: String(host), token: String(token), touched };
  } catch {
    return undefined;
  }
}

/** @param {{ pid: number, child: number | undefined, host: string, touched: number }} holder */
function isStale(holder) {
  if (Date.now() - holder.touched > STALE_MS) return true;
  // A holder that was killed leaves its npm or compiler at work: two at once in one folder would spoil it.
  return holder.host === hostname() && !isAlive(holder.pid) && !(holder.child && isAlive(holder.child));
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/**
 * Takes a stale lock away. Another waiter may have done so and placed its own in the meantime: what was moved is looked
 * at, and a lock that is not the stale one is put back.
 * @param {string} dir @param {string} staleToken
 */
function remove(dir, staleToken) {
  const grave = `${dir}.stale-${randomBytes(8).toString('hex')}`;
  try {
    fs.renameSync(dir, grave);
  } catch {
    return;
  }
  const moved = readHolder(grave);
  if (moved && moved.token !== staleToken) {
    try {
      fs.renameSync(grave, dir);
      return;
    } catch {
      // A third one placed its lock meanwhile; the one we moved finds its token gone and leaves the lock alone.
    }
  }
  fs.rmSync(grave, { recursive: true, force: true });
}

module.exports = { withLock };
