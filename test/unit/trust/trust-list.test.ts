import { generateKeyPairSync } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkSignerMaterial, openTrustList, readSignerText, type TrustList, trusts } from '#core/trust';
import { type Certified, certify, type Person, person } from './signer.ts';

let dir: string;
let own: Person;
let list: TrustList;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ew-list-'));
  own = person();
  list = openTrustList(dir, { publicKeyPem: own.publicPem });
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const about = (name: string) => ({ name, administrator: false, addedBy: 'test', now: 1_700_000_000_000 });
const add = (name: string, pem = person().publicPem) => list.add(readSignerText(pem), about(name));

test('this workspace is trusted from the start; others are added with what a person needs to know them by', async () => {
  expect(list.list()).toMatchObject([{ kind: 'self', name: 'this workspace', algorithm: 'P-256' }]);
  const ada = person('P-384');
  const added = await list.add(readSignerText(ada.publicPem), { ...about(' Ada '), administrator: true, note: 'met in person' });
  expect(added).toMatchObject({ name: 'Ada', kind: 'administrator', material: 'key', algorithm: 'P-384', addedBy: 'test', note: 'met in person' });
  expect(list.list()).toHaveLength(2);
  expect(trusts(list.anchors(), added.id)).toBe(true);
  expect((await stat(join(dir, 'trusted.json'))).mode & 0o777).toBe(0o600);
  // Nothing of it lives in this process only.
  expect(openTrustList(dir, { publicKeyPem: own.publicPem }).list()).toEqual(list.list());
});

test('a signer leaves by name, fingerprint, or a beginning that names no other; the workspace itself stays', async () => {
  const [ada, ben, cy] = [await add('Ada'), await add('Ben'), await add('Cy')];
  for (const wrong of ['Dee', ada.id.slice(0, 7), '', 'z'.repeat(64)])
    await expect(list.remove(wrong)).rejects.toMatchObject({ code: 'trust.unknown-signer', owner: 'usage' });
  await list.remove('ada');
  await list.remove(ben.id.toUpperCase());
  await list.remove(cy.id.slice(0, 12));
  const [self] = list.list();
  for (const who of ['this workspace', self?.id ?? '', self?.id.slice(0, 10) ?? ''])
    await expect(list.remove(who)).rejects.toMatchObject({ code: 'trust.own-key', owner: 'input' });
  expect(list.list()).toHaveLength(1);
  expect(trusts(list.anchors(), ada.id)).toBe(false);
});

test('no key twice, not the own one, no two of one name, no name that deceives', async () => {
  const ada = person();
  await add('Ada', ada.publicPem);
  await expect(add('Someone', ada.publicPem)).rejects.toMatchObject({ code: 'trust.signer-known', owner: 'input' });
  await expect(add('Me', own.publicPem)).rejects.toMatchObject({ code: 'trust.signer-known', message: expect.stringContaining('itself') });
  for (const name of ['ADA', 'This Workspace', '', '  ', 'a\u202eb', 'a\nb', '\u200b', 'x'.repeat(81)])
    await expect(add(name), JSON.stringify(name)).rejects.toMatchObject({ code: 'trust.signer-name' });
  expect(list.list()).toHaveLength(2);
});

test('the state of the list has a name that changes with who is trusted, and comes back with them', async () => {
  const before = list.anchors().digest;
  const ada = person();
  await add('Ada', ada.publicPem);
  const withAda = list.anchors().digest;
  expect(withAda).not.toBe(before);
  await list.remove('Ada');
  expect(list.anchors().digest).toBe(before);
  await add('Other name', ada.publicPem);
  expect(list.anchors().digest).toBe(withAda);
});

test('what another process changed counts at the next question', async () => {
  const other = openTrustList(dir, { publicKeyPem: own.publicPem });
  const ada = await other.add(readSignerText(person().publicPem), about('Ada'));
  expect(trusts(list.anchors(), ada.id)).toBe(true);
  await list.remove('Ada');
  expect(trusts(other.anchors(), ada.id)).toBe(false);
});

test('changes from several places queue up and none is lost', async () => {
  const lists = [0, 1, 2, 3].map(() => openTrustList(dir, { publicKeyPem: own.publicPem }));
  await Promise.all(lists.flatMap((one, i) => [0, 1, 2].map((j) => one.add(readSignerText(person().publicPem), about(`signer ${i} ${j}`)))));
  expect(list.list()).toHaveLength(13);
  expect((await readdir(dir)).filter((name) => name.startsWith('.tmp-'))).toEqual([]);
});

test('a list that others can write, or that is not what we wrote, is not believed', async () => {
  await add('Ada');
  const path = join(dir, 'trusted.json');
  const good = await readFile(path, 'utf8');
  await chmod(path, 0o620);
  expect(() => list.anchors()).toThrow(expect.objectContaining({ code: 'trust.list-exposed', owner: 'trust', hint: expect.stringContaining('chmod 600') }));
  await chmod(path, 0o600);
  expect(list.list()).toHaveLength(2);
  const other = JSON.parse(good);
  other.signers[0].pem = person().publicPem;
  const secret = JSON.parse(good);
  secret.signers[0].pem = person('P-256').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  for (const text of ['', '{', '[]', good.slice(0, -20), JSON.stringify(other), JSON.stringify(secret), JSON.stringify({ ...other, format: 2 })]) {
    await writeFile(path, text);
    expect(() => list.anchors(), text.slice(0, 40)).toThrow(expect.objectContaining({ code: 'trust.list-damaged' }));
  }
  await writeFile(path, good);
  expect(list.list()).toHaveLength(2);
});

test('private keys are refused in every form, and nothing of them is kept or shown', async () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const forms = [
    pair.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    pair.privateKey.export({ type: 'sec1', format: 'pem' }),
    pair.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }),
    `${pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()}${pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()}`,
    '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----\n',
    'PuTTY-User-Key-File-3: ecdsa-sha2-nistp256\nPrivate-Lines: 1\n',
  ].map(String);
  for (const text of forms) {
    const thrown = await Promise.resolve()
      .then(() => add('Mine', text))
      .catch((error: unknown) => error);
    expect(thrown).toMatchObject({ code: 'trust.private-key', owner: 'input' });
    const body = text.split('\n')[1] ?? text;
    expect(JSON.stringify(thrown)).not.toContain(body);
  }
  expect(await readdir(dir)).toEqual([]);
});

test.each<[string, () => string, string]>([
  ['an OpenSSH key', () => 'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAA= me@here', 'trust.key-format'],
  ['an OpenPGP key', () => '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxx\n-----END PGP PUBLIC KEY BLOCK-----', 'trust.key-format'],
  ['nothing', () => '', 'trust.key-format'],
  ['a text', () => 'hello', 'trust.key-format'],
  ['DER', () => Buffer.from([0x30, 0x59, 0x30]).toString('latin1'), 'trust.key-format'],
  ['a request', () => '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----', 'trust.key-format'],
  ['two keys', () => person().publicPem + person().publicPem, 'trust.key-format'],
  ['a key that is none', () => '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----', 'trust.key-malformed'],
  ['an RSA key', () => generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' }).toString(), 'trust.key-malformed'],
  [
    'a key on another curve',
    () => generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    'trust.key-malformed',
  ],
  [
    'a key on a small curve',
    () => generateKeyPairSync('ec', { namedCurve: 'secp224r1' }).publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    'trust.key-malformed',
  ],
  ['an Ed25519 key', () => generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString(), 'trust.key-malformed'],
])('%s is refused with what it should be', (_name, text, code) => {
  expect(() => readSignerText(text())).toThrow(expect.objectContaining({ code, owner: 'input', expected: expect.any(String) }));
});

test('whatever text comes, the answer is a refusal of ours', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((s) => `-----BEGIN CERTIFICATE-----\n${s}\n-----END CERTIFICATE-----`),
        fc.base64String().map((s) => `-----BEGIN PUBLIC KEY-----\n${s}\n-----END PUBLIC KEY-----`),
      ),
      (text) => {
        expect(() => readSignerText(text)).toThrow(expect.objectContaining({ owner: expect.stringMatching(/input|trust/) }));
      },
    ),
  );
});

test('certificates: a signer alone or with his authorities is that signer; authorities alone are their root', async () => {
  const root = await certify('Root', { authority: true });
  const middle = await certify('Middle', { authority: true, issuer: root });
  const signer = await certify('Sam', { issuer: middle });
  const pems = (...all: Certified[]) => all.map((one) => one.pem).join('');
  expect(readSignerText(pems(signer))).toMatchObject({ material: 'certificate', certificate: { subject: 'Sam' } });
  expect(readSignerText(pems(middle, signer, root))).toMatchObject({ material: 'certificate', certificate: { subject: 'Sam' }, intermediates: [] });
  for (const order of [pems(root, middle), pems(middle, root)])
    expect(readSignerText(order)).toMatchObject({
      material: 'authority',
      certificate: { subject: 'Root' },
      intermediates: [expect.stringContaining('CERTIFICATE')],
    });
  const stranger = await certify('Stranger', { authority: true });
  expect(() => readSignerText(pems(root, stranger))).toThrow(expect.objectContaining({ code: 'trust.key-format' }));
  const added = await list.add(readSignerText(pems(root, middle)), about('Root'));
  expect(added).toMatchObject({ material: 'authority', subject: 'Root', validUntil: Date.parse('2090-01-01') });
  expect(list.anchors().authorities).toMatchObject([{ name: 'Root', intermediates: [expect.anything()] }]);
});

test('a certificate that is not valid, or not for signing, is not trusted at all', async () => {
  const old = await certify('Old', { until: new Date('2020-06-01') });
  const server = await certify('Server', { purposes: ['1.3.6.1.5.5.7.3.1'] });
  for (const one of [old, server])
    expect(() => checkSignerMaterial(readSignerText(one.pem), Date.now())).toThrow(
      expect.objectContaining({ code: 'trust.certificate-unfit', owner: 'input' }),
    );
  checkSignerMaterial(readSignerText(old.pem), Date.parse('2020-03-01'));
});
