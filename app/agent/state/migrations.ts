/** The agent's database, oldest migration first. Never change one that shipped. */
import type { Migration } from '#core/platform';

export const MIGRATIONS: readonly Migration[] = [
  {
    name: 'identity, trust, deployments, slots, events, uploads, version floors',
    sql: `
      -- Facts about this agent: its id, its ports, whether the last end was clean.
      CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

      -- This device's key, and the certificate it shows while nobody has enrolled it.
      CREATE TABLE identity (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        device_id TEXT NOT NULL,
        private_key TEXT NOT NULL,
        csr TEXT NOT NULL,
        self_signed TEXT NOT NULL
      ) STRICT;

      -- The one workspace this device belongs to.
      CREATE TABLE trust (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        workspace_id TEXT NOT NULL,
        name TEXT NOT NULL,
        certificate TEXT NOT NULL,
        ca TEXT NOT NULL,
        signer TEXT NOT NULL,
        enrolled_at INTEGER NOT NULL,
        -- Set by the first request of the workspace: until then its side may not know that it is enrolled.
        seen_at INTEGER
      ) STRICT;

      CREATE TABLE deployments (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        model TEXT NOT NULL,
        version TEXT NOT NULL,
        variant TEXT NOT NULL,
        digest TEXT NOT NULL,
        -- The whole order as it was accepted, JSON.
        decision TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('receiving','verifying','testing','activating','on trial','active','refused','rolled back','cancelled','superseded')),
        -- ErrorBody, JSON, once it was refused or rolled back.
        error TEXT,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        -- Tests that were begun: more than ended means that the test itself ends the agent.
        attempts INTEGER NOT NULL DEFAULT 0,
        -- The watch, kept across restarts. Elapsed time is counted, not read from a clock that may jump.
        trial_ms INTEGER NOT NULL DEFAULT 0,
        trial_requests INTEGER NOT NULL DEFAULT 0,
        trial_failures INTEGER NOT NULL DEFAULT 0,
        trial_crashes INTEGER NOT NULL DEFAULT 0,
        trial_starts INTEGER NOT NULL DEFAULT 0
      ) STRICT;
      CREATE INDEX deployments_by_model ON deployments (model, seq);

      -- Every blob a deployment listed. What no live deployment lists may be deleted.
      CREATE TABLE deployment_blobs (
        deployment TEXT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
        digest TEXT NOT NULL,
        size INTEGER NOT NULL,
        PRIMARY KEY (deployment, digest)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX deployment_blobs_by_digest ON deployment_blobs (digest);

      -- One row per model: the switch is an update of this row.
      CREATE TABLE slots (
        model TEXT PRIMARY KEY,
        serving TEXT REFERENCES deployments (id),
        previous TEXT REFERENCES deployments (id)
      ) STRICT, WITHOUT ROWID;

      -- Highest version that was committed, unless a person decided for an older one since.
      CREATE TABLE floors (model TEXT PRIMARY KEY, version TEXT NOT NULL) STRICT, WITHOUT ROWID;

      CREATE TABLE events (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        model TEXT,
        message TEXT NOT NULL
      ) STRICT;

      -- Begun uploads; the bytes lie in a file named by the id, whose length is the offset.
      CREATE TABLE uploads (
        id TEXT PRIMARY KEY,
        model TEXT NOT NULL,
        -- The blob it will become, when the sender said so at the start; else any that is missing.
        digest TEXT,
        max_bytes INTEGER NOT NULL,
        touched_at INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
    `,
  },
  { name: 'an upload is a folder that says itself what it is', sql: 'DROP TABLE uploads;' },
  {
    name: 'administrators: who came, who was revoked, who ordered what',
    sql: `
      -- The newest statement of the workspace about whom it revoked, and the latest moment that is known to have passed.
      CREATE TABLE administration (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        counter INTEGER NOT NULL,
        note TEXT,
        latest INTEGER NOT NULL
      ) STRICT;
      INSERT INTO administration (only, counter, note, latest) VALUES (1, 0, NULL, 0);

      -- Rows are never deleted while the device belongs to the workspace.
      CREATE TABLE revoked_keys (key TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;

      CREATE TABLE administrators (
        key TEXT PRIMARY KEY,
        -- As its grant names it; absent until it gave an order.
        name TEXT,
        seen_at INTEGER NOT NULL,
        -- Counter of the last order that was taken from it: the next one must be higher.
        last_order INTEGER NOT NULL DEFAULT 0
      ) STRICT, WITHOUT ROWID;

      -- Who ordered it and by which grant, JSON; absent: the workspace itself.
      ALTER TABLE deployments ADD COLUMN authority TEXT;
    `,
  },
];
