/** What belongs to the workspace as a whole: settings, and the log of who did what to which digest when. */
import { type Activity, type Settings, SettingsSchema } from '#contract';
import { type Clock, type Migration, openSqlite, type Sqlite } from '#core/platform';

const MIGRATIONS: readonly Migration[] = [
  {
    name: 'settings and activity',
    sql: `
      CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
      CREATE TABLE activity (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, actor TEXT NOT NULL, kind TEXT NOT NULL,
        message TEXT NOT NULL, link TEXT, digest TEXT
      ) STRICT;
      CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;`,
  },
];

export class WorkspaceDb {
  readonly #db: Sqlite;
  readonly #clock: Clock;

  constructor(path: string, clock: Clock) {
    this.#db = openSqlite(path, MIGRATIONS);
    this.#clock = clock;
  }

  settings(): Settings {
    const rows = this.#db.prepare('SELECT name, value FROM settings').all() as { name: string; value: string }[];
    return SettingsSchema.parse(Object.fromEntries(rows.map((row) => [row.name, JSON.parse(row.value) as unknown])));
  }

  saveSettings(changed: Partial<Settings>): Settings {
    const put = this.#db.prepare('INSERT INTO settings VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value');
    this.#db.transaction(() => {
      for (const [name, value] of Object.entries(changed)) if (value !== undefined) put.run(name, JSON.stringify(value));
    })();
    return this.settings();
  }

  record(entry: { actor: string; kind: string; message: string; link?: string; digest?: string }): void {
    this.#db
      .prepare('INSERT INTO activity (at, actor, kind, message, link, digest) VALUES (?, ?, ?, ?, ?, ?)')
      .run(this.#clock.now(), entry.actor, entry.kind, entry.message, entry.link ?? null, entry.digest ?? null);
  }

  /** Newest first; `before` pages on. */
  activity(options: { before?: number | undefined; limit: number }): Activity[] {
    const rows = this.#db
      .prepare('SELECT seq, at, actor, kind, message, link, digest FROM activity WHERE seq < ? ORDER BY seq DESC LIMIT ?')
      .all(options.before ?? Number.MAX_SAFE_INTEGER, options.limit) as (Omit<Activity, 'link' | 'digest'> & { link: string | null; digest: string | null })[];
    return rows.map(({ link, digest, ...rest }) => ({ ...rest, ...(link !== null && { link }), ...(digest !== null && { digest }) }));
  }

  /** A fact that must be known only once, such as "the sample was added". */
  once(name: string): boolean {
    return this.#db.prepare('INSERT OR IGNORE INTO facts VALUES (?, ?)').run(name, '1').changes === 1;
  }

  close(): void {
    this.#db.close();
  }
}
