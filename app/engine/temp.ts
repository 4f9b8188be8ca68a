/** Folders for what lives as long as one process: named after it, and cleared by the next one where it was killed. */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive, startMark } from '#core/platform';

const OWNED = /^(\d+)-(\d*)-/;

/** Makes a folder of this process under `root` and removes those of processes that no longer run. */
export async function ownTempDir(root: string): Promise<string> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  for (const name of await readdir(root)) {
    const [, pid, mark] = OWNED.exec(name) ?? [];
    const inUse = pid !== undefined && isAlive(Number(pid)) && startMark(Number(pid)) === mark;
    if (!inUse) await rm(join(root, name), { recursive: true, force: true });
  }
  return mkdtemp(join(root, `${process.pid}-${startMark(process.pid)}-`));
}
