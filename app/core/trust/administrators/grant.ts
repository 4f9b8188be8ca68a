/**
 * The grant: a workspace's word that somebody else's signing key may give orders to its devices for a time. It stands for
 * itself, so that it can travel with every order: whoever knows the workspace's key can check it, and nothing else is needed.
 */
import { createPublicKey, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { FingerprintSchema, MAX_GRANT_DAYS } from '#contract';
import { distrust } from '../errors.ts';
import type { Keyring } from '../keyring.ts';
import { fingerprintOf, readPublicKey } from '../keys.ts';
import { MAX_PEM_BYTES } from '../limits.ts';
import { type Note, openNote, signNote } from '../note.ts';
import { PersonNameSchema, TimeSchema, WorkspaceIdSchema } from './fields.ts';

export const DAY_MS = 86_400_000;

const GrantSchema = z.strictObject({
  v: z.literal(1),
  /** Whose devices it is about: the workspace that signed it. */
  workspaceId: WorkspaceIdSchema,
  /** Random: it names this grant and no other, even after the workspace was restored from an old backup. */
  serial: z.string().regex(/^[0-9a-f]{32}$/),
  /** What the workspace calls the administrator. */
  name: PersonNameSchema,
  /** Fingerprint of `signer`. */
  key: FingerprintSchema,
  /** Public key that the administrator signs bundles and orders with, SPKI PEM. */
  signer: z.string().max(MAX_PEM_BYTES),
  /** From when to when it counts, both included. */
  issuedAt: TimeSchema,
  until: TimeSchema,
});
export type Grant = z.infer<typeof GrantSchema>;

/** @throws machine.keys-locked */
export function signGrant(keyring: Keyring, about: { name: string; signer: string; issuedAt: number; until: number }): { grant: Grant; note: Note } {
  const grant: Grant = {
    v: 1,
    workspaceId: keyring.workspaceId,
    serial: randomBytes(16).toString('hex'),
    key: fingerprintOf(createPublicKey(about.signer)),
    ...about,
  };
  return { grant, note: signNote(keyring, 'grant', grant) };
}

/**
 * What a grant says, once everything about it holds that does not change with time: see `standingProblem` for the rest.
 * @param workspace whose word counts
 * @throws trust.grant-wrong, trust.grant-other-workspace
 */
export function openGrant(note: unknown, workspace: { workspaceId: string; signerPem: string }): Grant {
  let grant: Grant;
  try {
    grant = openNote(note, 'grant', GrantSchema, workspace.signerPem);
  } catch (cause) {
    throw distrust('grant-wrong', 'The grant was altered, or was not given by the workspace that this device belongs to.', {
      hint: 'Ask the administrator of that workspace for a grant: edgewright workspace grant FILE.',
      cause,
    });
  }
  if (grant.workspaceId !== workspace.workspaceId) {
    throw distrust('grant-other-workspace', 'The grant is for the devices of another workspace.', {
      expected: workspace.workspaceId,
      found: grant.workspaceId,
    });
  }
  const wrong = (what: string) => distrust('grant-wrong', `The grant does not hold together: ${what}.`);
  if (fingerprintOf(readPublicKey(grant.signer)) !== grant.key) throw wrong('it names two keys');
  if (grant.until < grant.issuedAt || grant.until - grant.issuedAt > MAX_GRANT_DAYS * DAY_MS) throw wrong(`it is for longer than ${MAX_GRANT_DAYS} days`);
  return grant;
}
