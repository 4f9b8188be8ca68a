/** Passphrases: what is asked of a new one, where one may be read from, and how a key is made of it. */
import { randomBytes, scrypt } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { EdgewrightError } from '#contract';
import { distrust } from '../errors.ts';
import { MAX_PASSPHRASE_BYTES, MAX_SCRYPT_LOG_N, MIN_PASSPHRASE_CHARS, MIN_SCRYPT_LOG_N } from '../limits.ts';

/** scrypt's block size; with it a derivation takes 128 · 8 · N bytes of memory. */
export const SCRYPT_R = 8;
export const SALT_BYTES = 16;
const KEY_BYTES = 32;

/**
 * A 32-byte key from a passphrase: scrypt (RFC 7914) with r = 8, p = 1.
 * @param logN binary logarithm of the cost; a file that asks for more than MAX_SCRYPT_LOG_N is refused before memory is taken
 */
export function passphraseKey(passphrase: string, salt: Uint8Array, logN: number): Promise<Buffer> {
  if (!Number.isInteger(logN) || logN < MIN_SCRYPT_LOG_N || logN > MAX_SCRYPT_LOG_N) {
    throw distrust('passphrase-cost', 'The file asks for a cost of the passphrase that is not taken.', {
      expected: `2^${MIN_SCRYPT_LOG_N} to 2^${MAX_SCRYPT_LOG_N}`,
      found: `2^${logN}`,
    });
  }
  const N = 2 ** logN;
  return new Promise((resolve, reject) => {
    // OpenSSL counts a little more than 128·r·N.
    scrypt(normalized(passphrase), salt, KEY_BYTES, { N, r: SCRYPT_R, p: 1, maxmem: 128 * SCRYPT_R * (N + 64) }, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}

export function newSalt(): Buffer {
  return randomBytes(SALT_BYTES);
}

/** The same passphrase typed on two systems is the same bytes (NFKC, as RFC 8265 asks for passwords: NFC, and no look-alike forms). */
function normalized(passphrase: string): string {
  return passphrase.normalize('NFKC');
}

/** @throws usage.passphrase-weak */
export function checkNewPassphrase(passphrase: string): void {
  const length = [...passphrase].length;
  if (length >= MIN_PASSPHRASE_CHARS && Buffer.byteLength(passphrase) <= MAX_PASSPHRASE_BYTES && new Set(passphrase).size > 2) return;
  throw new EdgewrightError({
    code: 'usage.passphrase-weak',
    message: 'This passphrase is too easy to guess.',
    expected: `at least ${MIN_PASSPHRASE_CHARS} characters, not the same one again and again`,
    found: `${length} characters`,
    hint: 'Four or five random words are easy to keep and hard to guess.',
    owner: 'usage',
  });
}

/**
 * The passphrase in a file that only its owner can read; one newline at its end is not part of it.
 * @throws trust.passphrase-file-exposed when others can read it; usage.passphrase-file, and what the system says of the file
 */
export async function readPassphraseFile(path: string): Promise<string> {
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const info = await handle.stat();
    const wrong = (expected: string, found: string) =>
      new EdgewrightError({ code: 'usage.passphrase-file', message: `${path} is no passphrase file.`, expected, found, owner: 'usage' });
    if (!info.isFile()) throw wrong('a regular file', 'something else');
    if (info.size > MAX_PASSPHRASE_BYTES + 2) throw wrong(`at most ${MAX_PASSPHRASE_BYTES} bytes`, `${info.size} bytes`);
    if (process.platform !== 'win32' && (info.mode & 0o077) !== 0) {
      throw distrust('passphrase-file-exposed', `Other users can read the passphrase in ${path}.`, {
        expected: 'mode 600 or 400',
        found: `mode ${(info.mode & 0o777).toString(8)}`,
        hint: `If nobody else could have read it, run: chmod 600 ${path}`,
      });
    }
    const text = (await handle.readFile('utf8')).replace(/\r?\n$/, '');
    if (text === '') throw wrong('a passphrase', 'nothing');
    return text;
  } finally {
    await handle.close();
  }
}
