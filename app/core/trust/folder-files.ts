/** The files of a signed folder as they lie on a disk (OMS §6.1, §6.2), each opened once: what is hashed is what was opened. */
import { createHash } from 'node:crypto';
import { constants, type Dirent } from 'node:fs';
import { lstat, open, readdir, realpath, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { distrust } from './errors.ts';
import { HASH_CHUNK_BYTES, MAX_FOLDER_DEPTH, MAX_SIGNED_ENTRIES } from './limits.ts';
import { ALWAYS_IGNORED } from './oms.ts';
import type { HashType } from './oms-statement.ts';

export interface FolderFile {
  /** Path inside the folder, `/` between parts; the file's own name where a single file was signed. */
  path: string;
  /** Where it is. */
  at: string;
  /** Bytes. */
  size: number;
  /** Its own path in the folder, where it was reached through a link to a folder there. */
  linkedTo?: string;
}

export interface WalkOptions {
  allowSymlinks: boolean;
  /** Paths inside the folder; what lies below them is left out with them. */
  ignore: readonly string[];
  /** Files of this machine that are no part of the folder wherever they lie: the signature itself. */
  except: readonly string[];
  /** What is neither file nor folder, or a link where links are not followed, is skipped instead of refused. */
  lenient: boolean;
  signal?: AbortSignal | undefined;
}

export interface Walked {
  /** Whether the target is one file. */
  single: boolean;
  files: FolderFile[];
  /** Ignored paths that are there. */
  ignored: string[];
  /** Links that lead out of the folder. */
  outside: string[];
}

/**
 * Every file of a folder, or the one file named.
 * @throws trust.folder-unfit for links, devices, names that are no text, and too many files
 */
export async function walkFolder(target: string, options: WalkOptions): Promise<Walked> {
  const root = await realpath(target);
  const info = await stat(root);
  const walked: Walked = { single: !info.isDirectory(), files: [], ignored: [], outside: [] };
  if (!walked.single)
    await walkInto(root, '', [root], {
      root,
      options,
      walked,
      except: new Set(await Promise.all(options.except.map((one) => realpath(one).catch(() => one)))),
    });
  else if (info.isFile()) walked.files.push({ path: basename(target), at: root, size: info.size });
  else throw unfitFolder(`${target} is neither a file nor a folder`);
  return walked;
}

interface Walk {
  root: string;
  options: WalkOptions;
  walked: Walked;
  except: ReadonlySet<string>;
}

/** @param above real paths of the folders we are in, outermost first: a link into one of them would never end */
async function walkInto(dir: string, prefix: string, above: readonly string[], walk: Walk): Promise<void> {
  const { options, walked } = walk;
  if (above.length > MAX_FOLDER_DEPTH) throw unfitFolder(`folders are nested deeper than ${MAX_FOLDER_DEPTH}`);
  const entries: Dirent<Buffer>[] = await readdir(dir, { withFileTypes: true, encoding: 'buffer' });
  for (const entry of entries) {
    options.signal?.throwIfAborted();
    const name = entry.name.toString('utf8');
    if (!Buffer.from(name).equals(entry.name)) throw unfitFolder(`a file name in ${prefix || 'the folder'} is not valid UTF-8`);
    const path = prefix + name;
    const at = join(dir, name);
    if (options.ignore.includes(path) || (prefix === '' && ALWAYS_IGNORED.includes(name))) walked.ignored.push(path);
    else if (!walk.except.has(at)) await visit({ path, at, isLink: entry.isSymbolicLink() }, above, walk);
  }
}

async function visit({ path, at, isLink }: { path: string; at: string; isLink: boolean }, above: readonly string[], walk: Walk): Promise<void> {
  const { options, walked, root } = walk;
  if (isLink && !options.allowSymlinks) {
    if (options.lenient) return;
    throw unfitFolder(`${path} is a symbolic link, which the signer did not allow`);
  }
  const info = isLink ? await stat(at).catch(() => undefined) : await lstat(at);
  const real = isLink ? await realpath(at).catch(() => at) : at;
  if (isLink && relative(root, real).split(sep)[0] === '..') walked.outside.push(path);
  if (info?.isDirectory()) {
    if (above.includes(real)) throw unfitFolder(`${path} is a link into a folder that it lies in`);
    return walkInto(at, `${path}/`, [...above, real], walk);
  }
  if (!info?.isFile()) {
    if (options.lenient) return;
    throw unfitFolder(`${path} is ${info ? 'neither a file nor a folder' : 'a link to nothing'}`);
  }
  if (walked.files.length >= MAX_SIGNED_ENTRIES) throw unfitFolder(`there are more than ${MAX_SIGNED_ENTRIES} files`);
  const linkedTo = options.allowSymlinks && !isLink ? await pathIn(root, at) : path;
  walked.files.push({ path, at, size: info.size, ...(linkedTo !== undefined && linkedTo !== path && { linkedTo }) });
}

/** Where a file really lies in the folder; undefined when it lies elsewhere. */
async function pathIn(root: string, at: string): Promise<string | undefined> {
  const parts = relative(root, await realpath(at)).split(sep);
  return parts[0] === '..' ? undefined : parts.join('/');
}

const NODE_HASH: Record<HashType, string> = { sha256: 'sha256', blake2b: 'blake2b512' };

/**
 * Hashes a file, whole or by shards, as it is while it is open. A file that changes meanwhile is refused.
 * @param shardSize in bytes; undefined for the whole file
 * @returns hex digests in order; none for an empty file by shards
 * @throws trust.folder-unfit
 */
export async function hashFolderFile(
  file: FolderFile,
  hash: HashType,
  shardSize: number | undefined,
  options: { followLinks: boolean; signal?: AbortSignal | undefined; onBytes?: (bytes: number) => void },
): Promise<string[]> {
  // A pipe put in the file's place must not be waited for, and a link not followed.
  const noFollow = options.followLinks ? 0 : (constants.O_NOFOLLOW ?? 0);
  const handle = await open(file.at, constants.O_RDONLY | noFollow | (constants.O_NONBLOCK ?? 0));
  try {
    const before = await handle.stat({ bigint: true });
    if (!before.isFile()) throw unfitFolder(`${file.path} is no longer a file`);
    const digests: string[] = [];
    const buffer = Buffer.allocUnsafe(HASH_CHUNK_BYTES);
    let current = createHash(NODE_HASH[hash]);
    let inShard = 0;
    let total = 0;
    for (;;) {
      options.signal?.throwIfAborted();
      const room = shardSize === undefined ? buffer.length : Math.min(buffer.length, shardSize - inShard);
      const { bytesRead } = await handle.read(buffer, 0, room, total);
      if (bytesRead === 0) break;
      current.update(buffer.subarray(0, bytesRead));
      total += bytesRead;
      inShard += bytesRead;
      options.onBytes?.(bytesRead);
      if (inShard !== shardSize) continue;
      digests.push(current.digest('hex'));
      current = createHash(NODE_HASH[hash]);
      inShard = 0;
    }
    if (shardSize === undefined || inShard > 0) digests.push(current.digest('hex'));
    const after = await handle.stat({ bigint: true });
    if (BigInt(total) !== before.size || after.size !== before.size || after.mtimeNs !== before.mtimeNs)
      throw unfitFolder(`${file.path} was changed while it was read`);
    return digests;
  } finally {
    await handle.close();
  }
}

function unfitFolder(why: string) {
  return distrust('folder-unfit', `The folder cannot be held against a signature: ${why}.`, {
    expected: 'regular files and folders that do not change meanwhile',
  });
}
