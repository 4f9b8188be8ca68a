/**
 * Where everything in a tar file is. Nothing is ever unpacked by name: an entry is either one of the few that an OCI image
 * layout has, or it is passed over; and whatever could only be there to do harm ends the reading.
 */
import type { FileHandle } from 'node:fs/promises';
import { readExactly } from '#core/platform';
import { unsound } from '../errors.ts';
import { MAX_ARCHIVE_ENTRIES, MAX_PAX_BYTES } from '../limits.ts';
import { malformed, padding, readHeader, TAR_BLOCK, type TarHeader } from './tar-header.ts';

export interface TarEntry {
  /** Where its content begins in the file, in bytes. */
  offset: number;
  /** Bytes. */
  size: number;
}

const FOLDER = '5';
/** Files: as POSIX writes them, as old tars did, and "contiguous" ones, which are read alike. */
const FILES = ['0', '\0', '7'];
const REFUSED: Record<string, string> = {
  '1': 'a hard link',
  '2': 'a symbolic link',
  '3': 'a device',
  '4': 'a device',
  '6': 'a pipe',
  K: 'a link',
  M: 'a part of a file in several volumes',
  S: 'a sparse file',
};

/**
 * Reads every header.
 * @returns files by name, without a leading `./`
 * @throws archive.malformed, archive.truncated, archive.refused, archive.too-many-entries (owner input)
 */
export async function scanTar(handle: FileHandle, signal?: AbortSignal): Promise<Map<string, TarEntry>> {
  const { size: length } = await handle.stat();
  const files = new Map<string, TarEntry>();
  /** Names met so far, as a file system that knows no case sees them. */
  const met = new Set<string>();
  let pax: PaxRecords = {};
  let longName: string | undefined;
  let count = 0;
  for (let at = 0; at + TAR_BLOCK <= length; ) {
    signal?.throwIfAborted();
    const header = readHeader(await readExactly(handle, at, TAR_BLOCK));
    at += TAR_BLOCK;
    if (!header) break;
    if (++count > MAX_ARCHIVE_ENTRIES)
      throw unsound('archive.too-many-entries', 'The archive has too many entries.', { expected: `at most ${MAX_ARCHIVE_ENTRIES}` });
    const isMeta = ['x', 'g', 'L'].includes(header.type);
    const size = isMeta ? header.size : (pax.size ?? header.size);
    if (size > length - at)
      throw unsound('archive.truncated', 'The archive ends before its content does.', {
        expected: `${at + size} bytes`,
        found: `${length} bytes`,
        hint: 'It was not copied whole. Copy or export it again.',
      });
    if (isMeta) {
      if (size > MAX_PAX_BYTES) throw malformed('its headers are too large');
      const content = await readExactly(handle, at, size);
      if (header.type === 'x') pax = readPax(content);
      // Defaults for all that follow: none of those we use makes sense there.
      if (header.type === 'g') readPax(content);
      if (header.type === 'L') longName = content.toString('utf8').replace(/\0+$/, '');
    } else {
      const name = pax.path ?? longName ?? header.name;
      take(files, met, { ...header, name, size }, at);
      pax = {};
      longName = undefined;
    }
    at += size + padding(size);
  }
  if (count === 0) throw malformed('it has no entries');
  return files;
}

function take(files: Map<string, TarEntry>, met: Set<string>, header: TarHeader, offset: number): void {
  const refused = REFUSED[header.type];
  if (refused !== undefined) throw refuse(`it holds ${refused}`);
  const isFile = FILES.includes(header.type);
  if (!isFile && header.type !== FOLDER) throw refuse(`it holds an entry of the unknown type ${JSON.stringify(header.type)}`);
  const parts = header.name.split('/');
  if (header.name.includes('\0') || header.name.includes('\\') || header.name.includes('\uFFFD')) throw refuse('a name in it is not sound');
  if (header.name.startsWith('/') || /^[A-Za-z]:/.test(header.name)) throw refuse('a name in it is an absolute path');
  if (parts.includes('..')) throw refuse('a name in it leaves the archive');
  const name = parts.filter((part) => part !== '' && part !== '.').join('/');
  if (header.type === FOLDER) return;
  // Old tars mark folders by a slash at the end only.
  if (header.name.endsWith('/')) {
    if (header.size > 0) throw refuse('a folder in it has content');
    return;
  }
  if (met.has(name.toLowerCase())) throw refuse('two entries have the same name');
  met.add(name.toLowerCase());
  files.set(name, { offset, size: header.size });
}

interface PaxRecords {
  path?: string;
  size?: number;
}

/** `LENGTH KEY=VALUE\n`, again and again; LENGTH counts all of it. */
function readPax(content: Buffer): PaxRecords {
  const records: PaxRecords = {};
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(0x20, at);
    const digits = content.toString('latin1', at, Math.max(at, space));
    const length = /^[1-9]\d{0,6}$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    const equals = content.indexOf(0x3d, space);
    if (space === -1 || equals === -1 || equals >= end || end > content.length || content[end - 1] !== 0x0a) throw malformed('a pax record is wrong');
    const key = content.toString('utf8', space + 1, equals);
    const value = content.toString('utf8', equals + 1, end - 1);
    if (key.startsWith('GNU.sparse')) throw refuse('it holds a sparse file');
    if (key === 'linkpath') throw refuse('it holds a link');
    if (key === 'path') records.path = value;
    if (key === 'size') {
      if (!/^\d{1,15}$/.test(value)) throw malformed('a pax record gives a wrong size');
      records.size = Number(value);
    }
    at = end;
  }
  return records;
}

function refuse(why: string) {
  return unsound('archive.refused', `The archive is not taken: ${why}.`, {
    expected: 'files of an OCI image layout, and folders',
    hint: 'Get it from somebody you trust.',
  });
}
