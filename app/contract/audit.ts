/** The audit log: who did what to which digest when, and whether it is still what was written. */
import { z } from 'zod';
import { TimestampSchema } from './common.ts';

export const ActivitySchema = z.object({
  seq: z.number().int(),
  at: TimestampSchema,
  /** user@host of the process that wrote it; empty in lines of before there was a chain. */
  user: z.string(),
  /** Through what: the desktop, the command line, or a device by name. */
  actor: z.string(),
  kind: z.string(),
  /** `asked`: somebody is about to do it; `failed`: it was refused or did not work. Absent: it was done. */
  phase: z.enum(['asked', 'failed']).optional(),
  message: z.string(),
  link: z.string().optional(),
  digest: z.string().optional(),
  /** Hex SHA-256 of the line, which covers the hash of the line before. */
  hash: z.string(),
});
export type Activity = z.infer<typeof ActivitySchema>;

const LineSchema = z.object({ seq: z.number().int().min(1), hash: z.string().regex(/^[0-9a-f]{64}$/) });

/** `against`: a line known from an earlier export, which the log must still hold. */
export const VerifyAuditSchema = z.object({ against: LineSchema.optional() });

export const AuditVerdictSchema = z.object({
  ok: z.boolean(),
  /** Lines found sound, archived ones included. */
  lines: z.number().int(),
  /** The newest line that this workspace's signature covers, and when it was signed. */
  signed: z.object({ seq: z.number().int(), at: TimestampSchema }).optional(),
  /** Lines after it: added while the private keys were locked. */
  unsigned: z.number().int(),
  /** Archives that are not here any more; their signed heads are. */
  missingArchives: z.array(z.string()),
  /** How often the clock of this computer went back from one line to the next. */
  clockBack: z.number().int(),
  /** The first line that is wrong or missing, and how. */
  problem: z.object({ seq: z.number().int(), problem: z.string() }).optional(),
});
export type AuditVerdict = z.infer<typeof AuditVerdictSchema>;

export const ExportAuditSchema = z.object({
  /** Where to; without it the text itself is answered, as long as it is not too long for that. */
  path: z.string().min(1).max(4096).optional(),
});

export const ExportedAuditSchema = z.object({
  /** First and last line in it. */
  from: z.number().int(),
  to: z.number().int(),
  bytes: z.number().int(),
  /** Lines that no signature covers yet, and that are therefore not in it. */
  unsigned: z.number().int(),
  text: z.string().optional(),
});
