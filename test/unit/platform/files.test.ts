import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { asEdgewrightError } from '#contract';
import { acquireLock, openSqlite, readFileBounded, writeFileAtomic } from '#core/platform';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'edgewright-files-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('files', () => {
  test('an atomic write replaces the whole content and leaves no temporary file', async () => {
    const path = join(dir, 'note.json');
    await writeFileAtomic(path, 'one');
    await writeFileAtomic(path, 'two');
    expect(await readFile(path, 'utf8')).toBe('two');
    expect(await readdir(dir)).toEqual(['note.json']);
  });

  test('a write that cannot finish keeps the old content', async () => {
    const path = join(dir, 'sub');
    await writeFile(path, 'a file where a folder is wanted');
    await expect(writeFileAtomic(join(path, 'note.json'), 'x')).rejects.toMatchObject({ code: 'ENOTDIR' });
    expect(await readFile(path, 'utf8')).toBe('a file where a folder is wanted');
  });

  test('a document larger than its bound is refused before it is read', async () => {
    const path = join(dir, 'large');
    await writeFile(path, Buffer.alloc(1001));
    await expect(readFileBounded(path, 1000)).rejects.toMatchObject({ code: 'input.too-large', owner: 'input' });
  });
});

describe('a database that cannot be read', () => {
  const open = (path: string) => {
    try {
      openSqlite(path, [{ name: 'a', sql: 'CREATE TABLE a (x) STRICT' }]).close();
    } catch (error) {
      return asEdgewrightError(error).toBody();
    }
    return undefined;
  };

  test('is a matter of the machine, names the file and says what to do', async () => {
    const path = join(dir, 'garbage.db');
    await writeFile(path, Buffer.alloc(9000, 7));
    expect(open(path)).toMatchObject({ code: 'machine.database-damaged', owner: 'machine', message: expect.stringContaining(path), hint: expect.any(String) });
  });

  test('also where a folder stands in its place', () => {
    expect(open(dir)).toMatchObject({ code: 'machine.cannot-open', owner: 'machine', message: expect.stringContaining(dir) });
  });
});

describe('the workspace lock', () => {
  test('one holder at a time; the next gets it when the first lets go', async () => {
    const path = join(dir, 'writer.lock');
    const first = await acquireLock(path, { what: 'the first', waitMs: 0 });
    await expect(acquireLock(path, { what: 'the second', waitMs: 0 })).rejects.toMatchObject({
      code: 'machine.busy',
      owner: 'machine',
      message: expect.stringContaining('the first') as string,
    });
    const waiting = acquireLock(path, { what: 'the second', waitMs: 5_000 });
    await first.release();
    await (await waiting).release();
  });

  test('waiting for it can be cancelled', async () => {
    const path = join(dir, 'writer.lock');
    const first = await acquireLock(path, { what: 'the first', waitMs: 0 });
    const abort = new AbortController();
    const waiting = acquireLock(path, { what: 'the second', waitMs: 60_000, signal: abort.signal });
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    await first.release();
  });
});

describe('SQLite', () => {
  const first = { name: 'first', sql: 'CREATE TABLE a (x INTEGER) STRICT;' };
  const second = { name: 'second', sql: 'ALTER TABLE a ADD COLUMN y TEXT;' };

  test('migrations are applied once, in order, and later ones on top', () => {
    const path = join(dir, 'data.db');
    openSqlite(path, [first]).close();
    const db = openSqlite(path, [first, second]);
    db.prepare('INSERT INTO a VALUES (1, ?)').run('z');
    expect(db.prepare('SELECT * FROM a').all()).toEqual([{ x: 1, y: 'z' }]);
    db.close();
  });

  test('a migration that fails leaves the database as it was', () => {
    const path = join(dir, 'data.db');
    openSqlite(path, [first]).close();
    expect(() => openSqlite(path, [first, { name: 'broken', sql: 'CREATE TABLE b (x INTEGER); CREATE TABLE b (x INTEGER);' }])).toThrow();
    const db = openSqlite(path, [first]);
    expect(db.prepare("SELECT name FROM sqlite_master WHERE name = 'b'").all()).toEqual([]);
    db.close();
  });

  test('a database of a newer Edgewright is refused with what to do', () => {
    const path = join(dir, 'data.db');
    openSqlite(path, [first, second]).close();
    expect(() => openSqlite(path, [first])).toThrowError(expect.objectContaining({ code: 'machine.newer-database', owner: 'machine' }) as Error);
  });
});
