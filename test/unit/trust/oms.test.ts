import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { anchorsOf, type Keyring, openKeyring, ownKey, type SignedFile, signFiles, trustKeys, verifySignature } from '#core/trust';

const sha256 = (text: string | Uint8Array) => `sha256:${createHash('sha256').update(text).digest('hex')}`;
const fixture = (name: string) => readFile(new URL(`../../fixtures/oms/${name}`, import.meta.url));
const FILES: SignedFile[] = [
  { name: 'model.onnx', digest: sha256('model bytes') },
  { name: 'sub/w.bin', digest: sha256('x') },
  { name: 'sub-a', digest: sha256('y') },
  { name: 'é.txt', digest: sha256('z') },
];

let dir: string;
let keyring: Keyring;
let good: Uint8Array;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ew-oms-'));
  keyring = await openKeyring(dir);
  good = await signFiles(keyring, 'digits', FILES);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const json = (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString('utf8'));
const statementOf = (bytes: Uint8Array) => JSON.parse(Buffer.from(json(bytes).dsseEnvelope.payload, 'base64').toString('utf8'));
const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value));

/** A bundle whose statement is changed and then signed again with the trusted key: only the statement's own checks can refuse it. */
function resigned(change: (statement: ReturnType<typeof statementOf>) => unknown): Buffer {
  const bundle = json(good);
  const statement = statementOf(good);
  const payload = Buffer.from(JSON.stringify(change(statement) ?? statement));
  const type = bundle.dsseEnvelope.payloadType;
  bundle.dsseEnvelope.payload = payload.toString('base64');
  bundle.dsseEnvelope.signatures[0].sig = keyring
    .sign(Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `), payload]))
    .toString('base64');
  return bytesOf(bundle);
}

test('what is signed verifies, and says who signed', () => {
  expect(verifySignature(good, trustKeys([keyring.publicKeyPem]), [...FILES].reverse())).toMatchObject({ signer: keyring.fingerprint });
});

test('the bundle has the identifiers, order and digests of the specification', () => {
  const bundle = json(good);
  const statement = statementOf(good);
  expect(bundle.mediaType).toBe('application/vnd.dev.sigstore.bundle.v0.3+json');
  expect(bundle.verificationMaterial.publicKey.hint).toBe(createHash('sha256').update(keyring.publicKeyPem).digest('hex'));
  expect(bundle.dsseEnvelope.payloadType).toBe('application/vnd.in-toto+json');
  expect(statement).toMatchObject({ _type: 'https://in-toto.io/Statement/v1', predicateType: 'https://model_signing/signature/v1.0' });
  const { resources, serialization } = statement.predicate;
  expect(resources.map((r: { name: string }) => r.name)).toEqual(['model.onnx', 'sub-a', 'sub/w.bin', 'é.txt']);
  expect(serialization).toMatchObject({ method: 'files', hash_type: 'sha256', allow_symlinks: false });
  expect(serialization).not.toHaveProperty('shard_size');
  const root = createHash('sha256')
    .update(Buffer.from(resources.map((r: { digest: string }) => r.digest).join(''), 'hex'))
    .digest('hex');
  expect(statement.subject).toEqual([{ name: 'digits', digest: { sha256: root } }]);
});

test('signatures of the reference implementation verify, on P-256 and P-384', async () => {
  for (const curve of ['p256', 'p384']) {
    const [sig, key] = await Promise.all([fixture(`${curve}.sig`), fixture(`${curve}.pub`)]);
    expect(verifySignature(sig, trustKeys([keyring.publicKeyPem, key.toString()]), FILES).signer).toMatch(/^[0-9a-f]{64}$/);
    expect(() => verifySignature(sig, trustKeys([keyring.publicKeyPem]), FILES)).toThrow(expect.objectContaining({ code: 'trust.signer-unknown' }));
  }
});

test('names sort by code point, not by UTF-16 unit', async () => {
  const names = ['\u{1F600}', '\uFF5E', 'a'];
  const signed = await signFiles(
    keyring,
    'x',
    names.map((name) => ({ name, digest: sha256(name) })),
  );
  expect(statementOf(signed).predicate.resources.map((r: { name: string }) => r.name)).toEqual(['a', '\uFF5E', '\u{1F600}']);
});

test.each<[string, (files: SignedFile[]) => SignedFile[]]>([
  ['altered', (files) => files.map((f, i) => (i === 1 ? { ...f, digest: sha256('other') } : f))],
  ['missing', (files) => files.slice(1)],
  ['extra', (files) => [...files, { name: 'extra.bin', digest: sha256('e') }]],
  ['renamed', (files) => files.map((f, i) => (i === 0 ? { ...f, name: 'Model.onnx' } : f))],
  ['swapped', (files) => files.map((f, i) => ({ ...f, digest: files[(i + 1) % files.length]?.digest ?? '' }))],
  ['twice', (files) => [...files, ...files.slice(0, 1)]],
])('a file set with one %s file is refused', (_name, change) => {
  expect(() => verifySignature(good, trustKeys([keyring.publicKeyPem]), change(FILES))).toThrow(
    expect.objectContaining({ code: 'trust.files-differ', owner: 'trust' }),
  );
});

test('a stranger is refused, and nobody trusted means nobody accepted', () => {
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' }).toString();
  for (const keys of [[], [stranger]])
    expect(() => verifySignature(good, trustKeys(keys), FILES)).toThrow(expect.objectContaining({ code: 'trust.signer-unknown' }));
});

test('keys that are no EC public keys are refused', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const k256 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const secret = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  for (const key of [rsa, k256, secret, '', 'x'])
    expect(() => verifySignature(good, trustKeys([key]), FILES)).toThrow(expect.objectContaining({ code: 'trust.key-malformed' }));
});

test.each<[string, () => Uint8Array]>([
  ['empty', () => Buffer.alloc(0)],
  ['truncated', () => good.subarray(0, good.length / 2)],
  ['garbage', () => Buffer.from([0xff, 0xfe, 0x00])],
  ['no object', () => bytesOf([])],
  ['wrong mediaType', () => bytesOf({ ...json(good), mediaType: 'application/vnd.dev.sigstore.bundle.v0.2+json' })],
  ['missing envelope', () => bytesOf({ ...json(good), dsseEnvelope: undefined })],
  ['missing material', () => bytesOf({ ...json(good), verificationMaterial: undefined })],
  ['a certificate as material', () => bytesOf({ ...json(good), verificationMaterial: { certificate: { rawBytes: '' } } })],
  ['key and certificate as material', () => bytesOf({ ...json(good), verificationMaterial: { publicKey: {}, x509CertificateChain: { certificates: [] } } })],
  ['wrong payloadType', () => bytesOf({ ...json(good), dsseEnvelope: { ...json(good).dsseEnvelope, payloadType: 'application/json' } })],
  ['no signature', () => bytesOf({ ...json(good), dsseEnvelope: { ...json(good).dsseEnvelope, signatures: [] } })],
  ['two signatures', () => bytesOf({ ...json(good), dsseEnvelope: { ...json(good).dsseEnvelope, signatures: [{ sig: 'AA==' }, { sig: 'AA==' }] } })],
  ['payload not base64', () => bytesOf({ ...json(good), dsseEnvelope: { ...json(good).dsseEnvelope, payload: '{}' } })],
  ['signed garbage', () => resigned(() => 'not a statement')],
  ['wrong _type', () => resigned((s) => void (s._type = 'https://in-toto.io/Statement/v0.1'))],
  ['wrong predicateType', () => resigned((s) => void (s.predicateType = 'https://model_signing/signature/v2.0'))],
  ['no predicate', () => resigned((s) => void delete s.predicate)],
  ['no subject', () => resigned((s) => void (s.subject = []))],
  ['two subjects', () => resigned((s) => void s.subject.push(s.subject[0]))],
  ['empty resources', () => resigned((s) => void (s.predicate.resources = []))],
  ['no serialization', () => resigned((s) => void delete s.predicate.serialization)],
  ['shards without a size', () => resigned((s) => void (s.predicate.serialization.method = 'shards'))],
  ['a shard size of no bytes', () => resigned((s) => void Object.assign(s.predicate.serialization, { method: 'shards', shard_size: 0 }))],
  ['shards named like files', () => resigned((s) => void Object.assign(s.predicate.serialization, { method: 'shards', shard_size: 10 }))],
  ['shard size with files', () => resigned((s) => void (s.predicate.serialization.shard_size = 10))],
  ['another hash of one file', () => resigned((s) => void (s.predicate.resources[0].algorithm = 'md5'))],
  ['a file twice', () => resigned((s) => void s.predicate.resources.push(s.predicate.resources[0]))],
  ['a path that leaves', () => resigned((s) => void (s.predicate.resources[0].name = '../model.onnx'))],
  ['an absolute path', () => resigned((s) => void (s.predicate.resources[0].name = '/model.onnx'))],
  ['a wrong root digest', () => resigned((s) => void (s.subject[0].digest.sha256 = '0'.repeat(64)))],
])('a malformed signature is refused: %s', (_name, make) => {
  expect(() => verifySignature(make(), trustKeys([keyring.publicKeyPem]), FILES)).toThrow(
    expect.objectContaining({ code: 'trust.signature-malformed', owner: 'trust' }),
  );
});

test.each<[string, (statement: ReturnType<typeof statementOf>) => void]>([
  [
    'shards',
    (s) => {
      Object.assign(s.predicate.serialization, { method: 'shards', shard_size: 10 });
      for (const one of s.predicate.resources) one.name += ':0:10';
    },
  ],
  ['BLAKE3', (s) => void (s.predicate.serialization.hash_type = 'blake3')],
  [
    'the deprecated form',
    (s) => Object.assign(s, { predicateType: 'https://model_signing/Digests/v0.1', subject: [{ name: 'model.onnx', digest: { sha256: '0'.repeat(64) } }] }),
  ],
])('a form that bundles are never signed in is refused, and named: %s', (_name, change) => {
  expect(() =>
    verifySignature(
      resigned((s) => void change(s)),
      trustKeys([keyring.publicKeyPem]),
      FILES,
    ),
  ).toThrow(expect.objectContaining({ code: 'trust.signature-unsupported', owner: 'trust', hint: expect.any(String) }));
});

test('what was accepted because of others counts only while one of them is trusted; a device, which knows one key, takes it', async () => {
  const [one, two] = [0, 1].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' }).toString());
  const others = trustKeys([one ?? '', two ?? '']);
  const accepted = await signFiles(keyring, 'digits', FILES, [others.keys[0]?.id ?? '']);
  const own = ownKey(keyring.publicKeyPem);
  expect(verifySignature(accepted, anchorsOf([own, ...others.keys]), FILES)).toMatchObject({ by: { kind: 'self' }, acceptedFrom: [others.keys[0]?.id] });
  for (const left of [[own], [own, ...others.keys.slice(1)]])
    expect(() => verifySignature(accepted, anchorsOf(left), FILES)).toThrow(expect.objectContaining({ code: 'trust.signer-removed' }));
  expect(verifySignature(accepted, trustKeys([keyring.publicKeyPem]), FILES).signer).toBe(keyring.fingerprint);
});

test('unknown fields and every allowed form of keyid are accepted', () => {
  for (const keyid of [undefined, null, '', 'any']) {
    const bundle = json(good);
    bundle.dsseEnvelope.signatures[0].keyid = keyid;
    bundle.extra = true;
    expect(verifySignature(bytesOf(bundle), trustKeys([keyring.publicKeyPem]), FILES).signer).toBe(keyring.fingerprint);
  }
  expect(
    verifySignature(
      resigned((s) => void (s.predicate.resources[0].uri = 'x')),
      trustKeys([keyring.publicKeyPem]),
      FILES,
    ).signer,
  ).toBe(keyring.fingerprint);
});

test('no single changed byte of the payload or the signature is accepted', () => {
  const bundle = json(good);
  const payload = Buffer.from(bundle.dsseEnvelope.payload, 'base64');
  const signature = Buffer.from(bundle.dsseEnvelope.signatures[0].sig, 'base64');
  fc.assert(
    fc.property(fc.boolean(), fc.nat(), fc.integer({ min: 1, max: 255 }), (inPayload, at, flip) => {
      const target = Buffer.from(inPayload ? payload : signature);
      const i = at % target.length;
      target[i] = (target[i] ?? 0) ^ flip;
      const changed = structuredClone(bundle);
      if (inPayload) changed.dsseEnvelope.payload = target.toString('base64');
      else changed.dsseEnvelope.signatures[0].sig = target.toString('base64');
      expect(() => verifySignature(bytesOf(changed), trustKeys([keyring.publicKeyPem]), FILES)).toThrow(
        expect.objectContaining({ code: 'trust.signature-wrong' }),
      );
    }),
  );
});

test('whatever bytes come, the answer is a refusal of ours', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc.json().map((text) => Buffer.from(text)),
      ),
      (bytes) => {
        expect(() => verifySignature(bytes, trustKeys([keyring.publicKeyPem]), FILES)).toThrow(expect.objectContaining({ owner: 'trust' }));
      },
    ),
  );
});

test('a signature made over other bytes than the pre-authentication encoding is refused', () => {
  const bundle = json(good);
  bundle.dsseEnvelope.signatures[0].sig = keyring.sign(Buffer.from(bundle.dsseEnvelope.payload, 'base64')).toString('base64');
  expect(() => verifySignature(bytesOf(bundle), trustKeys([keyring.publicKeyPem]), FILES)).toThrow(expect.objectContaining({ code: 'trust.signature-wrong' }));
});
