/** The workspace's own record of its devices and deployments: `fleet.db`. */
import { join } from 'node:path';
import { type Migration, openSqlite, type Sqlite } from '#core/platform';

const MIGRATIONS: readonly Migration[] = [
  {
    name: 'devices and deployments',
    sql: `
      CREATE TABLE devices (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        -- host:port of the management door, as we reach it
        management TEXT NOT NULL,
        -- host:port of the inference door, as the device names it
        inference TEXT NOT NULL,
        certificate TEXT NOT NULL,
        enrolled_at INTEGER NOT NULL,
        practice INTEGER NOT NULL,
        state TEXT NOT NULL,
        problem TEXT,
        last_seen_at INTEGER,
        -- JSON of the last answer to GET /v1/status
        status TEXT
      ) STRICT;
      CREATE TABLE device_events (
        device TEXT NOT NULL REFERENCES devices(id) ON DELETE CASCADE,
        seq INTEGER NOT NULL,
        at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        model TEXT,
        message TEXT NOT NULL,
        PRIMARY KEY (device, seq)
      ) STRICT, WITHOUT ROWID;
      -- Survives the device's removal: what was sent to it stays on record.
      CREATE TABLE deployments (
        id TEXT PRIMARY KEY,
        device_id TEXT NOT NULL,
        device TEXT NOT NULL,
        ref TEXT NOT NULL,
        -- JSON of the order as the device gets it
        order_json TEXT NOT NULL,
        -- JSON list of the digests in it that are OCI manifests, in the order they are pushed
        manifests TEXT NOT NULL,
        state TEXT NOT NULL,
        started_at INTEGER NOT NULL,
        ended_at INTEGER,
        bytes_total INTEGER NOT NULL,
        bytes_sent INTEGER NOT NULL,
        seconds REAL NOT NULL,
        job_id TEXT,
        serving TEXT,
        error TEXT,
        override TEXT,
        cancel_asked INTEGER NOT NULL DEFAULT 0
      ) STRICT;
      CREATE INDEX deployments_by_device ON deployments(device_id, started_at);
      CREATE INDEX deployments_open ON deployments(ended_at) WHERE ended_at IS NULL;
      -- Begun uploads, so that they go on after a restart.
      CREATE TABLE uploads (
        device TEXT NOT NULL REFERENCES devices(id) ON DELETE CASCADE,
        digest TEXT NOT NULL,
        location TEXT NOT NULL,
        PRIMARY KEY (device, digest)
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    name: 'administrators of our devices, and workspaces whose devices we administer',
    sql: `
      -- Whose keys may give orders to our devices, by the fingerprint of the signing key; the newest grant of each.
      CREATE TABLE administrators (
        key TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        serial TEXT NOT NULL,
        granted_at INTEGER NOT NULL,
        until INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      -- Rows are never deleted: a key that was revoked stays so. The name may not be known after a restore.
      CREATE TABLE revoked_keys (key TEXT PRIMARY KEY, name TEXT, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
      -- The newest statement about them; its counter only goes up.
      CREATE TABLE revocations (only INTEGER PRIMARY KEY CHECK (only = 1), counter INTEGER NOT NULL, note TEXT NOT NULL) STRICT;
      CREATE TABLE memberships (
        workspace_id TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        signer TEXT NOT NULL,
        ca TEXT NOT NULL,
        -- Of that workspace's authority, for our own TLS key
        certificate TEXT NOT NULL,
        serial TEXT NOT NULL,
        -- JSON of the signed grant, as it travels with our orders
        grant_note TEXT NOT NULL,
        joined_at INTEGER NOT NULL,
        issued_at INTEGER NOT NULL,
        until INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      -- Absent: a device of our own.
      ALTER TABLE devices ADD COLUMN workspace TEXT REFERENCES memberships(workspace_id);
      -- Counter of the last order that we signed for it.
      ALTER TABLE devices ADD COLUMN last_order INTEGER NOT NULL DEFAULT 0;
      -- Counter of the newest of our statements that it is known to hold.
      ALTER TABLE devices ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
    `,
  },
];

/** Takes out of a copy what is true on this computer only: its practice device, and uploads that a device will have forgotten. */
export function forgetThisComputer(path: string): void {
  const db = openSqlite(path, MIGRATIONS);
  try {
    db.exec('DELETE FROM devices WHERE practice = 1; DELETE FROM uploads;');
    // One file again.
    db.pragma('journal_mode = DELETE');
  } finally {
    db.close();
  }
}

export function openFleetDatabase(dir: string): Sqlite {
  return openSqlite(join(dir, 'fleet.db'), MIGRATIONS);
}
