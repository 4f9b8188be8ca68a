import 'reflect-metadata'; // the X.509 library needs it before it loads
import { rm, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { digestOf } from '#core/bundles';
import { anchorsFrom, judgeFolder, readSignerText } from '#core/trust';
import { type CertificateOptions, type Certified, certify, CODE_SIGNING, signAs } from './signer.ts';

const SET = { subject: 'm', files: [{ name: 'm.bin', digest: digestOf('m') }], ignorePaths: [] };
const PAST = { from: new Date('2020-01-01'), until: new Date('2020-02-01') };
const FUTURE = { from: new Date('2080-01-01'), until: new Date('2081-01-01') };
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';

let dir: string;
let root: Certified;
let middle: Certified;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ew-path-'));
  await writeFile(join(dir, 'm.bin'), 'm');
  root = await certify('root', { authority: true });
  middle = await certify('middle', { authority: true, issuer: root, pathLength: 0 });
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const trusting = (...pems: string[]) => anchorsFrom(pems.map((pem) => ({ name: 'named', material: readSignerText(pem) })));

/** Signs as the first certificate, which brings the others along. */
function judge(chain: Certified[], anchors = trusting(root.pem), now = Date.now()) {
  const [signer] = chain;
  if (!signer) throw new Error('nobody signs');
  const signature = signAs(
    signer.person,
    SET,
    chain.map((one) => one.certificate),
  );
  return judgeFolder(dir, signature, { anchors, signaturePath: join(dir, 'x'), ignore: [], ignoreUnsigned: false, now });
}

test('a signer certified by an authority, by one that it certified, or by himself where he is trusted so', async () => {
  const direct = await certify('Ada', { issuer: root });
  expect(await judge([direct])).toMatchObject({ method: 'certificate', signer: { subject: 'Ada', name: 'Ada (certified by named)' } });
  const below = await certify('Ben', { issuer: middle });
  expect(await judge([below, middle])).toMatchObject({ signer: { subject: 'Ben' } });
  // The verifier may know what stands between, and may trust that alone.
  expect(await judge([below], trusting(root.pem + middle.pem))).toMatchObject({ signer: { subject: 'Ben' } });
  expect(await judge([below], trusting(middle.pem))).toMatchObject({ signer: { subject: 'Ben' } });
  const alone = await certify('Cy');
  expect(await judge([alone], trusting(alone.pem))).toMatchObject({ signer: { name: 'named', subject: 'Cy' } });
});

test('nobody leads to an authority that did not certify him', async () => {
  const other = await certify('root', { authority: true });
  const forged = await certify('Mal', { issuer: other });
  const below = await certify('Ben', { issuer: middle });
  for (const chain of [[forged], [forged, other], [forged, root], [below], [await certify('Self')]])
    await expect(judge(chain)).rejects.toMatchObject({ code: 'trust.certificate-untrusted', owner: 'trust' });
  await expect(judge([below, middle], trusting(other.pem))).rejects.toMatchObject({ code: 'trust.certificate-untrusted' });
});

test('every certificate of the path must be valid now, not when it was made', async () => {
  const cases: [string, CertificateOptions, CertificateOptions, CertificateOptions][] = [
    ['signer expired', {}, {}, PAST],
    ['signer not yet valid', {}, {}, FUTURE],
    ['intermediate expired', {}, PAST, {}],
    ['intermediate not yet valid', {}, FUTURE, {}],
    ['root expired', PAST, {}, {}],
    ['all expired', PAST, PAST, PAST],
  ];
  for (const [name, ofRoot, ofMiddle, ofSigner] of cases) {
    const top = await certify('top', { authority: true, ...ofRoot });
    const mid = await certify('mid', { authority: true, issuer: top, ...ofMiddle });
    const signer = await certify('signer', { issuer: mid, ...ofSigner });
    await expect(judge([signer, mid], trusting(top.pem)), name).rejects.toMatchObject({ code: expect.stringMatching(/trust\.certificate-/) });
    if (name !== 'signer not yet valid' && name !== 'intermediate not yet valid')
      expect(await judge([signer, mid], trusting(top.pem), Date.parse('2020-01-15')), name).toMatchObject({ files: 1 });
  }
});

test.each<[string, () => Promise<Certified[]>]>([
  ['is for no code', async () => [await certify('s', { issuer: root, purposes: [] })]],
  ['is for servers', async () => [await certify('s', { issuer: root, purposes: [SERVER_AUTH] })]],
  ['may not sign', async () => [await certify('s', { issuer: root, usages: x509.KeyUsageFlags.keyAgreement })]],
  ['is signed with SHA-1', async () => [await certify('s', { issuer: root, hash: 'SHA-1' })]],
  [
    'has a critical extension nobody here knows',
    async () => [await certify('s', { issuer: root, extensions: [new x509.Extension('1.2.3.4', true, new Uint8Array([5, 0]))] })],
  ],
  [
    'is issued by a signer',
    async () => {
      const signer = await certify('no authority', { issuer: root });
      return [await certify('s', { issuer: signer }), signer];
    },
  ],
  [
    'is issued by an authority that may sign no certificates',
    async () => {
      const authority = await certify('a', { issuer: root, authority: true, usages: x509.KeyUsageFlags.digitalSignature });
      return [await certify('s', { issuer: authority }), authority];
    },
  ],
  [
    'is issued by an authority for servers',
    async () => {
      const authority = await certify('a', { issuer: root, authority: true, purposes: [SERVER_AUTH] });
      return [await certify('s', { issuer: authority }), authority];
    },
  ],
  [
    'stands further below an authority than that allows',
    async () => {
      const deeper = await certify('deeper', { issuer: middle, authority: true });
      return [await certify('s', { issuer: deeper }), deeper, middle];
    },
  ],
  [
    'is constrained by names, which is not understood here',
    async () => {
      const authority = await certify('a', { issuer: root, authority: true, extensions: [new x509.Extension('2.5.29.30', true, new Uint8Array([0x30, 0]))] });
      return [await certify('s', { issuer: authority }), authority];
    },
  ],
])('a certificate that %s does not count', async (_name, chain) => {
  await expect(judge(await chain())).rejects.toMatchObject({ code: expect.stringMatching(/trust\.certificate-(unfit|untrusted)/), owner: 'trust' });
});

test('the certificate must be of the key that signed', async () => {
  const [ada, ben] = [await certify('Ada', { issuer: root }), await certify('Ben', { issuer: root })];
  await expect(judge([{ ...ada, person: ben.person }])).rejects.toMatchObject({ code: 'trust.signature-wrong' });
});

test('certificates that all issue each other keep nobody busy, and garbage is garbage', async () => {
  const one = await certify('same', { authority: true });
  const ring = [one];
  for (let i = 0; i < 6; i++) ring.push({ ...(await certify('same', { authority: true, issuer: one })), keys: one.keys });
  const signer = await certify('s', { issuer: one });
  await expect(judge([signer, ...ring])).rejects.toMatchObject({ code: 'trust.certificate-untrusted' });
  await expect(judge([signer, ...ring, ...ring])).rejects.toMatchObject({ code: expect.stringMatching(/malformed/) });
  const bundle = JSON.parse(signAs(signer.person, SET, [signer.certificate]).toString());
  for (const rawBytes of ['AAAA', Buffer.from(signer.pem).toString('base64'), Buffer.alloc(20_000, 0x30).toString('base64')]) {
    bundle.verificationMaterial.x509CertificateChain.certificates = [{ rawBytes }];
    const judged = judgeFolder(dir, Buffer.from(JSON.stringify(bundle)), {
      anchors: trusting(root.pem),
      signaturePath: '',
      ignore: [],
      ignoreUnsigned: false,
      now: Date.now(),
    });
    await expect(judged).rejects.toMatchObject({ code: 'trust.certificate-malformed', owner: 'trust' });
  }
});

test('an authority may itself be for signing, and need not say what it is for', async () => {
  const authority = await certify('a', { issuer: root, authority: true, purposes: [CODE_SIGNING] });
  expect(await judge([await certify('s', { issuer: authority }), authority])).toMatchObject({ files: 1 });
});
