/** Which group may open a device node, and whether this user is in it: `permission denied` alone mends nothing. */
import { readFile, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import type { NodeOwner } from './machine.ts';

/** Read and write for the group, in the mode of a file. */
const GROUP_READ_WRITE = 0o060;

export async function nodeOwner(path: string): Promise<NodeOwner | undefined> {
  if (process.platform === 'win32') return undefined;
  const about = await stat(path).catch(() => undefined);
  if (about === undefined) return undefined;
  const groups = await readFile('/etc/group', 'utf8').catch(() => '');
  // name:password:gid:members
  const entry = groups.split('\n').find((line) => line.split(':')[2] === String(about.gid));
  const [name, , , members] = entry?.split(':') ?? [];
  return {
    group: name || String(about.gid),
    groupMay: (about.mode & GROUP_READ_WRITE) === GROUP_READ_WRITE,
    listed: (members ?? '').split(',').includes(userName()),
  };
}

/** '' where the user number has no name. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run as a user number that no file names.
    return '';
  }
}
