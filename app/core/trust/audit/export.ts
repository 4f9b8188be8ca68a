/** Writes the log to a file that can be checked anywhere, and checks such a file. */
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { EdgewrightError } from '#contract';
import { writeStreamAtomic } from '#core/platform';
import { distrust } from '../errors.ts';
import { fingerprintOf, readPublicKey } from '../keys.ts';
import { AUDIT_LINES_AT_ONCE, MAX_AUDIT_LINE_BYTES } from '../limits.ts';
import { Chain } from './chain.ts';
import type { CheckpointRow, LineRow } from './database.ts';
import { type AuditEntry, canonical, GENESIS } from './entry.ts';
import { endLine, entryLine, ExportLineSchema, type ExportStart, startLine } from './export-form.ts';
import { type AuditHead, openHead } from './head.ts';
import type { AuditLog } from './log.ts';

export interface Exported {
  /** First and last line in the file. */
  from: number;
  to: number;
  bytes: number;
  /** Lines that no signature covers yet, and that are therefore not in it. */
  unsigned: number;
}

/**
 * Writes everything up to the newest signed head, archives included as far as they are there, whole or not at all.
 * @throws trust.audit-unsigned when nothing is signed yet
 */
export async function exportLog(log: AuditLog, path: string, signal?: AbortSignal): Promise<Exported> {
  log.sign();
  const head = log.head();
  if (!head) throw distrust('audit-unsigned', 'Nothing in the audit log is signed yet.', { hint: 'Unlock the private keys: edgewright workspace unlock.' });
  const archives = log.db.prepare<[], CheckpointRow>('SELECT * FROM checkpoints ORDER BY seq').all();
  // From the last gap on: what is not here any more cannot be exported.
  const firstKept = archives.findLastIndex((one) => !existsSync(join(log.archive, one.file))) + 1;
  const before = archives[firstKept - 1];
  const after = { seq: before?.seq ?? 0, hash: before?.hash ?? GENESIS };
  const { keyring } = log;
  const last = log.list({ limit: 1, asked: true })[0]?.seq ?? 0;

  async function* text(): AsyncGenerator<Buffer> {
    yield Buffer.from(startLine({ workspaceId: keyring.workspaceId, publicKey: keyring.publicKeyPem, after }));
    for (const archive of archives.slice(firstKept)) {
      for await (const line of linesOf(join(log.archive, archive.file))) if (line.startsWith('{"hash"')) yield Buffer.from(`${line}\n`);
    }
    const page = log.db.prepare<[number, number, number], LineRow>('SELECT seq, hash, entry FROM lines WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?');
    let at = archives.at(-1)?.seq ?? 0;
    for (;;) {
      const rows = page.all(at, head?.seq ?? 0, AUDIT_LINES_AT_ONCE);
      if (rows.length > 0) yield Buffer.from(rows.map(entryLine).join(''));
      if (rows.length < AUDIT_LINES_AT_ONCE) break;
      at = rows.at(-1)?.seq ?? at;
    }
    yield Buffer.from(endLine(head!.note));
  }
  const bytes = await writeStreamAtomic(path, text(), signal ? { signal } : {});
  return { from: after.seq + 1, to: head.seq, bytes, unsigned: Math.max(0, last - head.seq) };
}

export interface VerifiedExport {
  workspaceId: string;
  /** The line before the first one in the file. */
  after: { seq: number; hash: string };
  head: AuditHead;
  lines: number;
  clockBack: number;
}

/**
 * Checks a file that was exported, or archived, in constant memory: each line, and the head's signature by the key given.
 * @throws trust.audit-broken naming the first line that is wrong
 */
export async function verifyExport(
  path: string,
  options: { publicKeyPem: string; signal?: AbortSignal; onLine?: (seq: number, hash: string) => void },
): Promise<VerifiedExport> {
  const broken = (found: string) =>
    distrust('audit-broken', `${path} is not the audit log that was signed.`, { found, hint: 'Get the file again from where it was exported.' });
  let start: ExportStart | undefined;
  let chain: Chain | undefined;
  let head: AuditHead | undefined;
  for await (const text of linesOf(path, options.signal)) {
    const line = ExportLineSchema.safeParse(parsed(text));
    if (!line.success) throw broken(chain ? `what follows line ${chain.seq} is unreadable` : 'it does not begin as an audit log');
    if (head) throw broken('something follows the signed head');
    if ('start' in line.data) {
      if (start) throw broken(`what follows line ${chain?.seq ?? 0} is unreadable`);
      start = line.data.start;
      if (!sameKey(start.publicKey, options.publicKeyPem)) throw broken('it is the log of a workspace with another key');
      chain = new Chain(start.after.seq, start.after.hash);
    } else if (!chain || !start) {
      throw broken('it does not begin as an audit log');
    } else if ('head' in line.data) {
      head = openHead(line.data.head, options.publicKeyPem);
    } else {
      const { hash, entry } = line.data;
      const problem = chain.follow({ seq: entry.seq, hash, entry: canonical(entry as unknown as AuditEntry) });
      if (problem) throw broken(problem.problem);
      options.onLine?.(chain.seq, chain.hash);
    }
  }
  if (!start || !chain) throw broken('it is empty');
  if (!head) throw broken(`the end is missing: no signed head follows line ${chain.seq}`);
  if (head.seq !== chain.seq) throw broken(`the signed head is of line ${head.seq}, and the file ends at ${chain.seq}`);
  if (head.hash !== chain.hash || head.workspaceId !== start.workspaceId) throw broken('the signed head is of other lines');
  return { workspaceId: start.workspaceId, after: start.after, head, lines: chain.seq - start.after.seq, clockBack: chain.clockBack };
}

function sameKey(a: string, b: string): boolean {
  try {
    return fingerprintOf(readPublicKey(a)) === fingerprintOf(readPublicKey(b));
  } catch {
    return false;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Lines of a file, none longer than MAX_AUDIT_LINE_BYTES. */
async function* linesOf(path: string, signal?: AbortSignal): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, signal ? { signal } : {}) as AsyncIterable<Buffer>) {
    let data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10)) {
      yield data.toString('utf8', 0, end);
      data = data.subarray(end + 1);
    }
    if (data.length > MAX_AUDIT_LINE_BYTES) {
      throw new EdgewrightError({ code: 'input.too-large', message: `${path} has a line that is too long for an audit log.`, owner: 'input' });
    }
    rest = data;
  }
  if (rest.length > 0) yield rest.toString('utf8');
}
