/** SQLite opened the one way that survives power loss: WAL, synchronous FULL, numbered migrations in one transaction each. */
import Database from 'better-sqlite3';
import { EdgewrightError } from '#contract';
import { SQLITE_BUSY_MS } from './limits.ts';

export type Sqlite = Database.Database;
export type Statement<Bind extends unknown[], Row> = Database.Statement<Bind, Row>;

/** Pause between tries to open a file that another process has for itself, in ms. */
const RETRY_MS = 20;

/** Migrations are applied in order; the number of those applied is kept in `user_version`. Never change one that shipped. */
export interface Migration {
  name: string;
  sql: string;
}

/**
 * Opens (or makes) a database and brings it to the newest schema.
 * @throws machine.node-too-old, machine.newer-database, and SQLite errors with the path of the file
 */
export function openSqlite(path: string, migrations: readonly Migration[], options: { readonly?: boolean } = {}): Sqlite {
  if (Number(process.versions.napi) < 10) {
    // better-sqlite3 13 crashes the process on an older Node-API instead of failing.
    throw new EdgewrightError({
      code: 'machine.node-too-old',
      message: 'This Node.js is too old for the database.',
      expected: 'Node-API 10 (Node.js 24 or newer)',
      found: `Node-API ${process.versions.napi} (${process.version})`,
      hint: 'Start Edgewright with npm start, which brings its own Node.js.',
      owner: 'machine',
    });
  }
  // Turning on WAL needs the file for itself and does not wait for it: of several first openers at once, the others try again.
  const until = performance.now() + SQLITE_BUSY_MS;
  for (;;) {
    try {
      return open(path, migrations, options.readonly ?? false);
    } catch (error) {
      if (!isBusy(error) || performance.now() > until) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY');
}

function open(path: string, migrations: readonly Migration[], readonly: boolean): Sqlite {
  let db: Sqlite | undefined;
  try {
    db = new Database(path, { timeout: SQLITE_BUSY_MS, readonly });
    if (!readonly) {
      db.pragma('journal_mode = WAL');
      db.pragma('synchronous = FULL');
    }
    db.pragma('foreign_keys = ON');
    db.pragma('trusted_schema = OFF');
    migrate(db, path, migrations, readonly);
    return db;
  } catch (error) {
    db?.close();
    // SQLite does not say which file it could not read.
    throw error instanceof Database.SqliteError ? Object.assign(error, { path }) : error;
  }
}

/** Pages copied before others get a turn. */
const COPY_PAGES = 1_000;

/**
 * A copy as of one moment, while other processes write. It stands alone, in one file, and was found sound.
 * @throws machine.database-damaged (as SQLite's error with the path) when the original is not
 */
export async function copySqlite(path: string, target: string, signal?: AbortSignal): Promise<void> {
  const db = new Database(path, { readonly: true, timeout: SQLITE_BUSY_MS });
  try {
    await db.backup(target, {
      progress: () => {
        signal?.throwIfAborted();
        return COPY_PAGES;
      },
    });
  } finally {
    db.close();
  }
  const copy = new Database(target);
  try {
    copy.pragma('journal_mode = DELETE');
  } finally {
    copy.close();
  }
  checkSqlite(target);
}

/** Reads all of a database. @throws SQLITE_CORRUPT with the path when it is not sound */
export function checkSqlite(path: string): void {
  const db = new Database(path, { readonly: true, fileMustExist: true });
  try {
    const found = db.pragma('integrity_check(1)', { simple: true });
    if (found !== 'ok') throw new Database.SqliteError(String(found), 'SQLITE_CORRUPT');
  } catch (error) {
    throw error instanceof Database.SqliteError ? Object.assign(error, { path }) : error;
  } finally {
    db.close();
  }
}

/** Whether the file is no database, or a damaged one. */
export function isDamaged(error: unknown): boolean {
  return error instanceof Database.SqliteError && /^SQLITE_(NOTADB|CORRUPT)/.test(error.code);
}

function migrate(db: Sqlite, path: string, migrations: readonly Migration[], readonly: boolean): void {
  const at = () => db.pragma('user_version', { simple: true }) as number;
  if (at() > migrations.length) {
    throw new EdgewrightError({
      code: 'machine.newer-database',
      message: `${path} was written by a newer Edgewright.`,
      expected: `schema ${migrations.length} or older`,
      found: `schema ${at()}`,
      hint: 'Update Edgewright, or name another workspace with EDGEWRIGHT_HOME.',
      owner: 'machine',
    });
  }
  if (readonly || at() === migrations.length) return;
  // Immediate: two processes that start at once must not both migrate.
  db.transaction(() => {
    for (let i = at(); i < migrations.length; i++) {
      db.exec(migrations[i]!.sql);
      db.pragma(`user_version = ${i + 1}`);
    }
  }).immediate();
}
