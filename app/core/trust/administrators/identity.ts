/**
 * What a laptop hands over so that another workspace makes it an administrator: public keys alone, with proof that it holds
 * both private ones. The statement is signed by the signing key and holds the request of the TLS key, which is signed by
 * that one; so the fingerprint of the signing key, which two people compare, stands for both.
 */
import { createPublicKey } from 'node:crypto';
import { z } from 'zod';
import { unfit } from '../errors.ts';
import type { Keyring } from '../keyring.ts';
import { fingerprintOf } from '../keys.ts';
import { MAX_PEM_BYTES } from '../limits.ts';
import { type Note, openSelfSigned, signNote } from '../note.ts';
import { PersonNameSchema, TimeSchema, WorkspaceIdSchema } from './fields.ts';

const IdentitySchema = z.strictObject({
  v: z.literal(1),
  workspaceId: WorkspaceIdSchema,
  /** What it calls itself; the one who grants may call it something else. */
  name: PersonNameSchema,
  /** Public key that signs its bundles and its orders, SPKI PEM. */
  signer: z.string().max(MAX_PEM_BYTES),
  /** PKCS#10 request in PEM for its TLS key. */
  request: z.string().max(MAX_PEM_BYTES),
  at: TimeSchema,
});
export type Identity = z.infer<typeof IdentitySchema> & { fingerprint: string };

/** @throws machine.keys-locked */
export async function signIdentity(keyring: Keyring, about: { name: string; at: number }): Promise<Note> {
  const request = await keyring.certificateRequest();
  return signNote(keyring, 'identity', { v: 1, workspaceId: keyring.workspaceId, signer: keyring.publicKeyPem, request, ...about } satisfies z.infer<
    typeof IdentitySchema
  >);
}

/** @throws trust.note-wrong, trust.key-malformed, trust.key-format when it is no P-256 key */
export function openIdentity(note: unknown): Identity {
  const identity = openSelfSigned(note, 'identity', IdentitySchema);
  const key = createPublicKey(identity.signer);
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw unfit('key-format', 'The signing key of this identity is of another kind.', { expected: 'P-256' });
  return { ...identity, fingerprint: fingerprintOf(key) };
}
