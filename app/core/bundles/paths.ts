/**
 * Paths inside a bundle. They are written on one machine and laid out on another, so only what every file system holds
 * apart is allowed, and nothing that leads out of the folder.
 */
import { ALWAYS_IGNORED, PUBLIC_KEY_FILE, SIGNATURE_FILE } from '#core/trust';
import { unsound } from './errors.ts';
import { MAX_PATH_BYTES, MAX_PATH_PART_BYTES } from './limits.ts';

/** The folder's own description. */
export const SOURCE_FILE = 'edgewright.yaml';
/** What a variant says of itself; written by us into every variant and signed with it. */
export const VARIANT_FILE = 'edgewright.variant.json';

/** Names at the top of the folder that mean something to us or to a signature verifier. */
const RESERVED: readonly string[] = [...ALWAYS_IGNORED, SIGNATURE_FILE, PUBLIC_KEY_FILE, VARIANT_FILE];
/** Device names of Windows, which no file there can have, with any ending. */
const WINDOWS_DEVICE = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i;
const FORBIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}<>:"|?*\\]/u;

/** Why a path cannot stand in a bundle; undefined when it can. */
export function pathProblem(path: string): string | undefined {
  if (path === '') return 'is empty';
  if (!path.isWellFormed()) return 'is not valid Unicode';
  if (path !== path.normalize('NFC')) return 'is not in Unicode normal form C';
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return `is longer than ${MAX_PATH_BYTES} bytes`;
  if (path.startsWith('/')) return 'is an absolute path';
  if (FORBIDDEN.test(path)) return 'has a character that not every file system takes';
  for (const part of path.split('/')) {
    if (part === '..') return 'leaves the folder';
    if (part === '' || part === '.') return 'has an empty part';
    if (Buffer.byteLength(part) > MAX_PATH_PART_BYTES) return `has a part longer than ${MAX_PATH_PART_BYTES} bytes`;
    if (part.endsWith('.') || part.endsWith(' ') || part.startsWith(' ')) return 'has a part that ends in a dot or begins or ends with a space';
    if (WINDOWS_DEVICE.test(part)) return 'is the name of a device on Windows';
  }
  const top = path.split('/')[0]?.toLowerCase() ?? '';
  if (RESERVED.includes(top)) return 'is reserved';
  return undefined;
}

/** @throws bundle.paths-collide when two paths would be one file where case does not count, or one is a folder of another */
export function checkApart(paths: readonly string[]): void {
  const taken = new Map(paths.map((path) => [path.toLowerCase(), path]));
  if (taken.size !== paths.length) {
    const twice = paths.find((path) => taken.get(path.toLowerCase()) !== path) ?? paths.find((path, i) => paths.indexOf(path) !== i) ?? '';
    throw unsound('bundle.paths-collide', `Two files of the bundle have the same name where case does not count: ${twice}.`, {
      hint: 'Give one of them another name.',
    });
  }
  for (const path of paths) {
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
      if (taken.has(path.slice(0, at).toLowerCase())) throw unsound('bundle.paths-collide', `${path.slice(0, at)} is both a file and a folder of the bundle.`);
    }
  }
}
