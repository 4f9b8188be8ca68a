/**
 * Small signed statements of our own: a plain DSSE envelope around JSON. The type stands in what is signed, so that a note of
 * one kind is never taken for one of another.
 */
import { verify } from 'node:crypto';
import { z } from 'zod';
import { distrust } from './errors.ts';
import type { Keyring } from './keyring.ts';
import { fingerprintOf, hashForKey, readPublicKey } from './keys.ts';
import { preAuthEncoding } from './dsse.ts';
import { MAX_NOTE_BYTES } from './limits.ts';

/** What a note says, as its media type. */
export type NoteType = 'audit-head' | 'grant' | 'endorsement';

/** One way to write the same bytes: no character of a note can be changed unseen. */
const Base64 = z
  .base64()
  .max(MAX_NOTE_BYTES * 2)
  .refine((text) => Buffer.from(text, 'base64').toString('base64') === text);

export const NoteSchema = z.strictObject({
  payloadType: z.string().max(100),
  payload: Base64,
  signatures: z.array(z.strictObject({ keyid: z.string().max(128), sig: Base64 })).length(1),
});
export type Note = z.infer<typeof NoteSchema>;

const mediaType = (type: NoteType) => `application/vnd.edgewright.${type}.v1+json`;

/** @throws machine.keys-locked */
export function signNote(keyring: Pick<Keyring, 'sign' | 'fingerprint'>, type: NoteType, statement: object): Note {
  const payload = Buffer.from(JSON.stringify(statement));
  const sig = keyring.sign(preAuthEncoding(mediaType(type), payload));
  return { payloadType: mediaType(type), payload: payload.toString('base64'), signatures: [{ keyid: keyring.fingerprint, sig: sig.toString('base64') }] };
}

/**
 * What a note says, once its signature was found to be of this key.
 * @throws trust.note-wrong
 */
export function openNote<T extends z.ZodType>(note: unknown, type: NoteType, schema: T, publicKeyPem: string): z.infer<T> {
  const wrong = (found: string) => distrust('note-wrong', `A signed statement (${type}) cannot be believed: ${found}.`);
  const parsed = NoteSchema.safeParse(note);
  if (!parsed.success) throw wrong('it is malformed');
  const { payloadType, payload, signatures } = parsed.data;
  if (payloadType !== mediaType(type)) throw wrong('it is of another kind');
  const key = readPublicKey(publicKeyPem);
  const bytes = Buffer.from(payload, 'base64');
  const sig = Buffer.from(signatures[0]?.sig ?? '', 'base64');
  const signer = fingerprintOf(key);
  if (signatures[0]?.keyid !== signer || !verify(hashForKey(key), preAuthEncoding(payloadType, bytes), { key, dsaEncoding: 'der' }, sig)) {
    throw wrong(`it was altered, or not signed by ${signer.slice(0, 16)}`);
  }
  try {
    return schema.parse(JSON.parse(bytes.toString('utf8')));
  } catch {
    throw wrong('what it says is unreadable');
  }
}
