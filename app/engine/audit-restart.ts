/**
 * A log that somebody has broken stops every act. This puts it aside, whole as it is, and begins a new one whose first line
 * says so: a person's decision, on record, and never made for them.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { asEdgewrightError, EdgewrightError } from '#contract';
import { acquireLock, fsyncDir, systemClock, WORKSPACE_WAIT_MS, workspacePaths } from '#core/platform';
import { AuditLog, openKeyring, verifyLog } from '#core/trust';
import { finishRestore } from './backup/switch.ts';
import { AUDIT_BEGUN } from './audit.ts';
import { WorkspaceDb } from './workspace-db.ts';
import { type AskPassphrase, unlockKeys } from './unlock.ts';

export interface AuditRestart {
  /** Where the broken log lies now. */
  aside: string;
  /** What was wrong with it. */
  problem: string;
}

/** @throws machine.busy while an engine runs; usage.audit-whole when there is nothing wrong with the log */
export async function restartAudit(home: string, request: { reason: string; actor: string; askPassphrase?: AskPassphrase }): Promise<AuditRestart> {
  const paths = workspacePaths(home);
  await finishRestore(home);
  const lock = await acquireLock(paths.lock, { what: 'putting the audit log aside', waitMs: WORKSPACE_WAIT_MS });
  try {
    const keyring = await openKeyring(paths.keys);
    await unlockKeys(keyring, request.askPassphrase);
    const options = { path: join(home, 'audit.db'), archive: join(home, 'audit'), keyring, clock: systemClock };
    const problem = await problemOf({ ...options, begun: begunIn(home) });
    if (problem === undefined) {
      throw new EdgewrightError({ code: 'usage.audit-whole', message: 'The audit log is whole; there is nothing to put aside.', owner: 'usage' });
    }
    const aside = join(home, `audit-broken-${new Date().toISOString().replace(/[:.]/g, '-')}`);
    const digest = existsSync(options.path) ? await digestOf(options.path) : undefined;
    await mkdir(aside, { mode: 0o700 });
    // The database last: while it is there the log is still the broken one.
    for (const name of ['audit', 'audit.db-wal', 'audit.db-shm', 'audit.db'])
      if (existsSync(join(home, name))) await rename(join(home, name), join(aside, name));
    await fsyncDir(aside);
    await fsyncDir(home);
    const log = new AuditLog(options);
    const message = `Put the broken audit log aside (${problem}) and began a new one: ${request.reason}`;
    log.begin([{ at: systemClock.now(), actor: request.actor, kind: 'audit.restarted', message, ...(digest !== undefined && { digest }) }]);
    log.close();
    return { aside, problem };
  } finally {
    await lock.release();
  }
}

function begunIn(home: string): boolean {
  const db = new WorkspaceDb(join(home, 'workspace.db'));
  try {
    return db.knows(AUDIT_BEGUN);
  } finally {
    db.close();
  }
}

async function problemOf(options: ConstructorParameters<typeof AuditLog>[0]): Promise<string | undefined> {
  let log: AuditLog | undefined;
  try {
    log = new AuditLog(options);
    return (await verifyLog(log)).problem?.problem;
  } catch (error) {
    const known = asEdgewrightError(error);
    // A file that is no database any more is as broken as a log can be.
    if (known.code === 'machine.database-damaged') return known.message;
    throw error;
  } finally {
    log?.db.close();
  }
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return `sha256:${hash.digest('hex')}`;
}
