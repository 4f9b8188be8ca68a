/** Authenticated encryption of one small document with one key: AES-256-GCM, a fresh nonce each time. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { z } from 'zod';

const CIPHER = 'aes-256-gcm';
/** Length of a key, in bytes. */
export const SEAL_KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export const SealedSchema = z.object({ cipher: z.literal(CIPHER), nonce: z.base64().length(16), data: z.base64() });
/** `data` is the ciphertext followed by the tag; both fields base64. */
export type Sealed = z.infer<typeof SealedSchema>;

/** @param about what stands beside it in the clear: it is authenticated along, so that it cannot be exchanged */
export function seal(key: Uint8Array, plain: Uint8Array, about: string): Sealed {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(about, 'utf8'));
  const data = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  return { cipher: CIPHER, nonce: nonce.toString('base64'), data: data.toString('base64') };
}

/** undefined when the key is another one, or anything at all was altered: the two cannot be told apart. */
export function unseal(key: Uint8Array, sealed: Sealed, about: string): Buffer | undefined {
  const data = Buffer.from(sealed.data, 'base64');
  if (data.length < TAG_BYTES) return undefined;
  const decipher = createDecipheriv(CIPHER, key, Buffer.from(sealed.nonce, 'base64'), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(about, 'utf8'));
  decipher.setAuthTag(data.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(data.subarray(0, -TAG_BYTES)), decipher.final()]);
  } catch {
    return undefined;
  }
}
