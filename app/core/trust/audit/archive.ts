/**
 * Keeps `audit.db` small: the oldest lines move to a file in the form of an export, and a checkpoint with a signed head stays
 * in their place. First the file is durable, then checkpoint and deletion are one transaction.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Sqlite } from '#core/platform';
import { ARCHIVED_AUDIT_LINES } from '../limits.ts';
import type { LineRow } from './database.ts';
import { endLine, entryLine, startLine } from './export-form.ts';
import { GENESIS } from './entry.ts';
import { type HeadSigner, signHead } from './head.ts';

/** Called while nobody else may write: it takes the database for itself. */
export function archiveOldest(db: Sqlite, dir: string, keyring: HeadSigner, now: number): void {
  db.transaction(() => {
    const before = db.prepare<[], { seq: number; hash: string }>('SELECT seq, hash FROM checkpoints ORDER BY seq DESC LIMIT 1').get() ?? {
      seq: 0,
      hash: GENESIS,
    };
    const rows = db
      .prepare<[number, number], LineRow>('SELECT seq, hash, entry FROM lines WHERE seq > ? ORDER BY seq LIMIT ?')
      .all(before.seq, ARCHIVED_AUDIT_LINES);
    const last = rows.at(-1);
    if (!last) return;
    const note = signHead(keyring, { seq: last.seq, hash: last.hash, at: now });
    const file = `${String(before.seq + 1).padStart(9, '0')}-${String(last.seq).padStart(9, '0')}.jsonl`;
    const lines = [startLine({ workspaceId: keyring.workspaceId, publicKey: keyring.publicKeyPem, after: before }), ...rows.map(entryLine), endLine(note)];
    writeDurably(join(dir, file), lines.join(''));
    db.prepare('INSERT INTO checkpoints (seq, hash, note, file) VALUES (?, ?, ?, ?)').run(last.seq, last.hash, JSON.stringify(note), file);
    db.prepare('DELETE FROM lines WHERE seq <= ?').run(last.seq);
  }).immediate();
}

/** Without waiting in between, since a transaction is open: a temporary file, fsync, rename, fsync of the folder. */
function writeDurably(path: string, text: string): void {
  const dir = dirname(path);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const temp = `${path}.tmp`;
  // One that a kill left is written over: nobody else can be here.
  const handle = openSync(temp, 'w', 0o600);
  try {
    writeFileSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(temp, path);
  if (process.platform === 'win32') return;
  const folder = openSync(dir, 'r');
  fsyncSync(folder);
  closeSync(folder);
}
