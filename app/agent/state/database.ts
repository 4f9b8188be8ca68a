/** The agent's database file, and the few facts about the agent itself. */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { openSqlite, type Sqlite } from '#core/platform';
import { MIGRATIONS } from './migrations.ts';

/** Facts kept from start to start. */
type SettingKey = 'management' | 'inference' | 'ended-cleanly';

export function openAgentDatabase(dir: string): Sqlite {
  const path = join(dir, 'agent.db');
  const db = openSqlite(path, MIGRATIONS);
  // It holds this device's private key.
  chmodSync(path, 0o600);
  return db;
}

export class Settings {
  readonly #db: Sqlite;

  constructor(db: Sqlite) {
    this.#db = db;
  }

  get(key: SettingKey): string | undefined {
    const row = this.#db.prepare<[string], { value: string }>('SELECT value FROM settings WHERE key = ?').get(key);
    return row?.value;
  }

  set(key: SettingKey, value: string): void {
    this.#db.prepare('INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value').run(key, value);
  }

  delete(key: SettingKey): void {
    this.#db.prepare('DELETE FROM settings WHERE key = ?').run(key);
  }
}
