/**
 * Whom a workspace has revoked: one signed statement that holds all of them, with a counter that only goes up. A key that is
 * revoked stays so; that makes statements mergeable, and of no use to replay.
 */
import { z } from 'zod';
import { FingerprintSchema } from '#contract';
import { distrust } from '../errors.ts';
import type { Keyring } from '../keyring.ts';
import { publicKeyId } from '../keys.ts';
import { MAX_REVOKED_KEYS } from '../limits.ts';
import { type Note, openNote, signNote } from '../note.ts';
import { TimeSchema, WorkspaceIdSchema } from './fields.ts';

const RevocationsSchema = z.strictObject({
  v: z.literal(1),
  workspaceId: WorkspaceIdSchema,
  counter: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
  at: TimeSchema,
  revoked: z.array(z.strictObject({ key: FingerprintSchema, at: TimeSchema })).max(MAX_REVOKED_KEYS),
});
export type Revocations = z.infer<typeof RevocationsSchema>;

/** @throws machine.keys-locked */
export function signRevocations(keyring: Pick<Keyring, 'sign' | 'fingerprint' | 'workspaceId'>, about: Pick<Revocations, 'counter' | 'at' | 'revoked'>): Note {
  return signNote(keyring, 'revocations', { v: 1, workspaceId: keyring.workspaceId, ...about } satisfies Revocations);
}

/**
 * @param workspace whose word counts
 * @throws trust.revocations-wrong when it is not of that workspace, was altered, or names the workspace's own key
 */
export function openRevocations(note: unknown, workspace: { workspaceId: string; signerPem: string }): Revocations {
  const wrong = (what: string, cause?: unknown) => distrust('revocations-wrong', `The list of revoked administrators cannot be believed: ${what}.`, { cause });
  let revocations: Revocations;
  try {
    revocations = openNote(note, 'revocations', RevocationsSchema, workspace.signerPem);
  } catch (cause) {
    throw wrong('it was altered, or not signed by the workspace that this device belongs to', cause);
  }
  if (revocations.workspaceId !== workspace.workspaceId) throw wrong('it is of another workspace');
  const own = publicKeyId(workspace.signerPem);
  if (revocations.revoked.some(({ key }) => key === own)) throw wrong('a workspace cannot revoke itself');
  return revocations;
}
