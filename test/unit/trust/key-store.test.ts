import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readPassphraseFile, systemKeychain } from '#core/trust';
import { seal, unseal } from '../../../app/core/trust/key-store/sealed.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ew-pass-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('sealing', () => {
  const key = randomBytes(32);

  test('gives back what was sealed, and never the same bytes twice', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), fc.string(), (plain, about) => {
        const sealed = seal(key, plain, about);
        expect(unseal(key, sealed, about)).toEqual(Buffer.from(plain));
        expect(seal(key, plain, about).data).not.toBe(sealed.data);
      }),
    );
  });

  test('any bit flipped, any other key, any other text beside it: nothing comes out', () => {
    const plain = Buffer.from('what nobody may read');
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom('data', 'nonce'), (at, field) => {
        const sealed = seal(key, plain, 'about');
        const bytes = Buffer.from(sealed[field], 'base64');
        const bit = at % (bytes.length * 8);
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(unseal(key, { ...sealed, [field]: bytes.toString('base64') }, 'about')).toBeUndefined();
      }),
    );
    const sealed = seal(key, plain, 'about');
    expect(unseal(randomBytes(32), sealed, 'about')).toBeUndefined();
    expect(unseal(key, sealed, 'About')).toBeUndefined();
    for (let length = 0; length < 16; length++) expect(unseal(key, { ...sealed, data: Buffer.alloc(length).toString('base64') }, 'about')).toBeUndefined();
  });
});

describe('a passphrase file', () => {
  const file = async (text: string, mode = 0o600) => {
    const path = join(dir, 'passphrase');
    await writeFile(path, text);
    await chmod(path, mode);
    return path;
  };

  test('is read without the newline at its end', async () => {
    expect(await readPassphraseFile(await file('correct horse\n'))).toBe('correct horse');
    expect(await readPassphraseFile(await file(' spaces stay \r\n'))).toBe(' spaces stay ');
  });

  test.skipIf(process.platform === 'win32')('that others can read is refused', async () => {
    for (const mode of [0o640, 0o604, 0o666, 0o620])
      await expect(readPassphraseFile(await file('secret', mode))).rejects.toMatchObject({ code: 'trust.passphrase-file-exposed', owner: 'trust' });
    expect(await readPassphraseFile(await file('secret', 0o400))).toBe('secret');
  });

  test('that is empty, huge, a folder or missing is refused', async () => {
    await expect(readPassphraseFile(await file('\n'))).rejects.toMatchObject({ code: 'usage.passphrase-file' });
    await expect(readPassphraseFile(await file('x'.repeat(100_000)))).rejects.toMatchObject({ code: 'usage.passphrase-file' });
    await mkdir(join(dir, 'folder'));
    await expect(readPassphraseFile(join(dir, 'folder'))).rejects.toMatchObject({ code: expect.stringMatching(/^usage\.|EISDIR/) });
    await expect(readPassphraseFile(join(dir, 'missing'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

test.skipIf(process.platform !== 'linux')('without a message bus there is no keychain, and nothing is started to find that out', () => {
  expect(systemKeychain({})).toBeUndefined();
  expect(systemKeychain({ XDG_RUNTIME_DIR: dir })).toBeUndefined();
  expect(systemKeychain({ DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' })?.name).toBe('the Secret Service of this desktop');
});
