/** The tables of the catalogue. Never change a migration that shipped. */
import type { Migration } from '#core/platform';

export const MIGRATIONS: readonly Migration[] = [
  {
    name: 'bundles, their variants and every blob each needs',
    sql: `
      CREATE TABLE bundles (
        name TEXT NOT NULL,
        version TEXT NOT NULL,
        digest TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        state TEXT NOT NULL,
        state_reason TEXT,
        facts TEXT,
        PRIMARY KEY (name, version)
      ) STRICT;
      CREATE TABLE variants (
        name TEXT NOT NULL,
        version TEXT NOT NULL,
        position INTEGER NOT NULL,
        variant TEXT NOT NULL,
        digest TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        precision TEXT NOT NULL,
        quantization TEXT,
        signer TEXT,
        created_at INTEGER NOT NULL,
        manifest BLOB NOT NULL,
        source BLOB NOT NULL,
        self BLOB NOT NULL,
        PRIMARY KEY (name, version, variant),
        FOREIGN KEY (name, version) REFERENCES bundles ON DELETE CASCADE
      ) STRICT;
      CREATE INDEX variants_by_digest ON variants (digest);
      CREATE TABLE blobs (
        name TEXT NOT NULL,
        version TEXT NOT NULL,
        variant TEXT NOT NULL,
        digest TEXT NOT NULL,
        size INTEGER NOT NULL,
        role TEXT NOT NULL,
        path TEXT NOT NULL,
        media_type TEXT NOT NULL,
        FOREIGN KEY (name, version) REFERENCES bundles ON DELETE CASCADE
      ) STRICT;
      CREATE INDEX blobs_by_digest ON blobs (digest);
      CREATE INDEX blobs_by_bundle ON blobs (name, version);
      CREATE TABLE facts_of_store (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    `,
  },
  {
    name: 'why a bundle is in its state, and every signature of a variant; all rows are made again from the store',
    sql: `
      ALTER TABLE bundles ADD COLUMN state_code TEXT;
      ALTER TABLE variants ADD COLUMN signatures TEXT NOT NULL DEFAULT '[]';
      DELETE FROM bundles;
      DELETE FROM facts_of_store;
    `,
  },
  {
    name: 'what a bundle is found by, in few pages; all rows are made again from the store',
    sql: `
      CREATE TABLE bundle_texts (
        name TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        version TEXT NOT NULL,
        text TEXT NOT NULL,
        -- in the order of the list, so that a page is read from where it begins
        PRIMARY KEY (name, created_at DESC, version),
        FOREIGN KEY (name, version) REFERENCES bundles ON DELETE CASCADE
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX bundles_by_digest ON bundles (digest);
      DELETE FROM bundles;
      DELETE FROM facts_of_store;
    `,
  },
  {
    name: 'pages by age, and of what cannot be used',
    sql: `
      CREATE INDEX bundle_texts_by_age ON bundle_texts (created_at, name, version);
      CREATE INDEX bundles_unsound ON bundles (name, version) WHERE state <> 'sound';
    `,
  },
  {
    name: 'what refers to a variant besides its signatures; all rows are made again from the store',
    sql: `
      ALTER TABLE variants ADD COLUMN attached TEXT NOT NULL DEFAULT '[]';
      DELETE FROM bundles;
      DELETE FROM facts_of_store;
    `,
  },
];
