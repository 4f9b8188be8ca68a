import { createPublicKey, verify, X509Certificate } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Keychain, openKeyring } from '#core/trust';

const PASSPHRASE = 'Übersicht über 3 Züge';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ew-keys-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const read = async () => readFile(join(dir, 'keyring.json'), 'utf8');

/** Stands for the operating system's own, which no test may touch. */
function keychain(options: { refuses?: boolean } = {}): Keychain & { entries: Map<string, Buffer> } {
  const entries = new Map<string, Buffer>();
  const answer = async <T>(work: () => T): Promise<T> => {
    if (options.refuses) throw Object.assign(new Error('locked'), { code: 'machine.keychain' });
    return work();
  };
  return {
    name: 'the test keychain',
    entries,
    get: (account) => answer(() => entries.get(account)),
    put: (account, secret) => answer(() => void entries.set(account, Buffer.from(secret))),
    remove: (account) => answer(() => void entries.delete(account)),
  };
}

test('first use makes the keys, later uses read the same ones', async () => {
  const first = await openKeyring(join(dir, 'keys'));
  const second = await openKeyring(join(dir, 'keys'));
  expect(first.workspaceId).toMatch(/^[0-9a-f]{32}$/);
  expect(second.workspaceId).toBe(first.workspaceId);
  expect(second.fingerprint).toBe(first.fingerprint);
  expect(second.clientTls()).toEqual(first.clientTls());
});

test('several first uses at once agree', async () => {
  const rings = await Promise.all(Array.from({ length: 5 }, () => openKeyring(join(dir, 'keys'))));
  expect(new Set(rings.map((r) => r.fingerprint)).size).toBe(1);
  expect(new Set(rings.map((r) => r.caCertificatePem)).size).toBe(1);
});

test('the signature is ECDSA P-256 with SHA-256 and verifies with the public key', async () => {
  const keyring = await openKeyring(dir);
  const data = Buffer.from('what is signed');
  const key = createPublicKey(keyring.publicKeyPem);
  expect(key.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
  expect(verify('sha256', data, { key, dsaEncoding: 'der' }, keyring.sign(data))).toBe(true);
  expect(verify('sha256', Buffer.from('else'), { key, dsaEncoding: 'der' }, keyring.sign(data))).toBe(false);
});

test('the workspace certificate is a client of its own CA', async () => {
  const keyring = await openKeyring(dir);
  const ca = new X509Certificate(keyring.caCertificatePem);
  const client = new X509Certificate(keyring.clientTls().cert);
  expect(ca.ca).toBe(true);
  expect(ca.verify(ca.publicKey)).toBe(true);
  expect(client.ca).toBe(false);
  expect(client.checkIssued(ca)).toBe(true);
  expect(client.verify(ca.publicKey)).toBe(true);
  expect(client.subjectAltName).toBe(`URI:urn:edgewright:workspace:${keyring.workspaceId}`);
  expect(client.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  // A device that starts without a clock must not find it "not yet valid", and it must last.
  expect(client.validFromDate.getUTCFullYear()).toBe(2020);
  expect(client.validToDate.getUTCFullYear()).toBeGreaterThanOrEqual(2046);
});

test.skipIf(process.platform === 'win32')('the file is for its owner only, and one that others can read is refused', async () => {
  await openKeyring(dir);
  const file = join(dir, 'keyring.json');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  await chmod(file, 0o644);
  await expect(openKeyring(dir)).rejects.toMatchObject({ code: 'trust.keyring-exposed', owner: 'trust' });
});

test('damaged keys are refused and left alone, never replaced by fresh ones, and never quoted', async () => {
  const first = await openKeyring(dir);
  const file = join(dir, 'keyring.json');
  const other = join(dir, 'other');
  await openKeyring(other);
  const mine = JSON.parse(await readFile(file, 'utf8'));
  const theirs = JSON.parse(await readFile(join(other, 'keyring.json'), 'utf8'));
  const withKeys = (keys: object) => JSON.stringify({ ...mine, private: { kind: 'plain', keys: { ...mine.private.keys, ...keys } } });
  for (const text of [
    '',
    '{',
    (await read()).slice(0, -20),
    JSON.stringify({ ...mine, format: 3 }),
    withKeys({ ca: theirs.private.keys.ca }),
    withKeys({ signing: 'x' }),
    JSON.stringify({ ...mine, public: { ...mine.public, signer: theirs.public.signer } }),
    JSON.stringify({ ...mine, public: theirs.public }),
  ]) {
    await writeFile(file, text);
    const error = await openKeyring(dir).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error, text.slice(0, 80)).toMatchObject({ code: 'trust.keyring-damaged', owner: 'trust' });
    expectNoKeys(inspect(error, { depth: 20 }), mine.private.keys);
    expect(await readFile(file, 'utf8')).toBe(text);
  }
  expect(first.unlocked).toBe(true);
  expect((await readdir(dir)).filter((name) => name.startsWith('.tmp-'))).toEqual([]);
});

test('a keyring of the first format goes on with the same keys, in the form of today', async () => {
  const first = await openKeyring(dir);
  const now = JSON.parse(await read());
  const { signing, ca, client } = now.private.keys;
  const old = {
    format: 1,
    workspaceId: now.public.workspaceId,
    createdAt: now.public.createdAt,
    signing: { privateKeyPem: signing },
    ca: { privateKeyPem: ca, certificatePem: now.public.caCertificate },
    client: { privateKeyPem: client, certificatePem: now.public.clientCertificate },
  };
  await writeFile(join(dir, 'keyring.json'), JSON.stringify(old));
  const again = await openKeyring(dir);
  expect(again.fingerprint).toBe(first.fingerprint);
  expect(again.clientTls()).toEqual(first.clientTls());
  expect(JSON.parse(await read())).toEqual(now);
});

test('new keys go to the keychain where it takes them, and the file then holds none', async () => {
  const chain = keychain();
  const made = await openKeyring(dir, { store: 'auto', keychain: chain });
  expect(made).toMatchObject({ protection: 'keychain', keyStore: 'the test keychain', unlocked: true });
  const text = await read();
  expect(text).not.toContain('PRIVATE KEY');
  expect(chain.entries.size).toBe(1);
  expect([...chain.entries.values()][0]).toHaveLength(32);

  const later = await openKeyring(dir, { keychain: chain });
  expect(later.unlocked).toBe(false);
  // The public half is always at hand.
  expect(later.fingerprint).toBe(made.fingerprint);
  expect(() => later.sign(Buffer.from('x'))).toThrow(expect.objectContaining({ code: 'machine.keys-locked' }));
  let followed = false;
  void later.whenUnlocked().then(() => {
    followed = true;
  });
  await Promise.all([later.unlock(), later.unlock()]);
  expect(later.clientTls()).toEqual(made.clientTls());
  expect(followed).toBe(true);

  const elsewhere = await openKeyring(dir, { keychain: undefined });
  await expect(elsewhere.unlock()).rejects.toMatchObject({ code: 'machine.no-keychain', owner: 'machine' });
  chain.entries.clear();
  const emptied = await openKeyring(dir, { keychain: chain });
  await expect(emptied.unlock()).rejects.toMatchObject({ code: 'machine.keychain-empty' });
  // From then on whatever needs the keys says why.
  expect(() => emptied.clientTls()).toThrow(expect.objectContaining({ code: 'machine.keychain-empty' }));
});

test('where the keychain refuses, new keys go to a file, unless the keychain was demanded', async () => {
  expect(await openKeyring(dir, { store: 'auto', keychain: keychain({ refuses: true }) })).toMatchObject({ protection: 'plain', unlocked: true });
  await expect(openKeyring(join(dir, 'b'), { store: 'keychain', keychain: keychain({ refuses: true }) })).rejects.toMatchObject({ code: 'machine.keychain' });
  await expect(openKeyring(join(dir, 'c'), { store: 'keychain', keychain: undefined })).rejects.toMatchObject({ code: 'machine.no-keychain' });
  expect(await readdir(join(dir, 'b'))).not.toContain('keyring.json');
});

test('a passphrase locks the file; it may be typed in either form of Unicode', async () => {
  const made = await openKeyring(dir);
  await made.keep('passphrase', PASSPHRASE);
  expect(made).toMatchObject({ protection: 'passphrase', unlocked: true });
  expect(await read()).not.toContain('PRIVATE KEY');

  const later = await openKeyring(dir);
  await expect(later.unlock()).rejects.toMatchObject({ code: 'machine.keys-locked', owner: 'machine' });
  await expect(later.unlock('Übersicht über 4 Züge')).rejects.toMatchObject({ code: 'trust.wrong-passphrase', owner: 'trust' });
  // Whoever needs the keys next typed nothing wrong.
  expect(() => later.checkUnlocked()).toThrow(expect.objectContaining({ code: 'machine.keys-locked' }));
  await later.unlock(PASSPHRASE.normalize('NFD'));
  expect(later.clientTls()).toEqual(made.clientTls());
  await later.keep('plain');
  expect((await openKeyring(dir)).clientTls()).toEqual(made.clientTls());
});

test('a weak passphrase is refused, and nothing changes', async () => {
  const keyring = await openKeyring(dir);
  const before = await read();
  for (const weak of ['', 'short', 'aaaaaaaaaaaaaaaa', 'x'.repeat(2000)])
    await expect(keyring.keep('passphrase', weak)).rejects.toMatchObject({ code: 'usage.passphrase-weak', owner: 'usage' });
  expect(await read()).toBe(before);
});

test('moving leaves the keychain empty behind it; a refusing keychain leaves everything as it was', async () => {
  const chain = keychain();
  const keyring = await openKeyring(dir, { store: 'auto', keychain: chain });
  await keyring.keep('plain');
  expect(chain.entries.size).toBe(0);
  await keyring.keep('keychain');
  await keyring.keep('keychain');
  expect(chain.entries.size).toBe(1);
  await keyring.keep('passphrase', PASSPHRASE);
  expect(chain.entries.size).toBe(0);

  const refusing = await openKeyring(dir, { keychain: keychain({ refuses: true }) });
  await refusing.unlock(PASSPHRASE);
  const before = await read();
  await expect(refusing.keep('keychain')).rejects.toMatchObject({ code: 'machine.keychain' });
  expect(await read()).toBe(before);
});

test('an entry of the keychain that cannot be removed is told, and the keys have moved', async () => {
  const chain = keychain();
  const keyring = await openKeyring(dir, { store: 'auto', keychain: chain });
  chain.remove = async () => Promise.reject(new Error('no'));
  expect((await keyring.keep('plain')).problem).toMatch(/not removed: no/);
  expect((await openKeyring(dir)).unlocked).toBe(true);
});

test('locked keys whose file was altered in any field do not open', async () => {
  const made = await openKeyring(dir);
  await made.keep('passphrase', PASSPHRASE);
  const file = JSON.parse(await read());
  const other = await openKeyring(join(dir, 'other'));
  const { how, sealed } = file.private;
  const altered = [
    { ...file, public: { ...file.public, caCertificate: other.caCertificatePem } },
    { ...file, public: { ...file.public, createdAt: 1 } },
    { ...file, public: { ...file.public, signer: other.publicKeyPem } },
    { ...file, private: { how: { ...how, kdf: { ...how.kdf, logN: 16 } }, sealed } },
    { ...file, private: { how, sealed: { ...sealed, data: flip(sealed.data) } } },
  ];
  for (const text of altered) {
    await writeFile(join(dir, 'keyring.json'), JSON.stringify(text));
    const keyring = await openKeyring(dir);
    await expect(keyring.unlock(PASSPHRASE)).rejects.toMatchObject({ code: 'trust.wrong-passphrase' });
    expect(keyring.unlocked).toBe(false);
  }
});

test('a file that asks for a gigantic cost of its passphrase is refused before any memory is taken', async () => {
  const made = await openKeyring(dir);
  await made.keep('passphrase', PASSPHRASE);
  const file = JSON.parse(await read());
  for (const logN of [0, -1, 13, 19, 40, 1e9]) {
    file.private.how.kdf.logN = logN;
    await writeFile(join(dir, 'keyring.json'), JSON.stringify(file));
    await expect((await openKeyring(dir)).unlock(PASSPHRASE)).rejects.toMatchObject({ code: 'trust.passphrase-cost', owner: 'trust' });
  }
});

test('a keyring shows no key when it is printed, inspected or turned into JSON', async () => {
  const keyring = await openKeyring(dir);
  const { keys } = JSON.parse(await read()).private;
  expectNoKeys(inspect(keyring, { depth: 20, showHidden: true, getters: true }) + JSON.stringify(keyring), keys);
});

/** Neither the PEM's lines nor the raw number behind it. */
function expectNoKeys(text: string, keys: Record<string, string>): void {
  for (const pem of Object.values(keys))
    for (const line of pem.split('\n').filter((l) => l.length > 20 && !l.startsWith('-----'))) expect(text).not.toContain(line);
}

function flip(base64: string): string {
  const bytes = Buffer.from(base64, 'base64');
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  return bytes.toString('base64');
}
