/**
 * The head of a file in the age format, version 1 (age-encryption.org/v1), with the one recipient that a passphrase is: who
 * has the passphrase needs nothing of ours to read it (`age -d`). The head is text, and authenticated as a whole.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { distrust } from '../errors.ts';
import { passphraseKey } from '../key-store/passphrase.ts';
import { AGE_LOG_N, MAX_AGE_HEADER_BYTES } from '../limits.ts';

const VERSION_LINE = 'age-encryption.org/v1';
const SALT_LABEL = 'age-encryption.org/v1/scrypt';
const FILE_KEY_BYTES = 16;
const SALT_BYTES = 16;
const TAG_BYTES = 16;
const ZERO_NONCE = Buffer.alloc(12);

/** Standard alphabet, no padding, and no second way to write the same bytes. */
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').replace(/=+$/, '');
function fromBase64(text: string, length: number): Buffer {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== length || base64(bytes) !== text) throw altered('its head is malformed');
  return bytes;
}

function hkdf(key: Uint8Array, salt: Uint8Array, info: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, salt, info, 32));
}

/** Key of the payload, whose first 16 bytes are the nonce. */
export function payloadKey(fileKey: Uint8Array, nonce: Uint8Array): Buffer {
  return hkdf(fileKey, nonce, 'payload');
}

function macOf(fileKey: Uint8Array, signedText: string): Buffer {
  return createHmac('sha256', hkdf(fileKey, Buffer.alloc(0), 'header'))
    .update(signedText, 'latin1')
    .digest();
}

/** A new file key, and the head that only this passphrase opens. */
export async function makeHeader(passphrase: string): Promise<{ header: Buffer; fileKey: Buffer }> {
  const fileKey = randomBytes(FILE_KEY_BYTES);
  const salt = randomBytes(SALT_BYTES);
  const key = await passphraseKey(passphrase, labelled(salt), AGE_LOG_N);
  const cipher = createCipheriv('chacha20-poly1305', key, ZERO_NONCE, { authTagLength: TAG_BYTES });
  const wrapped = Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]);
  const signedText = `${VERSION_LINE}\n-> scrypt ${base64(salt)} ${AGE_LOG_N}\n${base64(wrapped)}\n---`;
  return { header: Buffer.from(`${signedText} ${base64(macOf(fileKey, signedText))}\n`, 'latin1'), fileKey };
}

function labelled(salt: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(SALT_LABEL, 'latin1'), salt]);
}

/** Where the head ends, in bytes; undefined while it is not all there. @throws when there can be none */
export function headerEnd(start: Buffer): number | undefined {
  const opening = Buffer.from(`${VERSION_LINE}\n`);
  if (!start.subarray(0, opening.length).equals(opening.subarray(0, start.length))) throw notAge();
  const mark = start.indexOf('\n--- ');
  const end = mark < 0 ? -1 : start.indexOf(10, mark + 1);
  if (end >= 0 && end < MAX_AGE_HEADER_BYTES) return end + 1;
  if (end >= 0 || start.length >= MAX_AGE_HEADER_BYTES) throw altered('its head does not end');
  return undefined;
}

/**
 * The file key, by the passphrase.
 * @param header all of the head
 * @throws trust.not-encrypted, trust.backup-altered, trust.wrong-passphrase, trust.passphrase-cost
 */
export async function openHeader(header: Buffer, passphrase: string): Promise<Buffer> {
  const text = header.toString('latin1');
  const parts = /^([^\n]+)\n-> scrypt (\S+) ([1-9][0-9]?)\n(\S+)\n--- (\S+)\n$/.exec(text);
  if (!parts) throw altered('its head is not that of a file encrypted by a passphrase');
  const [, version, salt = '', logN = '', body = '', mac = ''] = parts;
  if (version !== VERSION_LINE) throw notAge();
  const key = await passphraseKey(passphrase, labelled(fromBase64(salt, SALT_BYTES)), Number(logN));
  const wrapped = fromBase64(body, FILE_KEY_BYTES + TAG_BYTES);
  const decipher = createDecipheriv('chacha20-poly1305', key, ZERO_NONCE, { authTagLength: TAG_BYTES });
  decipher.setAuthTag(wrapped.subarray(FILE_KEY_BYTES));
  let fileKey: Buffer;
  try {
    fileKey = Buffer.concat([decipher.update(wrapped.subarray(0, FILE_KEY_BYTES)), decipher.final()]);
  } catch {
    throw distrust('wrong-passphrase', 'The passphrase is wrong, or the file was altered.', { hint: 'Nothing was written. Type it again.' });
  }
  const signedText = text.slice(0, text.lastIndexOf(' '));
  if (!timingSafeEqual(macOf(fileKey, signedText), fromBase64(mac, 32))) throw altered('its head does not have the right code');
  return fileKey;
}

export function altered(found: string) {
  return distrust('backup-altered', 'The file is not what it was when it was written.', { found, hint: 'Nothing was written. Use another copy of it.' });
}

function notAge() {
  return distrust('not-encrypted', 'This is not a file that Edgewright or age encrypted.', {
    expected: VERSION_LINE,
    hint: 'Name a file that edgewright workspace backup wrote.',
  });
}
