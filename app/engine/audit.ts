/** What people do in this workspace, on record: before it begins, and what came of it. */
import { join } from 'node:path';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { type Activity, asEdgewrightError, type AuditVerdict, EdgewrightError } from '#contract';
import { checkReplaceable, type Clock } from '#core/platform';
import { type AuditAct, AuditLog, exportLog, type Exported, type Keyring, verifyLog } from '#core/trust';
import type { Changes } from './changes.ts';
import { MAX_AUDIT_TEXT_BYTES } from './limits.ts';
import type { WorkspaceDb } from './workspace-db.ts';

/** Kept in `workspace.db` once there is a log, so that a log that is deleted is missed. */
export const AUDIT_BEGUN = 'audit log begun';

/** Opens the log, taking over what was written before there was a chain; a new workspace begins with a line of its own. */
export function openAuditLog(options: { home: string; keyring: Keyring; db: WorkspaceDb; clock: Clock }): AuditLog {
  const { home, keyring, db, clock } = options;
  const log = new AuditLog({ path: join(home, 'audit.db'), archive: join(home, 'audit'), keyring, clock, begun: db.knows(AUDIT_BEGUN) });
  const old = db.oldActivity().map(({ link, digest, ...line }) => ({ ...line, user: '', ...(link !== null && { link }), ...(digest !== null && { digest }) }));
  const first = {
    at: clock.now(),
    actor: 'edgewright',
    kind: 'workspace.created',
    message: `Made this workspace, whose signing key is ${keyring.fingerprint}`,
  };
  // A log that takes nothing more stops whoever wants to act, and nobody who only reads.
  const quietly = (work: () => void) => {
    try {
      work();
      return true;
    } catch (error) {
      if (asEdgewrightError(error).code !== 'machine.audit-failed') throw error;
      return false;
    }
  };
  if (quietly(() => log.begin(old.length > 0 ? old : [first])) && !db.knows(AUDIT_BEGUN)) {
    db.forgetOldActivity();
    db.once(AUDIT_BEGUN);
  }
  let closed = false;
  void keyring.whenUnlocked().then(() => {
    if (!closed) quietly(() => log.sign());
  });
  const close = log.close.bind(log);
  log.close = () => {
    closed = true;
    close();
  };
  return log;
}

/** What of a request stands in the log. Whatever is not named here may be a secret: a pairing code, a passphrase, a key. */
const SHOWN = [
  'ref',
  'dir',
  'path',
  'target',
  'name',
  'who',
  'fingerprint',
  'device',
  'devices',
  'address',
  'model',
  'variant',
  'variants',
  'registry',
  'to',
  'reason',
  'override',
];

function described(path: readonly string[], input: unknown): string {
  const shown = SHOWN.flatMap((field) => {
    const value: unknown = typeof input === 'object' && input !== null && field in input ? Reflect.get(input, field) : undefined;
    const text = typeof value === 'string' ? value : Array.isArray(value) ? value.filter((one) => typeof one === 'string').join(', ') : '';
    return text === '' ? [] : [`${field} ${text.slice(0, 300)}`];
  });
  return `${path.join('.')}${shown.length > 0 ? ` (${shown.join('; ')})` : ''}`;
}

export class Audit {
  readonly #log: AuditLog;
  readonly #changes: Changes;

  constructor(parts: { log: AuditLog; changes: Changes }) {
    this.#log = parts.log;
    this.#changes = parts.changes;
  }

  /** What was done. @throws machine.audit-failed when it cannot be written down */
  record(act: AuditAct): void {
    this.#log.append(act);
    this.#changes.publish('activity');
  }

  /**
   * Runs `work` only once it stands in the log that somebody asked for it, and writes down when it fails. That it was done
   * says whoever did it: if that cannot be written any more, the request without an outcome remains.
   * @throws machine.audit-failed before `work` began
   */
  async recorded<T>(request: { actor: string; path: readonly string[]; input: unknown }, work: () => Promise<T>): Promise<T> {
    const kind = request.path.join('.');
    const what = described(request.path, request.input);
    this.#log.append({ actor: request.actor, kind, phase: 'asked', message: `Asked for ${what}` });
    try {
      return await work();
    } catch (error) {
      const { code, message } = asEdgewrightError(error);
      try {
        this.record({ actor: request.actor, kind, phase: 'failed', message: `Failed: ${what}: ${message} (${code})` });
      } catch {
        // The request stands there without an outcome, and why it failed matters more to whoever asked.
      }
      throw error;
    }
  }

  list(options: { before?: number | undefined; limit: number; asked: boolean; link?: string | undefined }): Activity[] {
    return this.#log.list(options).map(({ v, prev, signed, ...line }) => line);
  }

  /** A broken log is an answer, not a failure. */
  async verify(against: { seq: number; hash: string } | undefined, signal?: AbortSignal): Promise<AuditVerdict> {
    const verdict = await verifyLog(this.#log, { ...(against && { against }), ...(signal && { signal }) });
    return { ok: verdict.problem === undefined, ...verdict };
  }

  async export(path: string | undefined, actor: string, signal?: AbortSignal): Promise<Exported & { text?: string }> {
    if (path !== undefined) {
      await checkReplaceable(path);
      const written = await exportLog(this.#log, path, signal);
      this.record({ actor, kind: 'audit.exported', message: `Exported lines ${written.from} to ${written.to} of the audit log to ${path}` });
      return written;
    }
    const dir = await mkdtemp(join(tmpdir(), 'edgewright-audit-'));
    try {
      const file = join(dir, 'audit.jsonl');
      const written = await exportLog(this.#log, file, signal);
      if (written.bytes > MAX_AUDIT_TEXT_BYTES) {
        throw new EdgewrightError({
          code: 'usage.audit-too-large',
          message: 'The audit log is too long to be handed over at once.',
          hint: 'Export it to a file: edgewright audit export FILE.',
          owner: 'usage',
        });
      }
      this.record({ actor, kind: 'audit.exported', message: `Exported lines ${written.from} to ${written.to} of the audit log` });
      return { ...written, text: await readFile(file, 'utf8') };
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }
}
