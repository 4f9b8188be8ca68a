/** What belongs to the workspace as a whole: its settings, and facts that must be known only once. */
import { type Settings, SettingsSchema } from '#contract';
import { type Migration, openSqlite, type Sqlite } from '#core/platform';

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

export interface OldActivity {
  at: number;
  actor: string;
  kind: string;
  message: string;
  link: string | null;
  digest: string | null;
}

export class WorkspaceDb {
  readonly #db: Sqlite;

  constructor(path: string) {
    this.#db = openSqlite(path, MIGRATIONS);
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

  /** Lines of the log of before there was an audit log, oldest first. */
  oldActivity(): OldActivity[] {
    return this.#db.prepare<[], OldActivity>('SELECT at, actor, kind, message, link, digest FROM activity ORDER BY seq').all();
  }

  /** Once the audit log has taken them over. */
  forgetOldActivity(): void {
    this.#db.prepare('DELETE FROM activity').run();
  }

  /** Whether `once` was called with this name. */
  knows(name: string): boolean {
    return this.#db.prepare('SELECT 1 FROM facts WHERE name = ?').get(name) !== undefined;
  }

  /** A fact that must be known only once, such as "the sample was added". */
  once(name: string): boolean {
    return this.#db.prepare('INSERT OR IGNORE INTO facts VALUES (?, ?)').run(name, '1').changes === 1;
  }

  close(): void {
    this.#db.close();
  }
}
