/** Shared by the short and the long simulation: one thing is done to a store, and the power goes somewhere in the middle of it. */
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { expect } from 'vitest';
import { bytesOnly, type Chooser, Disk, layOut, namesAndZeros, namesOnly, nothingMore, type Recorded } from './disk.ts';
import { checkWhole, doAgain, fresh, type Ground, openAt, type Operation, run } from './store-faults.ts';

export interface Recording {
  what: Operation;
  record: Recorded[];
  disk: Disk;
  /** A copy of the catalogue as it was after so many entries of the record. SQLite syncs it by itself. */
  catalogues: { after: number; folder: string }[];
}

export const EXTREMES: readonly { name: string; choose: Chooser }[] = [
  { name: 'only what was synced', choose: nothingMore },
  { name: 'names and no bytes', choose: namesOnly },
  { name: 'names and zeros', choose: namesAndZeros },
  { name: 'bytes and no names', choose: bytesOnly },
];

/** Does it undisturbed and writes down what reaches the disk when. */
export async function recordOf(ground: Ground, what: Operation): Promise<Recording> {
  const work = await fresh(ground, what);
  const before = join(ground.dir, `before-${what}`);
  await cp(work, before, { recursive: true });
  const log = join(ground.dir, `record-${what}`);
  const catalogues = join(ground.dir, `catalogues-${what}`);
  await mkdir(catalogues);
  const ended = await run(ground, work, what, { RECORD_ROOT: work, RECORD_LOG: log, RECORD_CATALOGUES: catalogues }, 'record-fs.mjs');
  expect(ended).toMatchObject({ code: 0 });
  const lines = (await readFile(log, 'utf8')).trim().split('\n');
  const record = lines.map((line) => JSON.parse(line) as Recorded);
  const copies = (await readdir(catalogues)).map((name) => ({ after: Number(name), folder: join(catalogues, name) }));
  return {
    what,
    record,
    disk: await Disk.of(before, record, (name) => name.startsWith('catalogue.db')),
    catalogues: copies.sort((a, b) => a.after - b.after),
  };
}

/**
 * Lets the power go after each of so many entries of the record, and looks at what is there then.
 * @param again whether it is done once more on each of these disks
 * @returns how many different disks were looked at
 */
export async function cutAt(
  ground: Ground,
  recording: Recording,
  moments: readonly number[],
  choices: readonly { name: string; choose: Chooser }[],
  again = false,
): Promise<number> {
  const seen = new Set<string>();
  for (const entries of moments) {
    for (const { name, choose } of choices) {
      const state = recording.disk.after(entries, choose);
      const catalogue = recording.catalogues.findLast(({ after }) => after <= entries)?.folder;
      const id = idOf(state, catalogue, entries === recording.record.length);
      if (seen.has(id)) continue;
      seen.add(id);
      const said = `${recording.what}, power cut after ${entries} of ${recording.record.length}, ${name}`;
      const work = await mkdtemp(join(ground.dir, 'cut-'));
      await layOut(state, work);
      if (catalogue !== undefined) await cp(catalogue, work, { recursive: true });
      await lookAt(ground, recording.what, work, said, entries === recording.record.length);
      if (again) await doAgain(ground, work, recording.what, said);
      await rm(work, { recursive: true, force: true });
    }
  }
  return seen.size;
}

function idOf(state: ReadonlyMap<string, Buffer | undefined>, catalogue: string | undefined, done: boolean): string {
  const hash = createHash('sha256').update(`${catalogue} ${done}`);
  for (const [path, bytes] of [...state].sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(`\n${path} ${bytes?.length}\n`).update(bytes ?? '');
  return hash.digest('hex');
}

/** @param done whether whoever asked for it had been told that it is done */
async function lookAt(ground: Ground, what: Operation, work: string, said: string, done: boolean): Promise<void> {
  const out = await readFile(join(work, 'out.tar')).catch(() => undefined);
  if (out) expect(out.equals(await readFile(ground.archive)), said).toBe(true);
  await checkWhole(ground, work, what, said);
  if (!done) return;
  const { registry, catalogue } = await openAt(work, ground.keys);
  expect(registry.list().length, said).toBe(what === 'remove' ? 0 : 1);
  catalogue.close();
  if (what === 'export') expect(out, said).toBeDefined();
}

/**
 * Files that got the name by which they count before all their bytes were surely on the disk, and names that were never made
 * sure of before it was done.
 */
export function unsafeNames({ record }: Pick<Recording, 'record'>): string[] {
  const open = new Map<number, string>();
  /** By path as it is now: the entry that changed its bytes last, and the entry that its last sync covers. */
  const files = new Map<string, { written: number; synced: number }>();
  const waiting = new Map<string, { name: string; at: number }[]>();
  const unsafe: string[] = [];
  for (const [at, entry] of record.entries()) {
    if (entry.do === 'open') {
      open.set(entry.id, entry.path);
      if (entry.creates && !files.has(entry.path)) files.set(entry.path, { written: -1, synced: -1 });
    }
    const file = 'id' in entry ? files.get(open.get(entry.id) ?? '') : undefined;
    if (file && (entry.do === 'write' || entry.do === 'truncate')) file.written = at;
    if (entry.do === 'sync') {
      const path = open.get(entry.id) ?? '';
      if (file) file.synced = Math.max(file.synced, entry.covers);
      else
        waiting.set(
          path,
          (waiting.get(path) ?? []).filter((one) => one.at >= entry.covers),
        );
    }
    if (entry.do !== 'rename') continue;
    const moved = files.get(entry.from);
    if (moved) files.set(entry.to, moved);
    files.delete(entry.from);
    for (const [id, path] of open) if (path === entry.from) open.set(id, entry.to);
    if (!COUNTS.test(entry.to)) continue;
    if (moved && moved.written >= moved.synced) unsafe.push(`${entry.to}: named before its bytes were synced`);
    const folder = dirname(entry.to) === '.' ? '' : dirname(entry.to);
    waiting.set(folder, [...(waiting.get(folder) ?? []), { name: basename(entry.to), at }]);
  }
  for (const [folder, names] of waiting) for (const { name } of names) unsafe.push(`${join(folder, name)}: its folder was not synced after`);
  return unsafe;
}

/** Names by which a file counts as whole. */
const COUNTS = /^(store\/(blobs\/sha256\/[0-9a-f]{64}|index\.json|oci-layout)|out\.tar)$/;
