/** `audit.db`: lines that can be added and not changed. The chain and the signed head show what got around that. */
import { type Migration, openSqlite, type Sqlite } from '#core/platform';

const MIGRATIONS: readonly Migration[] = [
  {
    name: 'lines, the signed head, checkpoints of what was archived',
    sql: `
      CREATE TABLE lines (
        seq INTEGER PRIMARY KEY,
        hash TEXT NOT NULL,
        -- The canonical form, which the hash is over.
        entry TEXT NOT NULL,
        phase TEXT GENERATED ALWAYS AS (entry ->> 'phase') VIRTUAL
      ) STRICT;
      -- Only the newest; it is a signed note, JSON.
      CREATE TABLE head (only INTEGER PRIMARY KEY CHECK (only = 1), seq INTEGER NOT NULL, note TEXT NOT NULL) STRICT;
      -- Up to which line the log was moved to files, with the head that vouches for them.
      CREATE TABLE checkpoints (seq INTEGER PRIMARY KEY, hash TEXT NOT NULL, note TEXT NOT NULL, file TEXT NOT NULL) STRICT;

      CREATE TRIGGER lines_in_order BEFORE INSERT ON lines
        WHEN NEW.seq <> 1 + max((SELECT coalesce(max(seq), 0) FROM lines), (SELECT coalesce(max(seq), 0) FROM checkpoints))
        BEGIN SELECT raise(ABORT, 'a line of the audit log is out of order'); END;
      CREATE TRIGGER lines_fixed BEFORE UPDATE ON lines
        BEGIN SELECT raise(ABORT, 'a line of the audit log cannot be changed'); END;
      CREATE TRIGGER lines_kept BEFORE DELETE ON lines
        WHEN OLD.seq > (SELECT coalesce(max(seq), 0) FROM checkpoints)
        BEGIN SELECT raise(ABORT, 'a line of the audit log cannot be removed'); END;
      CREATE TRIGGER head_forward BEFORE UPDATE ON head WHEN NEW.seq < OLD.seq
        BEGIN SELECT raise(ABORT, 'the head of the audit log cannot go back'); END;
      CREATE TRIGGER head_kept BEFORE DELETE ON head
        BEGIN SELECT raise(ABORT, 'the head of the audit log cannot be removed'); END;
      CREATE TRIGGER checkpoints_fixed BEFORE UPDATE ON checkpoints
        BEGIN SELECT raise(ABORT, 'a checkpoint of the audit log cannot be changed'); END;
      CREATE TRIGGER checkpoints_kept BEFORE DELETE ON checkpoints
        BEGIN SELECT raise(ABORT, 'a checkpoint of the audit log cannot be removed'); END;`,
  },
];

export interface LineRow {
  seq: number;
  hash: string;
  entry: string;
}

export interface CheckpointRow {
  seq: number;
  hash: string;
  note: string;
  /** Name of the archive, in the folder beside the database. */
  file: string;
}

export function openAuditDatabase(path: string): Sqlite {
  return openSqlite(path, MIGRATIONS);
}
