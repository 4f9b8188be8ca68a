/**
 * The payload of a file in the age format: STREAM with ChaCha20-Poly1305. Pieces of 64 KiB, each sealed under a counter and a
 * mark for the last one, so that pieces can be neither left out, exchanged, repeated, cut off nor added. Constant memory.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { altered, headerEnd, makeHeader, openHeader, payloadKey } from './header.ts';

const PIECE_BYTES = 64 * 1024;
const TAG_BYTES = 16;
const NONCE_BYTES = 16;
const CIPHER = 'chacha20-poly1305';

/** Eleven bytes count the pieces, the twelfth says whether it is the last. */
function pieceNonce(counter: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(Math.floor(counter / 2 ** 32), 1, 6);
  nonce.writeUInt32BE(counter % 2 ** 32, 7);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

/** Everything `source` gives, encrypted. The last piece is empty only when everything is. */
export async function* encrypt(source: AsyncIterable<Uint8Array>, passphrase: string): AsyncGenerator<Buffer, void> {
  yield* encryptWith(source, await makeHeader(passphrase));
}

/** @param head a new one: a file key is used for one file */
export async function* encryptWith(source: AsyncIterable<Uint8Array>, { header, fileKey }: { header: Buffer; fileKey: Buffer }): AsyncGenerator<Buffer, void> {
  const nonce = randomBytes(NONCE_BYTES);
  const key = payloadKey(fileKey, nonce);
  yield Buffer.concat([header, nonce]);
  let counter = 0;
  const seal = (piece: Uint8Array, last: boolean): Buffer => {
    const cipher = createCipheriv(CIPHER, key, pieceNonce(counter++, last), { authTagLength: TAG_BYTES });
    return Buffer.concat([cipher.update(piece), cipher.final(), cipher.getAuthTag()]);
  };
  const pending = new Pending();
  for await (const chunk of source) {
    pending.add(chunk);
    // One more byte must be there: a full piece may be the last.
    while (pending.bytes > PIECE_BYTES) yield seal(pending.take(PIECE_BYTES), false);
  }
  yield seal(pending.take(pending.bytes), true);
}

/**
 * What was encrypted, piece by piece, each only once it was found to be right; that nothing is missing at the end shows
 * when it ends without an error.
 * @throws trust.wrong-passphrase, trust.backup-altered, trust.not-encrypted, trust.passphrase-cost
 */
export function decrypt(source: AsyncIterable<Uint8Array>, passphrase: string): AsyncGenerator<Buffer, void> {
  return decryptWith(source, (header) => openHeader(header, passphrase));
}

/** @param fileKeyOf gives the file key out of a head */
export async function* decryptWith(source: AsyncIterable<Uint8Array>, fileKeyOf: (header: Buffer) => Promise<Buffer>): AsyncGenerator<Buffer, void> {
  const pending = new Pending();
  let key: Buffer | undefined;
  let counter = 0;
  const open = (sealed: Buffer, last: boolean): Buffer => {
    if (!key || sealed.length < TAG_BYTES) throw altered('its end is missing');
    const decipher = createDecipheriv(CIPHER, key, pieceNonce(counter++, last), { authTagLength: TAG_BYTES });
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    try {
      return Buffer.concat([decipher.update(sealed.subarray(0, -TAG_BYTES)), decipher.final()]);
    } catch {
      throw altered(last ? 'its end is missing or altered' : `what stands after ${(counter - 1) * PIECE_BYTES} bytes`);
    }
  };
  let header: Buffer | undefined;
  for await (const chunk of source) {
    pending.add(chunk);
    if (!header) {
      const end = headerEnd(pending.peek());
      if (end === undefined) continue;
      header = pending.take(end);
    }
    if (!key) {
      if (pending.bytes < NONCE_BYTES) continue;
      key = payloadKey(await fileKeyOf(header), pending.take(NONCE_BYTES));
    }
    while (pending.bytes > PIECE_BYTES + TAG_BYTES) yield open(pending.take(PIECE_BYTES + TAG_BYTES), false);
  }
  if (!header || !key) throw altered('its end is missing');
  const last = open(pending.take(pending.bytes), true);
  // Only a payload of nothing ends with an empty piece: otherwise a whole last piece could be told apart in two ways.
  if (last.length === 0 && counter > 1) throw altered('its end is malformed');
  yield last;
}

/** Bytes that came and were not used yet. */
class Pending {
  #chunks: Buffer[] = [];
  bytes = 0;

  add(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    this.bytes += chunk.length;
  }

  /** All of it, left where it is. */
  peek(): Buffer {
    this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] ?? Buffer.alloc(0);
  }

  take(bytes: number): Buffer {
    const parts: Buffer[] = [];
    let left = bytes;
    while (left > 0) {
      const first = this.#chunks[0];
      if (!first) throw new Error(`${left} bytes are missing`);
      if (first.length <= left) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(left);
      const part = first.subarray(0, left);
      parts.push(part);
      left -= part.length;
    }
    this.bytes -= bytes;
    return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts, bytes);
  }
}
