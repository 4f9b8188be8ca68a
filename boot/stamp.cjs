'use strict';
/** Stamps: a hash of everything a step was made from, written beside its result when the step is done. Equal stamp, nothing to do. */
const { createHash, randomBytes } = require('node:crypto');
const fs = require('node:fs');
const { dirname, join, relative } = require('node:path');

/**
 * Hash of the contents of files and folders (walked in name order; dot files, node_modules and build outputs left out).
 * @param {string} root paths are hashed relative to it
 * @param {readonly string[]} paths files or folders; one that is missing counts as missing
 * @param {readonly string[]} [extra] more that the result depends on: platform, versions
 * @returns {string} hex SHA-256
 */
function hashTree(root, paths, extra = []) {
  const hash = createHash('sha256');
  for (const text of extra) hash.update(`${text}\0`);
  for (const path of paths) {
    for (const file of walk(join(root, path))) {
      hash.update(`${relative(root, file).replaceAll('\\', '/')}\0`);
      hash.update(fs.readFileSync(file));
      hash.update('\0');
    }
  }
  return hash.digest('hex');
}

const LEFT_OUT = new Set(['node_modules', 'build', 'dist', 'prebuilds']);

/** @param {string} path @returns {string[]} */
function walk(path) {
  const info = fs.statSync(path, { throwIfNoEntry: false });
  if (!info) return [];
  if (info.isFile()) return [path];
  return fs
    .readdirSync(path)
    .filter((name) => !name.startsWith('.') && !LEFT_OUT.has(name))
    .sort()
    .flatMap((name) => walk(join(path, name)));
}

/** @param {string} path @returns {string | undefined} */
function readStamp(path) {
  try {
    return fs.readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** @param {string} path @param {string} stamp */
function writeStamp(path, stamp) {
  fs.mkdirSync(dirname(path), { recursive: true });
  const temp = `${path}.${randomBytes(4).toString('hex')}`;
  fs.writeFileSync(temp, `${stamp}\n`);
  fs.renameSync(temp, path);
}

module.exports = { hashTree, readStamp, writeStamp };
