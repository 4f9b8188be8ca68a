import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { decrypt, encrypt } from '#core/trust';
import { openHeader } from '../../../app/core/trust/age/header.ts';
import { decryptWith, encryptWith } from '../../../app/core/trust/age/stream.ts';

const PASSPHRASE = 'correct horse battery staple';
const PIECE = 64 * 1024;
const TAG = 16;

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return Buffer.concat(parts);
}

async function* inPieces(bytes: Uint8Array, size = 40_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const failure = (bytes: Uint8Array, passphrase = PASSPHRASE) =>
  collect(decrypt(inPieces(bytes), passphrase)).then(
    () => undefined,
    (error: unknown) => error,
  );

test('what another program of the format wrote is read', async () => {
  const file = join(import.meta.dirname, '..', '..', 'fixtures', 'age', 'other.age');
  expect((await collect(decrypt(createReadStream(file), PASSPHRASE))).toString()).toBe('What another program of the age format wrote.\n');
});

describe('a file of three pieces', () => {
  let plain: Buffer;
  let file: Buffer;
  let head: number;
  beforeAll(async () => {
    plain = randomBytes(2 * PIECE + 100);
    file = await collect(encrypt(inPieces(plain), PASSPHRASE));
    head = file.indexOf('\n', file.indexOf('\n--- ') + 1) + 1;
  });

  test('is larger by its head, its nonce and a tag for each piece, and names no content', async () => {
    expect(file.length).toBe(head + 16 + plain.length + 3 * TAG);
    expect(file.toString('latin1', 0, head)).toMatch(/^age-encryption\.org\/v1\n-> scrypt [A-Za-z0-9+/]{22} 18\n[A-Za-z0-9+/]{43}\n--- [A-Za-z0-9+/]{43}\n$/);
    expect((await collect(decrypt(inPieces(file, 1_000), PASSPHRASE))).equals(plain)).toBe(true);
  });

  test('opens with no other passphrase', async () => {
    expect(await failure(file, 'correct horse battery stapler')).toMatchObject({ code: 'trust.wrong-passphrase', owner: 'trust' });
  });

  test('cut anywhere, with pieces left out, exchanged, repeated or added, it does not open', async () => {
    const body = head + 16;
    const piece = (i: number) => file.subarray(body + i * (PIECE + TAG), body + (i + 1) * (PIECE + TAG));
    const start = file.subarray(0, body);
    const wrong = [
      file.subarray(0, -1),
      file.subarray(0, body + 2 * (PIECE + TAG)),
      file.subarray(0, body + PIECE + TAG),
      start,
      file.subarray(0, head),
      file.subarray(0, head - 1),
      Buffer.concat([start, piece(1), piece(0), piece(2)]),
      Buffer.concat([start, piece(0), piece(2)]),
      Buffer.concat([start, piece(0), piece(0), piece(1), piece(2)]),
      Buffer.concat([file, piece(2)]),
      Buffer.concat([file, Buffer.from([0])]),
    ];
    // The head is the same wherever it is whole: its key is found once.
    const key = await openHeader(file.subarray(0, head), PASSPHRASE);
    for (const [i, bytes] of wrong.entries()) {
      const opened = collect(decryptWith(inPieces(bytes), async () => key));
      await expect(opened, `case ${i}`).rejects.toMatchObject({ code: 'trust.backup-altered', owner: 'trust' });
    }
  });

  test('with any bit of its payload flipped it does not open', async () => {
    const key = await openHeader(file.subarray(0, head), PASSPHRASE);
    await fc.assert(
      fc.asyncProperty(fc.nat(file.length - head - 1), fc.nat(7), async (at, bit) => {
        const bad = Buffer.from(file);
        bad[head + at] = (bad[head + at] ?? 0) ^ (1 << bit);
        await expect(collect(decryptWith(inPieces(bad), async () => key))).rejects.toMatchObject({ code: 'trust.backup-altered' });
      }),
      { numRuns: 60 },
    );
  });

  test('with any byte of its head changed it does not open', async () => {
    for (const at of [0, 24, 40, 52, 60, 103, head - 2]) {
      const bad = Buffer.from(file);
      bad[at] = (bad[at] ?? 0) ^ 1;
      expect(await failure(bad), `byte ${at}`).toMatchObject({ owner: 'trust' });
    }
  });
});

const KEY = Buffer.alloc(16, 7);
/** Whole as far as anybody looks who has the key already. */
const HEADER = Buffer.from('age-encryption.org/v1\n-> x\n--- x\n');

test('sizes around a piece come back as they were', async () => {
  for (const size of [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE]) {
    const plain = randomBytes(size);
    const file = await collect(encryptWith(inPieces(plain), { header: HEADER, fileKey: KEY }));
    const back = await collect(decryptWith(inPieces(file), async () => KEY));
    expect(createHash('sha256').update(back).digest('hex'), `${size} bytes`).toBe(createHash('sha256').update(plain).digest('hex'));
  }
});

test('what is no such file is refused at its first bytes, however long it is', async () => {
  let read = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      read += 1000;
      yield Buffer.alloc(1000, 'x');
    }
  }
  await expect(collect(decrypt(endless(), PASSPHRASE))).rejects.toMatchObject({ code: 'trust.not-encrypted', owner: 'trust' });
  async function* endlessHead(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('age-encryption.org/v1\n');
    for (;;) {
      read += 1000;
      yield Buffer.alloc(1000, 'x');
    }
  }
  await expect(collect(decrypt(endlessHead(), PASSPHRASE))).rejects.toMatchObject({ code: 'trust.backup-altered' });
  expect(read).toBeLessThan(10_000);
  expect(await failure(Buffer.alloc(0))).toMatchObject({ owner: 'trust' });
});
