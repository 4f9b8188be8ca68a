/** Grants, identities and revocations: what they say counts only as it was signed, for whom, and as long as the clock can tell. */
import { createHash, generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  certificateRole,
  DAY_MS,
  type Keyring,
  type Note,
  openGrant,
  openGrantFile,
  openIdentity,
  openKeyring,
  openRevocations,
  signGrant,
  signGrantFile,
  signIdentity,
  signNote,
  signRevocations,
  standingProblem,
} from '#core/trust';

const AT = Date.UTC(2026, 5, 1);

let dir: string;
let a: Keyring;
let b: Keyring;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ew-admin-'));
  [a, b] = await Promise.all([openKeyring(join(dir, 'a'), { store: 'file' }), openKeyring(join(dir, 'b'), { store: 'file' })]);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const workspace = () => ({ workspaceId: a.workspaceId, signerPem: a.publicKeyPem });
const grantB = (more: { issuedAt?: number; until?: number; name?: string } = {}) =>
  signGrant(a, { name: 'bob', signer: b.publicKeyPem, issuedAt: AT, until: AT + 30 * DAY_MS, ...more });
/** What a note says, changed, under the signature of before. */
function altered(note: Note, change: (statement: Record<string, unknown>) => Record<string, unknown>): Note {
  const statement = JSON.parse(Buffer.from(note.payload, 'base64').toString()) as Record<string, unknown>;
  return { ...note, payload: Buffer.from(JSON.stringify(change(statement))).toString('base64') };
}
async function fileFor(keyring: Keyring, more: { issuedAt?: number; until?: number } = {}) {
  const identity = openIdentity(await signIdentity(keyring, { name: 'bob', at: AT }));
  const { issuedAt = AT, until = AT + DAY_MS } = more;
  const about = { requester: identity.workspaceId, key: identity.fingerprint, issuedAt, until };
  const certificate = await a.issueAdministratorCertificate(identity.request, about);
  const { note } = signGrant(a, { name: 'bob', signer: identity.signer, issuedAt, until });
  const devices = [{ id: 'dev-1', name: 'pump-3', management: '10.0.0.7:7001', inference: '127.0.0.1:7002' }];
  return { identity, certificate, note, devices, file: signGrantFile(a, { name: 'site', grant: note, certificate, devices }) };
}

describe('a grant', () => {
  test('says what was signed', () => {
    const { grant, note } = grantB();
    expect(openGrant(note, workspace())).toEqual(grant);
    expect(grant).toMatchObject({ workspaceId: a.workspaceId, name: 'bob', key: b.fingerprint, signer: b.publicKeyPem });
    expect(grantB().grant.serial).not.toBe(grant.serial);
  });

  test('with any field altered, left out or added is refused', () => {
    const { grant, note } = grantB();
    for (const field of Object.keys(grant)) {
      const other = (value: unknown) => (typeof value === 'number' ? value + 1 : `${String(value)}0`);
      const spoilt = [
        altered(note, (s) => ({ ...s, [field]: other(s[field]) })),
        altered(note, ({ [field]: _gone, ...rest }) => rest),
        altered(note, (s) => ({ ...s, [field]: null })),
      ];
      for (const one of spoilt) expect(() => openGrant(one, workspace())).toThrow(expect.objectContaining({ code: 'trust.grant-wrong', owner: 'trust' }));
    }
    expect(() =>
      openGrant(
        altered(note, (s) => ({ ...s, may: 'grant further' })),
        workspace(),
      ),
    ).toThrow(expect.objectContaining({ code: 'trust.grant-wrong' }));
  });

  test('with any byte of its envelope altered is refused', () => {
    const { note } = grantB();
    const text = JSON.stringify(note);
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.integer({ min: 32, max: 126 }), (at, code) => {
        const letter = String.fromCharCode(code);
        fc.pre(letter !== text[at]);
        let spoilt: unknown;
        try {
          spoilt = JSON.parse(text.slice(0, at) + letter + text.slice(at + 1));
        } catch {
          return;
        }
        expect(() => openGrant(spoilt, workspace())).toThrow(expect.objectContaining({ code: 'trust.grant-wrong' }));
      }),
      { numRuns: 300 },
    );
  });

  test.each<[string, () => unknown]>([
    ['nothing', () => undefined],
    ['a text', () => 'grant'],
    ['a list', () => []],
    ['another kind of statement of the same workspace', () => signRevocations(a, { counter: 1, at: AT, revoked: [] })],
    [
      'a grant of the administrator himself, who may not grant',
      () => signGrant(b, { name: 'carol', signer: a.publicKeyPem, issuedAt: AT, until: AT + DAY_MS }).note,
    ],
    ['one that says it is of the workspace, signed by the administrator', () => signNote(b, 'grant', grantB().grant)],
    ['a signature of no notes', () => ({ ...grantB().note, signatures: [] })],
    ['two signatures', () => ({ ...grantB().note, signatures: [...grantB().note.signatures, ...grantB().note.signatures] })],
  ])('%s is no grant', (_what, make) => {
    expect(() => openGrant(make(), workspace())).toThrow(expect.objectContaining({ code: 'trust.grant-wrong' }));
  });

  test('of another workspace, under the right key, is refused by name', () => {
    const note = signNote(a, 'grant', { ...grantB().grant, workspaceId: b.workspaceId });
    expect(() => openGrant(note, workspace())).toThrow(expect.objectContaining({ code: 'trust.grant-other-workspace' }));
  });

  test.each([
    ['names two keys', { key: '0'.repeat(64) }],
    ['ends before it begins', { until: AT - 1 }],
    ['is for years', { until: AT + 400 * DAY_MS }],
  ])('that %s does not hold together, although it was signed', (_what, more) => {
    const note = signNote(a, 'grant', { ...grantB().grant, ...more });
    expect(() => openGrant(note, workspace())).toThrow(expect.objectContaining({ code: 'trust.grant-wrong' }));
  });

  test('whose name could mislead is refused', () => {
    for (const name of ['', ' bob', 'bob\u202egnp', 'b\u0000b', 'b\nb', 'x'.repeat(81)]) {
      const note = signNote(a, 'grant', { ...grantB().grant, name });
      expect(() => openGrant(note, workspace()), name).toThrow(expect.objectContaining({ code: 'trust.grant-wrong' }));
    }
  });
});

describe('who may act now', () => {
  const standing = { key: 'k', issuedAt: AT, until: AT + DAY_MS };
  const facts = { now: AT, latest: 0, revoked: new Set<string>(), whose: 'the device' } as const;

  test('is one function of grant, clock and revocations', () => {
    expect(standingProblem(standing, facts)).toBeUndefined();
    expect(standingProblem(standing, { ...facts, now: standing.until })).toBeUndefined();
    expect(standingProblem(standing, { ...facts, now: standing.until + 1 })?.code).toBe('trust.grant-expired');
    expect(standingProblem(standing, { ...facts, now: 0 })?.code).toBe('trust.clock-behind');
    expect(standingProblem(standing, { ...facts, now: Number.NaN })?.code).toBe('trust.clock-behind');
    // Set back to revive what has ended: the device knows that later has been.
    expect(standingProblem(standing, { ...facts, now: AT, latest: AT + 2 * DAY_MS })?.code).toBe('trust.clock-behind');
    expect(standingProblem(standing, { ...facts, revoked: new Set(['k']) })?.code).toBe('trust.administrator-revoked');
    // Whatever the clock says.
    expect(standingProblem(standing, { ...facts, now: 0, revoked: new Set(['k']) })?.code).toBe('trust.administrator-revoked');
  });

  test('nobody does outside his time or once revoked, whatever the clock says', () => {
    const time = fc.integer({ min: 0, max: 4_102_444_800_000 });
    fc.assert(
      fc.property(time, time, time, fc.boolean(), (issuedAt, length, now, revoked) => {
        const one = { key: 'k', issuedAt, until: issuedAt + (length % (366 * DAY_MS)) };
        const allowed = standingProblem(one, { ...facts, now, revoked: new Set(revoked ? ['k'] : ['other']) }) === undefined;
        const inTime = now >= one.issuedAt - 600_000 && now <= one.until;
        expect(allowed).toBe(inTime && !revoked);
      }),
    );
  });
});

describe('an identity', () => {
  test('holds no private key, and its fingerprint is that of the signing key', async () => {
    const note = await signIdentity(b, { name: 'bob', at: AT });
    const identity = openIdentity(note);
    expect(identity).toMatchObject({ name: 'bob', workspaceId: b.workspaceId, fingerprint: b.fingerprint, signer: b.publicKeyPem });
    expect(Buffer.from(note.payload, 'base64').toString()).not.toContain('PRIVATE');
  });

  test('altered, or with the TLS key of somebody else, is refused', async () => {
    const note = await signIdentity(b, { name: 'bob', at: AT });
    const stranger = await a.certificateRequest();
    expect(() => openIdentity(altered(note, (s) => ({ ...s, request: stranger })))).toThrow(expect.objectContaining({ code: 'trust.note-wrong' }));
    // Signed for, but the request does not prove it: it names its own workspace.
    const mixed = openIdentity(signNote(b, 'identity', { ...JSON.parse(Buffer.from(note.payload, 'base64').toString()), request: stranger }));
    const about = { requester: mixed.workspaceId, key: mixed.fingerprint, issuedAt: AT, until: AT + DAY_MS };
    await expect(a.issueAdministratorCertificate(mixed.request, about)).rejects.toMatchObject({ code: 'trust.request-refused' });
  });

  test('with a key of another kind is refused', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const signer = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const fingerprint = createHash('sha256')
      .update(publicKey.export({ type: 'spki', format: 'der' }))
      .digest('hex');
    const keyring = { fingerprint, sign: (data: Uint8Array) => sign('sha384', data, { key: privateKey, dsaEncoding: 'der' }) };
    const note = signNote(keyring, 'identity', { v: 1, workspaceId: b.workspaceId, name: 'x', signer, request: '', at: AT });
    expect(() => openIdentity(note)).toThrow(expect.objectContaining({ code: 'trust.key-format' }));
  });
});

describe('a grant file', () => {
  test('gives a certificate for the other TLS key, which is an administrator and nothing else', async () => {
    const { file, certificate } = await fileFor(b);
    const opened = openGrantFile(file);
    expect(opened).toMatchObject({ name: 'site', fingerprint: a.fingerprint, grant: { key: b.fingerprint }, devices: [{ id: 'dev-1' }] });
    expect(certificateRole(certificate)).toEqual({ role: 'administrator', workspaceId: a.workspaceId, key: b.fingerprint, issuedAt: AT });
    const parsed = new X509Certificate(certificate);
    expect(parsed.publicKey.equals(new X509Certificate(b.clientTls().cert).publicKey)).toBe(true);
    expect(parsed.validToDate.getTime()).toBe(AT + DAY_MS);
    expect(parsed.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(parsed.ca).toBe(false);
    expect(JSON.stringify(file) + Buffer.from(file.payload, 'base64').toString()).not.toContain('PRIVATE');
  });

  test('whose parts are of others is refused, although it was signed', async () => {
    const { file, note, certificate, devices } = await fileFor(b);
    const whole = { name: 'site', grant: note, certificate, devices };
    const forOther = signGrant(a, { name: 'carol', signer: a.publicKeyPem, issuedAt: AT, until: AT + DAY_MS }).note;
    for (const more of [
      { certificate: a.clientTls().cert },
      { certificate: b.clientTls().cert },
      { certificate: 'none' },
      { grant: forOther },
      { grant: signNote(b, 'grant', grantB().grant) },
      { devices: [...devices, ...devices] },
    ]) {
      expect(() => openGrantFile(signGrantFile(a, { ...whole, ...more }))).toThrow(expect.objectContaining({ owner: 'trust' }));
    }
    expect(() => openGrantFile(altered(file, (s) => ({ ...s, devices: [] })))).toThrow(expect.objectContaining({ code: 'trust.note-wrong' }));
    // Somebody in between signs it anew: it opens, with another fingerprint, and nothing in it is of that key.
    const statement = JSON.parse(Buffer.from(file.payload, 'base64').toString()) as object;
    expect(() => openGrantFile(signNote(b, 'grant-file', { ...statement, signer: b.publicKeyPem }))).toThrow(
      expect.objectContaining({ code: 'trust.grant-wrong' }),
    );
  });
});

describe('a statement of who was revoked', () => {
  test('counts only of the workspace itself, and never against it', () => {
    const revoked = [{ key: b.fingerprint, at: AT }];
    const note = signRevocations(a, { counter: 3, at: AT, revoked });
    expect(openRevocations(note, workspace())).toMatchObject({ counter: 3, revoked });
    for (const wrong of [
      signRevocations(b, { counter: 4, at: AT, revoked }),
      altered(note, (s) => ({ ...s, counter: 4 })),
      altered(note, (s) => ({ ...s, revoked: [] })),
      signRevocations({ ...pick(a), workspaceId: b.workspaceId }, { counter: 4, at: AT, revoked }),
      signRevocations(a, { counter: 4, at: AT, revoked: [{ key: a.fingerprint, at: AT }] }),
      signRevocations(a, { counter: 0, at: AT, revoked }),
      signRevocations(a, { counter: Number.MAX_SAFE_INTEGER + 1, at: AT, revoked }),
    ]) {
      expect(() => openRevocations(wrong, workspace())).toThrow(expect.objectContaining({ code: 'trust.revocations-wrong' }));
    }
  });
});

const pick = (keyring: Keyring) => ({ sign: (data: Uint8Array) => keyring.sign(data), fingerprint: keyring.fingerprint, workspaceId: keyring.workspaceId });
