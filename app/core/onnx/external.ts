/**
 * Where a tensor's external data lies. A model may only name regular files inside its own folder: a name that leads
 * outside, by `..`, an absolute path or a link, is refused before anything is opened.
 */
import { realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { refuse, shown } from './errors.ts';
import type { TensorProto } from './messages.ts';
import type { FileRange } from './wire-reader.ts';

/** `data_location` of a tensor whose elements are in another file. */
export const EXTERNAL = 1;

export interface ExternalPlace {
  location: string;
  /** Bytes from the file's start. */
  offset: number;
  /** Bytes; undefined means to the end of the file. */
  length: number | undefined;
}

export function isExternal(tensor: TensorProto): boolean {
  return tensor.dataLocation === EXTERNAL;
}

/** @throws model.external-* when what the tensor says about its file cannot be right */
export function externalPlace(tensor: TensorProto): ExternalPlace {
  const who = shown(tensor.name ?? '');
  const entries = new Map<string, string>();
  for (const entry of tensor.externalData) {
    const key = entry.key ?? '';
    if (entries.has(key)) throw refuse('model.external-unclear', `Tensor ${who} says '${key}' of its external data twice.`);
    entries.set(key, entry.value ?? '');
  }
  const location = entries.get('location');
  if (!location) throw refuse('model.external-unclear', `Tensor ${who} is said to be in another file, but no file is named.`);
  return { location, offset: count(entries.get('offset'), 'offset', who) ?? 0, length: count(entries.get('length'), 'length', who) };
}

function count(text: string | undefined, what: string, who: string): number | undefined {
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value)) {
    throw refuse('model.external-range', `The ${what} of the external data of tensor ${who} is not a number of bytes.`, { found: shown(text) });
  }
  return value;
}

/**
 * The bytes of an external tensor, checked against the file that is there.
 * @param dir the model's folder
 * @param needed bytes that type and dimensions ask for; undefined when not known
 */
export async function resolveExternal(dir: string, tensor: TensorProto, needed: number | undefined): Promise<FileRange> {
  const place = externalPlace(tensor);
  const who = shown(tensor.name ?? '');
  const path = await insideFolder(dir, place.location, who);
  const info = await stat(path);
  if (!info.isFile()) throw refuse('model.external-not-a-file', `The external data of tensor ${who}, ${shown(place.location)}, is not a regular file.`);
  const length = place.length ?? needed ?? info.size - place.offset;
  if (needed !== undefined && length !== needed) {
    throw refuse('model.external-length', `The external data of tensor ${who} has the wrong length.`, {
      expected: `${needed} bytes for its type and dimensions`,
      found: `${length} bytes declared`,
    });
  }
  if (place.offset + length > info.size) {
    throw refuse('model.external-short', `The external data file ${shown(place.location)} is too short for tensor ${who}.`, {
      expected: `at least ${place.offset + length} bytes`,
      found: `${info.size} bytes`,
      hint: 'The weights were probably not copied completely. Fetch the file again.',
    });
  }
  return { path, offset: place.offset, length };
}

/** Names that Windows keeps for devices, whatever stands after a dot. */
const DEVICE_NAME = /^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$/i;

/** The real path of a file that a model names. @throws model.external-outside, model.external-missing */
export async function insideFolder(dir: string, location: string, who: string): Promise<string> {
  const outside = (why: string) =>
    refuse('model.external-outside', `The external data of tensor ${who} is named ${shown(location)}, which ${why}.`, {
      expected: "a file in the model's own folder",
      hint: 'A sound model never does this. Do not use this file unless you made it yourself.',
    });
  if (location.includes('\0')) throw outside('is not a file name');
  // A backslash is a separator on Windows: the same model must mean the same everywhere.
  if (location.includes('\\') || /^[A-Za-z]:/.test(location)) throw outside('is not a portable file name');
  if (location.split('/').some((part) => DEVICE_NAME.test(part) || (/[. ]$/.test(part) && part !== '.' && part !== '..') || part.includes(':'))) {
    throw outside('means something else on other systems');
  }
  if (isAbsolute(location) || location.startsWith('/')) throw outside('is an absolute path');
  if (location.split('/').includes('..')) throw outside("leads outside the model's folder");
  const root = await realpath(dir);
  const real = await realpath(join(root, location)).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code !== 'ENOENT' && code !== 'ENOTDIR' && code !== 'ELOOP' && code !== 'ENAMETOOLONG') throw error;
    throw refuse('model.external-missing', `The external data file ${shown(location)} of tensor ${who} is not there.`, {
      hint: 'Put the file that holds the weights beside the model, under the name it was exported with.',
    });
  });
  const inner = relative(root, real);
  if (inner === '..' || inner.startsWith(`..${sep}`) || isAbsolute(inner)) throw outside("is a link that leads outside the model's folder");
  return real;
}
