/** Checks the whole log: every line, every archive that is still there, and the signatures of this workspace over both. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as othersFirst } from 'node:timers/promises';
import { asEdgewrightError } from '#contract';
import { AUDIT_LINES_AT_ONCE } from '../limits.ts';
import { Chain, type ChainProblem } from './chain.ts';
import type { CheckpointRow, LineRow } from './database.ts';
import { GENESIS } from './entry.ts';
import { type AuditHead, openHead } from './head.ts';
import type { AuditLog } from './log.ts';
import { verifyExport } from './export.ts';

export interface AuditVerdict {
  /** Lines that were found sound, archived ones included. */
  lines: number;
  /** The newest line that this workspace's signature covers, and when it was signed. */
  signed?: { seq: number; at: number };
  /** Lines after it: added while the keys were locked. */
  unsigned: number;
  /** Archives that are not here any more; their signed heads are. */
  missingArchives: string[];
  /** How often the wall clock went back from one line to the next. */
  clockBack: number;
  problem?: ChainProblem;
}

export interface VerifyOptions {
  /** A line known from elsewhere, which the log must hold. */
  against?: { seq: number; hash: string };
  signal?: AbortSignal;
}

/** Times it begins again when lines were archived meanwhile. */
const ROUNDS = 3;

/** A broken log is a result. @throws only what keeps it from being read, and an abort */
export async function verifyLog(log: AuditLog, options: VerifyOptions = {}): Promise<AuditVerdict> {
  for (let round = 1; ; round++) {
    const before = log.checkpoint()?.seq;
    const verdict = await verifyOnce(log, options);
    if (round === ROUNDS || log.checkpoint()?.seq === before) return verdict;
  }
}

async function verifyOnce(log: AuditLog, { against, signal }: VerifyOptions): Promise<AuditVerdict> {
  const key = log.keyring.publicKeyPem;
  const verdict: AuditVerdict = { lines: 0, unsigned: 0, missingArchives: [], clockBack: 0 };
  const broken = (problem: ChainProblem | undefined) => ({ ...verdict, ...(problem && { problem }) });
  if (log.gone) return broken({ seq: 1, problem: 'all of it is gone' });
  let held = against === undefined;
  const compare = (seq: number, hash: string) => {
    held ||= seq === against?.seq && hash === against.hash;
  };
  // Before the lines, so that lines that are added meanwhile do not look like a head that is behind.
  const head = log.head();
  let at = { seq: 0, hash: GENESIS };
  for (const checkpoint of log.db.prepare<[], CheckpointRow>('SELECT * FROM checkpoints ORDER BY seq').all()) {
    const problem = await verifyArchive(log, checkpoint, at, verdict, compare);
    if (problem) return broken(problem);
    at = { seq: checkpoint.seq, hash: checkpoint.hash };
    verdict.lines = at.seq;
  }

  let signed: AuditHead | undefined;
  if (head) {
    try {
      signed = openHead(head.note, key);
    } catch (error) {
      return broken({ seq: head.seq, problem: asEdgewrightError(error).message });
    }
    if (signed.seq < at.seq) return broken({ seq: at.seq, problem: 'the signed head is older than what was archived' });
  }

  const chain = new Chain(at.seq, at.hash);
  const page = log.db.prepare<[number, number], LineRow>('SELECT seq, hash, entry FROM lines WHERE seq > ? ORDER BY seq LIMIT ?');
  for (;;) {
    signal?.throwIfAborted();
    const rows = page.all(chain.seq, AUDIT_LINES_AT_ONCE);
    for (const row of rows) {
      const problem = chain.follow(row);
      if (problem) return broken(problem);
      verdict.lines = row.seq;
      compare(row.seq, row.hash);
      if (signed?.seq === row.seq && signed.hash !== row.hash) return broken({ seq: row.seq, problem: `line ${row.seq} is not the one that was signed` });
    }
    if (rows.length < AUDIT_LINES_AT_ONCE) break;
    await othersFirst();
  }
  verdict.clockBack += chain.clockBack;
  if (signed && signed.seq > chain.seq)
    return broken({ seq: chain.seq + 1, problem: `the end is missing: line ${signed.seq} was signed, and the log ends at ${chain.seq}` });
  const signedTo = Math.max(chain.signedTo, at.seq);
  if ((signed?.seq ?? 0) < signedTo)
    return broken({
      seq: signedTo,
      problem: signed ? `the signed head is of line ${signed.seq}, and line ${signedTo} was signed after it` : 'the signed head is gone',
    });
  if (!held && against) {
    const away = against.seq <= at.seq && verdict.missingArchives.length > 0;
    return broken({
      seq: against.seq,
      problem: away ? 'it is in an archive that is not here' : `line ${against.seq} is not the one that is known from elsewhere`,
    });
  }
  if (signed) verdict.signed = { seq: signed.seq, at: signed.at };
  verdict.unsigned = chain.seq - (signed?.seq ?? at.seq);
  return verdict;
}

async function verifyArchive(
  log: AuditLog,
  checkpoint: CheckpointRow,
  after: { seq: number; hash: string },
  verdict: AuditVerdict,
  onLine: (seq: number, hash: string) => void,
): Promise<ChainProblem | undefined> {
  const key = log.keyring.publicKeyPem;
  try {
    const vouched = openHead(JSON.parse(checkpoint.note), key);
    if (vouched.seq !== checkpoint.seq || vouched.hash !== checkpoint.hash)
      return { seq: checkpoint.seq, problem: 'a checkpoint is not the one that was signed' };
    const path = join(log.archive, checkpoint.file);
    if (!existsSync(path)) {
      verdict.missingArchives.push(checkpoint.file);
      return undefined;
    }
    const found = await verifyExport(path, { publicKeyPem: key, onLine });
    verdict.clockBack += found.clockBack;
    if (found.after.seq !== after.seq || found.after.hash !== after.hash || found.head.seq !== vouched.seq || found.head.hash !== vouched.hash)
      return { seq: after.seq + 1, problem: `the archive ${checkpoint.file} holds other lines than were archived` };
    return undefined;
  } catch (error) {
    const known = asEdgewrightError(error);
    if (known.owner !== 'trust') throw error;
    return { seq: after.seq + 1, problem: `the archive ${checkpoint.file}: ${known.found ?? known.message}` };
  }
}
