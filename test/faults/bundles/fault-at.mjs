/**
 * Preloaded into a child (`node --import`): counts every change it makes to the file system through node:fs/promises and, at
 * the FAULT_AT-th, either dies as by a power cut (FAULT_KIND=kill), finds the disk full from then on (FAULT_KIND=full) or
 * failing from then on (FAULT_KIND=broken: EIO for all of them).
 * FAULT_LOG names a file that gets one line for each change: what was done to which path.
 */
import { appendFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';

const at = Number(process.env.FAULT_AT ?? Number.POSITIVE_INFINITY);
const kind = process.env.FAULT_KIND ?? 'kill';
const log = process.env.FAULT_LOG;
let count = 0;

/** A full disk still lets files be renamed, closed and deleted. */
const NEEDS_SPACE = new Set(['open', 'mkdir', 'write', 'writeFile', 'sync']);

function step(what, path) {
  count++;
  if (log) appendFileSync(log, `${what} ${path}\n`);
  if (count < at) return;
  if (kind === 'kill') process.kill(process.pid, 'SIGKILL');
  if (kind === 'broken') throw Object.assign(new Error(`EIO: i/o error, ${what}`), { code: 'EIO', errno: -5, syscall: what, path });
  if (NEEDS_SPACE.has(what)) throw Object.assign(new Error(`ENOSPC: no space left on device, ${what}`), { code: 'ENOSPC', errno: -28, syscall: what, path });
}

function patch(target, name, pathOf, counts = () => true) {
  const original = target[name];
  target[name] = async function (...args) {
    if (counts(...args)) step(name, pathOf.call(this, ...args));
    return original.apply(this, args);
  };
}

const probe = await fs.open(tmpdir(), 'r');
const FileHandle = Object.getPrototypeOf(probe);
await probe.close();
const paths = new WeakMap();
for (const name of ['write', 'writeFile', 'sync', 'datasync', 'truncate', 'chmod']) patch(FileHandle, name, function () {
  return paths.get(this) ?? '?';
});

const writes = (flags) => typeof flags === 'string' && /[wa+]/.test(flags);
const open = fs.open;
fs.open = async (path, flags, mode) => {
  if (writes(flags)) step('open', path);
  const handle = await open(path, flags, mode);
  paths.set(handle, path);
  return handle;
};
for (const name of ['rename', 'link', 'mkdir', 'unlink', 'rm', 'writeFile', 'chmod']) patch(fs, name, (path) => path);
syncBuiltinESMExports();
