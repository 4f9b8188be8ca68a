/**
 * The log as a file: JSON Lines. The first line says whose log it is and which line it goes on from; then one line for each
 * entry with its hash; the last one is the signed head. Anyone with SHA-256 and the public key can check it.
 */
import { z } from 'zod';
import { type Note, NoteSchema } from '../note.ts';
import type { LineRow } from './database.ts';

const Hash = z.string().regex(/^[0-9a-f]{64}$/);

const StartSchema = z.object({
  workspaceId: z.string().max(100),
  /** SubjectPublicKeyInfo in PEM: whose log it says it is. Who checks brings the key that counts. */
  publicKey: z.string().max(16 * 1024),
  /** The line before the first one here; 0 and zeros at the very start. */
  after: z.object({ seq: z.number().int().min(0), hash: Hash }),
});
export type ExportStart = z.infer<typeof StartSchema>;

export const ExportLineSchema = z.union([
  z.strictObject({ audit: z.literal(1), start: StartSchema }),
  z.strictObject({ hash: Hash, entry: z.looseObject({ seq: z.number().int().min(1) }) }),
  z.strictObject({ head: NoteSchema }),
]);

export function startLine({ workspaceId, publicKey, after: { seq, hash } }: ExportStart): string {
  return `${JSON.stringify({ audit: 1, start: { workspaceId, publicKey, after: { seq, hash } } })}\n`;
}

/** The entry stands there exactly as it was hashed. */
export function entryLine({ hash, entry }: Pick<LineRow, 'hash' | 'entry'>): string {
  return `{"hash":"${hash}","entry":${entry}}\n`;
}

export function endLine(head: Note): string {
  return `${JSON.stringify({ head })}\n`;
}
