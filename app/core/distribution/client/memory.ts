/** What is remembered of registries elsewhere: uploads begun there, so that a kill costs no more than a piece; and which of their repositories has which blob. */
import { type Clock, type Migration, openSqlite } from '#core/platform';
import { REMEMBERED_MS } from '../limits.ts';
import type { UploadMemory } from '../wire/push-blob.ts';

const MIGRATIONS: readonly Migration[] = [
  {
    name: 'uploads begun in registries elsewhere, and where blobs were sent',
    sql: `
      CREATE TABLE uploads (
        host TEXT NOT NULL,
        repository TEXT NOT NULL,
        digest TEXT NOT NULL,
        location TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (host, repository, digest)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE sent (
        host TEXT NOT NULL,
        digest TEXT NOT NULL,
        repository TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (host, digest, repository)
      ) STRICT, WITHOUT ROWID;
    `,
  },
];

export type RegistryMemory = ReturnType<typeof openRegistryMemory>;

export function openRegistryMemory(path: string, clock: Clock) {
  const db = openSqlite(path, MIGRATIONS);
  const location = db.prepare<[string, string, string], { location: string }>('SELECT location FROM uploads WHERE host = ? AND repository = ? AND digest = ?');
  const remember = db.prepare('INSERT OR REPLACE INTO uploads VALUES (?, ?, ?, ?, ?)');
  const forget = db.prepare('DELETE FROM uploads WHERE host = ? AND repository = ? AND digest = ?');
  const expireUploads = db.prepare('DELETE FROM uploads WHERE at < ?');
  const expireSent = db.prepare('DELETE FROM sent WHERE at < ?');
  const note = db.prepare('INSERT OR REPLACE INTO sent VALUES (?, ?, ?, ?)');
  const holders = db.prepare<[string, string, string], { repository: string }>(
    'SELECT repository FROM sent WHERE host = ? AND digest = ? AND repository <> ? ORDER BY at DESC LIMIT 1',
  );

  return {
    /** Uploads begun in one repository. */
    uploads: (host: string, repository: string): UploadMemory => ({
      get: (digest) => location.get(host, repository, digest)?.location,
      set: (digest, address) => void remember.run(host, repository, digest, address, clock.now()),
      clear: (digest) => void forget.run(host, repository, digest),
    }),
    /** Another repository of the registry that was sent the blob. */
    holder: (host: string, digest: string, other: string): string | undefined => holders.get(host, digest, other)?.repository,
    /** Notes what a repository has now, and forgets what is old. */
    noteSent: db.transaction((host: string, repository: string, digests: readonly string[]) => {
      const now = clock.now();
      for (const digest of digests) note.run(host, digest, repository, now);
      expireUploads.run(now - REMEMBERED_MS);
      expireSent.run(now - REMEMBERED_MS);
    }),
    close: (): void => void db.close(),
  };
}
