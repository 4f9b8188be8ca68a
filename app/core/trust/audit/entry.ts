/** One line of the audit log, and the chain: each line's hash covers the hash of the line before. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { MAX_AUDIT_TEXT } from '../limits.ts';

const Hash = z.string().regex(/^[0-9a-f]{64}$/);

/** What the first line of a log stands on. */
export const GENESIS = '0'.repeat(64);

export const AuditEntrySchema = z.strictObject({
  v: z.literal(1),
  /** Counts the lines; it never repeats and never leaves one out. */
  seq: z.number().int().min(1),
  /** Wall clock in ms since the epoch, as it was: it may have gone back. */
  at: z.number().int(),
  /** user@host of the process that wrote it. */
  user: z.string(),
  /** The desktop, the command line, or a device by name. */
  actor: z.string(),
  kind: z.string(),
  /** Absent: it was done. */
  phase: z.enum(['asked', 'failed']).optional(),
  message: z.string(),
  link: z.string().optional(),
  digest: z.string().optional(),
  /** The head was signed along with it: then there must be a head, and not an older one. */
  signed: z.literal(true).optional(),
  /** Hash of the line before. */
  prev: Hash,
});
export type AuditEntry = z.infer<typeof AuditEntrySchema>;

export type AuditAct = Omit<AuditEntry, 'v' | 'seq' | 'at' | 'user' | 'signed' | 'prev'>;

/**
 * The one form in which a line is hashed: JSON without spaces, members in the order of their names (RFC 8785; the values are
 * strings and whole numbers only).
 */
export function canonical(entry: AuditEntry): string {
  const members = Object.entries(entry)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(Object.fromEntries(members));
}

/** Hex SHA-256 of the canonical form. */
export function entryHash(canonicalEntry: string): string {
  return createHash('sha256').update(canonicalEntry, 'utf8').digest('hex');
}

/** Whole Unicode, and no longer than a line needs: whatever stands in it comes from outside. */
export function bounded(text: string): string {
  const whole = text.toWellFormed();
  return whole.length <= MAX_AUDIT_TEXT ? whole : `${whole.slice(0, MAX_AUDIT_TEXT - 1).toWellFormed()}…`;
}
