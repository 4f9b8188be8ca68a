/**
 * Small signed statements of our own: a plain DSSE envelope around JSON. The type stands in what is signed, so that a note of
 * one kind is never taken for one of another.
 */
import { createHash, verify } from 'node:crypto';
import { z } from 'zod';
import { distrust } from './errors.ts';
import type { Keyring } from './keyring.ts';
import { fingerprintOf, hashForKey, readPublicKey } from './keys.ts';
import { preAuthEncoding } from './dsse.ts';
import { MAX_NOTE_BYTES, MAX_SIGNATURE_DER_BYTES } from './limits.ts';

/** What a note says, as its media type. */
const NOTE_TYPES = ['audit-head', 'identity', 'grant', 'grant-file', 'revocations', 'order'] as const;
export type NoteType = (typeof NOTE_TYPES)[number];

/** One way to write the same bytes: no character of a note can be changed unseen. */
const base64 = (maxBytes: number) =>
  z
    .base64()
    .max(Math.ceil(maxBytes / 3) * 4)
    .refine((text) => Buffer.from(text, 'base64').toString('base64') === text);

/** @param maxBytes longest statement in it */
export const noteSchema = (maxBytes: number) =>
  z.strictObject({
    payloadType: z.string().max(100),
    payload: base64(maxBytes),
    signatures: z.array(z.strictObject({ keyid: z.string().max(128), sig: base64(MAX_SIGNATURE_DER_BYTES) })).length(1),
  });

export const NoteSchema = noteSchema(MAX_NOTE_BYTES);
export type Note = z.infer<typeof NoteSchema>;

const mediaType = (type: NoteType) => `application/vnd.edgewright.${type}.v1+json`;

/** Of which kind a note says it is; undefined: it is none of ours. Nothing is checked. */
export function noteType(note: unknown): NoteType | undefined {
  const said: unknown = typeof note === 'object' && note !== null && 'payloadType' in note ? note.payloadType : undefined;
  return NOTE_TYPES.find((type) => mediaType(type) === said);
}

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
export function openNote<T extends z.ZodType>(note: unknown, type: NoteType, schema: T, publicKeyPem: string, maxBytes = MAX_NOTE_BYTES): z.infer<T> {
  const wrong = (found: string) => distrust('note-wrong', `A signed statement (${type}) cannot be believed: ${found}.`);
  const parsed = noteSchema(maxBytes).safeParse(note);
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

const ClaimSchema = z.object({ signer: z.string() });

/**
 * What a note says that brings the key it is signed with, as the field `signer`: proof that whoever wrote it has the private
 * half, and no more. Whose key that is, a person compares.
 * @throws trust.note-wrong, trust.key-malformed
 */
export function openSelfSigned<T extends z.ZodType<{ signer: string }>>(note: unknown, type: NoteType, schema: T, maxBytes = MAX_NOTE_BYTES): z.infer<T> {
  const malformed = () => distrust('note-wrong', `A signed statement (${type}) cannot be believed: it is malformed.`);
  const parsed = noteSchema(maxBytes).safeParse(note);
  if (!parsed.success) throw malformed();
  let claimed: unknown;
  try {
    claimed = JSON.parse(Buffer.from(parsed.data.payload, 'base64').toString('utf8'));
  } catch {
    throw malformed();
  }
  const claim = ClaimSchema.safeParse(claimed);
  if (!claim.success) throw malformed();
  return openNote(parsed.data, type, schema, claim.data.signer, maxBytes);
}

/** Names what a note says. One statement may have several good signatures; they are the same note. */
export function noteDigest({ payload }: Pick<Note, 'payload'>): string {
  return `sha256:${createHash('sha256').update(payload, 'base64').digest('hex')}`;
}
