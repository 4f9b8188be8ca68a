import { createPublicKey, verify, X509Certificate } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openKeyring } from '#core/trust';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ew-keys-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

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

test('damaged keys are refused and left alone, never replaced by fresh ones', async () => {
  await openKeyring(dir);
  const file = join(dir, 'keyring.json');
  const other = join(dir, 'other');
  await openKeyring(other);
  const mine = JSON.parse(await readFile(file, 'utf8'));
  const theirs = JSON.parse(await readFile(join(other, 'keyring.json'), 'utf8'));
  for (const text of [
    '',
    '{',
    JSON.stringify({ ...mine, format: 2 }),
    JSON.stringify({ ...mine, ca: { ...mine.ca, privateKeyPem: theirs.ca.privateKeyPem } }),
    JSON.stringify({ ...mine, signing: { privateKeyPem: 'x' } }),
  ]) {
    await writeFile(file, text);
    await expect(openKeyring(dir)).rejects.toMatchObject({ code: 'trust.keyring-damaged', owner: 'trust' });
    expect(await readFile(file, 'utf8')).toBe(text);
  }
  expect((await readdir(dir)).filter((name) => name.startsWith('.tmp-'))).toEqual([]);
});
