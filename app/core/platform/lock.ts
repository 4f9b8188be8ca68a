/**
 * One writer per folder. The lock is SQLite's own exclusive lock on a small file, so the operating system lets go of it
 * when its holder dies, however it dies: there is no stale lock to judge and no race in judging it.
 * Beside it stands a note that names the holder, only for the message the others get.
 */
import Database from 'better-sqlite3';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { EdgewrightError } from '#contract';
import { sleep } from './clock.ts';

const RETRY_MS = 100;

export interface Lock {
  release(): Promise<void>;
}

/**
 * @param options.what what the holder does, in words, for the message others get
 * @param options.waitMs how long to wait for the one before
 * @throws machine.busy when it stays held
 */
export async function acquireLock(path: string, options: { what: string; waitMs: number; signal?: AbortSignal }): Promise<Lock> {
  const note = `${path}.holder`;
  const until = performance.now() + options.waitMs;
  for (;;) {
    const held = tryLock(path);
    if (held) {
      // Only words for others: a full disk must not leave the lock held by nobody's hand.
      await writeFile(note, `${options.what} (process ${process.pid})`, { mode: 0o600 }).catch(() => {});
      return {
        release: async () => {
          // What stands in the note is only words: a failing disk must not keep the lock either.
          await rm(note, { force: true }).catch(() => {});
          held.close();
        },
      };
    }
    if (performance.now() >= until) {
      const holder = await readFile(note, 'utf8').catch(() => 'another program');
      throw new EdgewrightError({
        code: 'machine.busy',
        message: `The workspace is busy: ${holder.slice(0, 200)} is writing to it.`,
        hint: 'Wait until it is done, or stop it, then run this again.',
        owner: 'machine',
      });
    }
    await sleep(RETRY_MS, options.signal);
  }
}

function tryLock(path: string): Database.Database | undefined {
  const db = new Database(path, { timeout: 0 });
  try {
    db.pragma('journal_mode = DELETE');
    db.exec('BEGIN EXCLUSIVE');
    return db;
  } catch (error) {
    db.close();
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY')) return undefined;
    throw error;
  }
}
