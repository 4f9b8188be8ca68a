/**
 * What lies in a workspace, and what becomes of each part in a backup. What is not named here is not backed up, and said not
 * to be: a new file of the workspace belongs into this table.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TEMP_PREFIX } from '#core/platform';

/**
 * `database`: a copy as of one moment. `keys`: the files in it, the keyring in the clear. `files`: as they are.
 * `store`: the OCI layout. `left`: made anew, or true only on this computer.
 */
type Part = 'database' | 'keys' | 'files' | 'store' | 'left';

const PARTS: Record<string, Part> = {
  'workspace.db': 'database',
  'fleet.db': 'database',
  'trials.db': 'database',
  'audit.db': 'database',
  audit: 'files',
  // Where transfers to registries stood: they begin anew elsewhere.
  'registries.db': 'left',
  keys: 'keys',
  store: 'store',
  // Follows from the store.
  'catalogue.db': 'left',
  'hardware.json': 'left',
  'engine.json': 'left',
  'writer.lock': 'left',
  'writer.lock.holder': 'left',
  temp: 'left',
  // Fetched again where there is such hardware.
  providers: 'left',
  logs: 'left',
  // An agent of this computer with a key of its own: the next workspace makes another.
  'practice-device': 'left',
};

/** Logs that a person put aside. */
const BROKEN_AUDIT = /^audit-broken-[0-9TZ-]{10,40}$/;

export function partOf(name: string): Part | undefined {
  const base = name.replace(/-(wal|shm|journal)$/, '');
  // What SQLite keeps beside a database; a copy stands alone.
  if (base !== name && base.endsWith('.db') && base in PARTS) return 'left';
  if (name.startsWith(TEMP_PREFIX)) return 'left';
  return BROKEN_AUDIT.test(name) ? 'files' : PARTS[name];
}

/** The databases of a workspace that are there. */
export async function databasesIn(home: string): Promise<string[]> {
  return (await readdir(home)).filter((name) => partOf(name) === 'database').sort();
}

/** Folders whose files go along as they are. */
export async function foldersIn(home: string): Promise<string[]> {
  return (await readdir(home)).filter((name) => partOf(name) === 'files').sort();
}

/** What this table does not know. */
export async function unknownIn(home: string): Promise<string[]> {
  return (await readdir(home)).filter((name) => partOf(name) === undefined).sort();
}

/** Files in the folder of the keys that go along as they are: not the keyring, and nothing that only serves processes. */
export async function keyFilesIn(home: string): Promise<string[]> {
  const names = await readdir(join(home, 'keys'));
  return names.filter((name) => /^[a-z0-9-]+\.(json|pem)$/.test(name) && name !== KEYRING_FILE).sort();
}

export const KEYRING_FILE = 'keyring.json';
/** The first file of a backup: what is in it. */
export const CONTENTS_FILE = 'backup.json';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,120}$/;

/** Whether a backup may hold a file of this name: relative, of plain names, in a part that a backup has. */
export function isBackupPath(path: string): boolean {
  const names = path.split('/');
  const [first = ''] = names;
  if (names.length > 4 || !names.every((name) => NAME.test(name) && !name.includes('..'))) return false;
  switch (partOf(first)) {
    case 'database':
      return names.length === 1;
    case 'keys':
    case 'files':
      return names.length >= 2;
    case 'store':
      return /^store\/(oci-layout|index\.json|repositories\.db|blobs\/sha256\/[0-9a-f]{64})$/.test(path);
    default:
      return false;
  }
}
