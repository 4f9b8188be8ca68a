/** The signed head: this workspace's word that its log holds exactly these lines up to this one. */
import { z } from 'zod';
import type { Keyring } from '../keyring.ts';
import { type Note, openNote, signNote } from '../note.ts';

const HeadSchema = z.object({
  workspaceId: z.string(),
  /** The line it covers, and all before it. */
  seq: z.number().int().min(1),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** When it was signed, by the wall clock. */
  at: z.number().int(),
});
export type AuditHead = z.infer<typeof HeadSchema>;

export type HeadSigner = Pick<Keyring, 'sign' | 'fingerprint' | 'publicKeyPem' | 'workspaceId' | 'unlocked'>;

export function signHead(keyring: HeadSigner, line: { seq: number; hash: string; at: number }): Note {
  return signNote(keyring, 'audit-head', { workspaceId: keyring.workspaceId, ...line } satisfies AuditHead);
}

/** @throws trust.note-wrong */
export function openHead(note: unknown, publicKeyPem: string): AuditHead {
  return openNote(note, 'audit-head', HeadSchema, publicKeyPem);
}
