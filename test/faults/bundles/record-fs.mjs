/**
 * Preloaded into a child (`node --import`): writes down, as lines of JSON in the file RECORD_LOG, every change that it makes
 * below RECORD_ROOT through node:fs/promises, with the bytes, and every time it has the disk take them. `covers` of a sync is
 * how many lines there were when it began: what came later is not covered. After a change the catalogue is copied to
 * RECORD_CATALOGUES/N when SQLite has written to it.
 */
import { appendFileSync, copyFileSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { isAbsolute, join, relative } from 'node:path';

const root = process.env.RECORD_ROOT;
const log = process.env.RECORD_LOG;
const catalogues = process.env.RECORD_CATALOGUES;
const catalogue = join(root, 'catalogue.db');
let lines = 0;
let files = 0;
let catalogueAs = '';

/** undefined for what lies elsewhere. */
function inside(path) {
  const name = relative(root, String(path));
  return name === '..' || name.startsWith('../') || isAbsolute(name) ? undefined : name;
}

function note(change) {
  appendFileSync(log, `${JSON.stringify(change)}\n`);
  lines++;
  const parts = [catalogue, `${catalogue}-wal`].filter((path) => existsSync(path));
  const now = parts.map((path) => `${statSync(path).mtimeMs} ${statSync(path).size}`).join();
  if (now === catalogueAs) return;
  catalogueAs = now;
  const copy = join(catalogues, String(lines));
  mkdirSync(copy, { recursive: true });
  for (const path of parts) copyFileSync(path, join(copy, relative(root, path)));
}

const bytesOf = (data) => (typeof data === 'string' ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.byteLength)).toString('base64');

const probe = await fs.open(tmpdir(), 'r');
const FileHandle = Object.getPrototypeOf(probe);
await probe.close();

/** What is known of an open file: its number, and where the next write goes. */
const known = new WeakMap();

const { open, writeFile, copyFile } = fs;
fs.open = async (path, flags = 'r', mode) => {
  const handle = await open(path, flags, mode);
  const name = inside(path);
  if (name === undefined) return handle;
  const id = files++;
  known.set(handle, { id, at: 0, appends: typeof flags === 'string' && flags.startsWith('a') });
  note({ do: 'open', id, path: name, creates: typeof flags === 'string' && /[wa]/.test(flags), empties: typeof flags === 'string' && flags.startsWith('w') });
  return handle;
};

const { write: handleWrite, writeFile: handleWriteFile, truncate } = FileHandle;
function wrote(handle, data, position) {
  const file = known.get(handle);
  if (!file) return;
  const at = file.appends ? null : (position ?? file.at);
  if (!file.appends && position == null) file.at += data.byteLength;
  note({ do: 'write', id: file.id, at, data: bytesOf(data) });
}
FileHandle.write = async function (data, offset, length, position) {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data.subarray(offset ?? 0, length === undefined ? undefined : (offset ?? 0) + length);
  const done = await handleWrite.call(this, data, offset, length, position);
  wrote(this, bytes.subarray(0, done.bytesWritten), position);
  return done;
};
FileHandle.writeFile = async function (data, options) {
  await handleWriteFile.call(this, data, options);
  wrote(this, typeof data === 'string' ? Buffer.from(data) : data);
};
FileHandle.truncate = async function (size = 0) {
  await truncate.call(this, size);
  const file = known.get(this);
  if (file) note({ do: 'truncate', id: file.id, size });
};
for (const name of ['sync', 'datasync']) {
  const original = FileHandle[name];
  FileHandle[name] = async function () {
    const covers = lines;
    await original.call(this);
    const file = known.get(this);
    if (file) note({ do: 'sync', id: file.id, covers });
  };
}

/** A whole file written by its name: as one that is opened, written, and never synced. */
function wroteWhole(path, data) {
  const name = inside(path);
  if (name === undefined) return;
  const id = files++;
  note({ do: 'open', id, path: name, creates: true, empties: true });
  note({ do: 'write', id, at: 0, data: bytesOf(data) });
}
fs.writeFile = async (path, data, options) => {
  await writeFile(path, data, options);
  wroteWhole(path, typeof data === 'string' ? Buffer.from(data) : data);
};
fs.copyFile = async (from, to, mode) => {
  await copyFile(from, to, mode);
  wroteWhole(to, readFileSync(to));
};

for (const name of ['rename', 'link']) {
  const original = fs[name];
  fs[name] = async (from, to) => {
    await original(from, to);
    const [a, b] = [inside(from), inside(to)];
    if (a !== undefined && b !== undefined) note({ do: name, from: a, to: b });
    else if (a !== undefined || b !== undefined) throw new Error(`${name} across the root of the record`);
  };
}
for (const name of ['mkdir', 'rm', 'rmdir', 'unlink']) {
  const original = fs[name];
  fs[name] = async (path, options) => {
    const result = await original(path, options);
    const inner = inside(path);
    if (inner !== undefined) note({ do: name === 'mkdir' ? 'mkdir' : 'remove', path: inner });
    return result;
  };
}
syncBuiltinESMExports();
