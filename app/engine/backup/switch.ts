/**
 * Puts a restored workspace in its place. Two renames cannot be one, so a note says what is being done: whoever opens the
 * workspace next finishes what was cut off between them, and never makes a new empty one in the gap.
 */
import { existsSync } from 'node:fs';
import { readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { EdgewrightError } from '#contract';
import { fsyncDir, isAlive, readFileIfThere, startMark, TEMP_PREFIX, writeFileAtomic } from '#core/platform';

const NoteSchema = z.object({ staged: z.string() });

const notePath = (home: string) => `${home}.restore.json`;

/** A name beside the workspace that says whose it is. */
export function stagingName(home: string): string {
  return `${home}.restoring-${process.pid}-${startMark(process.pid)}`;
}

/** Removes what restores that were killed left beside the workspace. */
export async function sweepStaging(home: string): Promise<void> {
  const prefix = `${basename(home)}.restoring-`;
  for (const name of await readdir(dirname(home)).catch(() => [])) {
    // Only who holds the workspace's place writes the note.
    if (name.startsWith(`${TEMP_PREFIX}${basename(notePath(home))}`)) await rm(join(dirname(home), name), { force: true });
    if (!name.startsWith(prefix)) continue;
    const [pid, mark] = name.slice(prefix.length).split('-');
    const inUse = isAlive(Number(pid)) && startMark(Number(pid)) === mark;
    if (!inUse) await rm(join(dirname(home), name), { recursive: true, force: true });
  }
}

/** @param aside where what is in the place goes; undefined when there is nothing but perhaps an empty folder */
export async function switchTo(home: string, staged: string, aside: string | undefined): Promise<void> {
  const parent = dirname(home);
  await writeFileAtomic(notePath(home), JSON.stringify({ staged: basename(staged) }));
  try {
    if (aside !== undefined) await rename(home, aside);
    else if (existsSync(home)) await rmdir(home);
    await rename(staged, home);
  } catch (error) {
    // Somebody who opened the workspace meanwhile may have finished it.
    if (existsSync(staged)) {
      if (aside !== undefined && !existsSync(home) && existsSync(aside)) await rename(aside, home);
      await rm(notePath(home), { force: true });
      throw notMovable(home, error);
    }
  }
  await fsyncDir(parent);
  await rm(notePath(home), { force: true });
  await fsyncDir(parent);
}

/** Finishes a restore that was cut off between its two renames; does nothing otherwise. Call it before a workspace is opened. */
export async function finishRestore(home: string): Promise<void> {
  const note = notePath(home);
  const bytes = await readFileIfThere(note);
  if (!bytes) return;
  const said = NoteSchema.safeParse(parsed(bytes));
  const staged = said.success ? join(dirname(home), basename(said.data.staged)) : undefined;
  // The workspace of before is still there: the restore did not happen, and its files are swept by the next one.
  if (staged !== undefined && !existsSync(home) && existsSync(staged)) {
    await rename(staged, home);
    await fsyncDir(dirname(home));
  }
  await rm(note, { force: true });
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

function notMovable(home: string, cause: unknown): EdgewrightError {
  return new EdgewrightError(
    {
      code: 'machine.cannot-switch',
      message: `The restored workspace could not be put at ${home}.`,
      found: cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown',
      hint: 'What was there is still there. A folder that is a mount point or open in another program cannot be replaced: name a folder below it with EDGEWRIGHT_HOME.',
      owner: 'machine',
    },
    { cause },
  );
}
