/** A real device before an administrator who tries more than he may, or shows what is not so. */
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { AgentStatusSchema, DeploymentAcceptedSchema, type DeploymentOrder, type OrderStatement, RevocationsAnswerSchema, signOrder } from '#core/protocol';
import { openPeer, type Peer } from '#core/transfer';
import { type Grant, type Keyring, openIdentity, signGrant, signIdentity, signNote, signRevocations } from '#core/trust';
import { type AgentProcess, cleanUp, startAgent, temporaryFolder } from './agent-process.ts';
import { dial, enrol, makeWorkspace, type TestWorkspace, WHOLE_TABLE } from './workspace.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let a: TestWorkspace;
let b: TestWorkspace;
let agent: AgentProcess;
let owner: ReturnType<TestWorkspace['device']>;
let order: DeploymentOrder;
let counter = 0;
const peers: Peer[] = [];

beforeAll(async () => {
  [a, b] = await Promise.all([makeWorkspace(), makeWorkspace()]);
  agent = await startAgent(await temporaryFolder('agent'), ['--pair']);
  await enrol(agent, a);
  owner = a.device(agent);
  await fresh();
});
afterAll(async () => {
  for (const peer of peers) peer.close();
  await cleanUp();
});

/** A bundle of the second workspace that the device has not heard of. */
async function fresh(): Promise<void> {
  order = await b.order({ version: `1.0.${++counter}`, table: WHOLE_TABLE });
}

const now = () => Math.floor(Date.now() / 1000) * 1000;

/** What another shows with a certificate of the first workspace's authority for his own key. */
async function certified(keyring: Keyring, more: { issuedAt?: number; until?: number } = {}) {
  const identity = openIdentity(await signIdentity(keyring, { name: 'bob', at: now() }));
  const about = { requester: identity.workspaceId, key: identity.fingerprint, issuedAt: now(), until: now() + DAY_MS, ...more };
  const cert = await a.keyring.issueAdministratorCertificate(identity.request, about);
  return { tls: { cert, key: keyring.clientTls().key, ca: a.keyring.caCertificatePem } };
}

async function comeAs(keyring: Keyring, more: { issuedAt?: number; until?: number } = {}): Promise<Peer> {
  const { tls } = await certified(keyring, more);
  const peer = openPeer({ address: agent.ready.management, deviceId: agent.ready.id, label: 'the device', tls });
  peers.push(peer);
  return peer;
}

function granted(keyring: Keyring, more: { issuedAt?: number; until?: number } = {}) {
  return signGrant(a.keyring, { name: 'bob', signer: keyring.publicKeyPem, issuedAt: now(), until: now() + DAY_MS, ...more });
}

function signed(grant: Grant, more: Partial<Omit<OrderStatement, 'v'>> = {}, by: Keyring = b.keyring) {
  return signOrder(by, {
    workspaceId: a.keyring.workspaceId,
    deviceId: agent.ready.id,
    grant: grant.serial,
    counter: Date.now() * 10 + counter,
    order,
    ...more,
  });
}

const give = (peer: Peer, body: unknown) => peer.json('POST', '/v1/deployments', DeploymentAcceptedSchema, { body });
const known = async () => (await owner.status()).bundles.some((one) => one.version === order.version);

test('with a grant and an order of his own key he deploys what he signed', async () => {
  const peer = await comeAs(b.keyring);
  const { grant, note } = granted(b.keyring);
  const accepted = await give(peer, { grant: note, order: signed(grant) });
  expect(accepted.state).toBe('receiving');
  await owner.push(order, accepted.missing, b.store);
  expect(await owner.follow(order.id, (s) => s.state === 'active' || s.error !== undefined)).toMatchObject({ state: 'active' });
  expect((await owner.status()).bundles).toMatchObject([{ version: order.version, deployedBy: 'bob' }]);
});

describe('refused, and nothing is left of it', () => {
  beforeAll(fresh);

  test.each<[string, (peer: Peer) => unknown, string]>([
    ['an order without a grant', () => order, 'input.body-wrong'],
    ['an order that he did not sign', () => ({ grant: granted(b.keyring).note, order }), 'input.body-wrong'],
    ['a grant that has ended', () => withGrant({ issuedAt: now() - 2 * DAY_MS, until: now() - HOUR_MS }), 'trust.grant-expired'],
    [
      'a grant that begins tomorrow, by the clock of the device',
      () => withGrant({ issuedAt: now() + DAY_MS, until: now() + 2 * DAY_MS }),
      'trust.clock-behind',
    ],
    [
      'a grant that he made longer',
      () => {
        const { grant, note } = granted(b.keyring);
        const payload = Buffer.from(JSON.stringify({ ...grant, until: grant.until + DAY_MS })).toString('base64');
        return { grant: { ...note, payload }, order: signed(grant) };
      },
      'trust.grant-wrong',
    ],
    [
      'a grant that he gave himself',
      () => {
        const { grant } = granted(b.keyring);
        return { grant: signNote(b.keyring, 'grant', grant), order: signed(grant) };
      },
      'trust.grant-wrong',
    ],
    [
      'a grant for the devices of another workspace',
      () => {
        const grant = { ...granted(b.keyring).grant, workspaceId: b.keyring.workspaceId };
        return { grant: signNote(a.keyring, 'grant', grant), order: signed(grant) };
      },
      'trust.grant-other-workspace',
    ],
    [
      'a grant for somebody else, which he overheard',
      () => {
        const { grant, note } = granted(a.keyring);
        return { grant: note, order: signed(grant, {}, a.keyring) };
      },
      'trust.grant-other-key',
    ],
    [
      'an order that was altered',
      () => {
        const { grant, note } = granted(b.keyring);
        const whole = signed(grant);
        return {
          grant: note,
          order: {
            ...whole,
            payload: Buffer.from(Buffer.from(whole.payload, 'base64').toString().replace('"allowDowngrade":false', '"allowDowngrade":true')).toString('base64'),
          },
        };
      },
      'trust.order-wrong',
    ],
    [
      'an order for another device',
      () => {
        const { grant, note } = granted(b.keyring);
        return { grant: note, order: signed(grant, { deviceId: 'dev-elsewhere' }) };
      },
      'trust.order-elsewhere',
    ],
    [
      'an order by another grant',
      () => {
        const { note } = granted(b.keyring);
        return { grant: note, order: signed(granted(b.keyring).grant) };
      },
      'trust.order-wrong',
    ],
    [
      'an order that is older than the last one',
      () => {
        const { grant, note } = granted(b.keyring);
        return { grant: note, order: signed(grant, { counter: 1 }) };
      },
      'trust.order-replayed',
    ],
  ])('%s', async (_what, make, code) => {
    const peer = await comeAs(b.keyring);
    await expect(give(peer, make(peer))).rejects.toMatchObject({ code });
    expect(await known()).toBe(false);
  });

  test('a bundle that neither the workspace nor he signed', async () => {
    const stranger = await makeWorkspace();
    const theirs = await stranger.order({ version: '7.0.0', table: WHOLE_TABLE });
    const { grant, note } = granted(b.keyring);
    const peer = await comeAs(b.keyring);
    const { missing } = await give(peer, { grant: note, order: signed(grant, { order: theirs }) });
    await owner.push(theirs, missing, stranger.store);
    expect(await owner.follow(theirs.id, (s) => s.error !== undefined)).toMatchObject({ state: 'refused', error: { code: 'trust.signer-unknown' } });
  });

  test('his bundle in an order of the workspace, which granted him orders and not its own voice', async () => {
    await fresh();
    const { missing } = await owner.offer(order);
    await owner.push(order, missing, b.store);
    expect(await owner.follow(order.id, (s) => s.error !== undefined)).toMatchObject({ state: 'refused', error: { code: 'trust.signer-unknown' } });
  });

  test('a grant that ends while its bundle is on the way', async () => {
    await fresh();
    const { grant, note } = granted(b.keyring, { until: Date.now() + 1_500 });
    const peer = await comeAs(b.keyring);
    const { missing } = await give(peer, { grant: note, order: signed(grant) });
    await expect.poll(() => Date.now() > grant.until, { timeout: 5_000 }).toBe(true);
    await owner.push(order, missing, b.store);
    expect(await owner.follow(order.id, (s) => s.error !== undefined)).toMatchObject({ state: 'refused', error: { code: 'trust.grant-expired' } });
  });

  test('an id of a deployment of the workspace', async () => {
    const own = await a.order({ version: `2.0.${counter}`, table: WHOLE_TABLE });
    await owner.offer(own);
    const { grant, note } = granted(b.keyring);
    await expect(give(await comeAs(b.keyring), { grant: note, order: signed(grant, { order: own }) })).rejects.toMatchObject({ code: 'device.id-reused' });
    await owner.post(`/v1/deployments/${own.id}/cancel`);
  });
});

describe('the certificate', () => {
  const asks = (peer: Peer) => peer.json('GET', '/v1/status', AgentStatusSchema);

  test('that has ended opens nothing', async () => {
    await expect(asks(await comeAs(b.keyring, { issuedAt: now() - 2 * DAY_MS, until: now() - 1000 }))).rejects.toMatchObject({ code: 'trust.refused-us' });
  });

  test('that ends while its connection stays open opens nothing more, and says why', async () => {
    const peer = await comeAs(b.keyring, { until: now() + 2_000 });
    await asks(peer);
    await expect
      .poll(
        () =>
          asks(peer).then(
            () => 'in',
            (error: { code: string }) => error.code,
          ),
        { timeout: 10_000, interval: 100 },
      )
      .toMatch(/grant-expired|refused-us/);
  });

  test('of a time that has not come, by the clock of the device, opens nothing and says why', async () => {
    await expect(asks(await comeAs(b.keyring, { issuedAt: now() + HOUR_MS, until: now() + DAY_MS }))).rejects.toMatchObject({ code: 'trust.clock-behind' });
  });

  test('cannot let the device go', async () => {
    await expect((await comeAs(b.keyring)).json('POST', '/v1/forget', z.unknown(), { body: {} })).rejects.toMatchObject({
      code: 'trust.workspace-only',
      owner: 'trust',
    });
    expect((await owner.status()).id).toBe(agent.ready.id);
  });

  test('many connections of an administrator do not keep the workspace out', async () => {
    const { tls } = await certified(b.keyring);
    const held: TLSSocket[] = [];
    // More than the door takes in all, each past its handshake before the next comes.
    const DIALS = 140;
    for (let i = 0; i < DIALS; i++) {
      const socket = await dial(agent.ready.management, { ...tls, minVersion: 'TLSv1.3' }).catch(() => undefined);
      socket?.on('error', () => {});
      if (socket) held.push(socket);
    }
    expect(held).toHaveLength(DIALS);
    const again = a.device(agent);
    expect((await again.status()).id).toBe(agent.ready.id);
    again.peer.close();
    for (const socket of held) socket.destroy();
  });
});

describe('revoking', () => {
  const say = (statement: unknown) => owner.peer.json('POST', '/v1/administrators', RevocationsAnswerSchema, { body: { revocations: statement } });
  const at = Date.now();

  test('is the word of the workspace alone, whoever brings it', async () => {
    const key = b.keyring.fingerprint;
    await expect(say(signRevocations(b.keyring, { counter: 1, at, revoked: [] }))).rejects.toMatchObject({ code: 'trust.revocations-wrong' });
    await expect(say(signRevocations(a.keyring, { counter: 1, at, revoked: [{ key: a.keyring.fingerprint, at }] }))).rejects.toMatchObject({
      code: 'trust.revocations-wrong',
    });
    expect(await say(signRevocations(a.keyring, { counter: 5, at, revoked: [{ key: 'f'.repeat(64), at }] }))).toMatchObject({ counter: 5 });
    // Old ones, and another with the same counter, change nothing.
    expect(await say(signRevocations(a.keyring, { counter: 4, at, revoked: [{ key, at }] }))).toMatchObject({ counter: 5 });
    expect(await say(signRevocations(a.keyring, { counter: 5, at, revoked: [{ key, at }] }))).toMatchObject({ counter: 5 });
    expect((await (await comeAs(b.keyring)).json('GET', '/v1/status', AgentStatusSchema)).administrators?.counter).toBe(5);
  });

  test('ends what the administrator is doing, at once', async () => {
    await fresh();
    const peer = await comeAs(b.keyring);
    const { grant, note } = granted(b.keyring);
    await give(peer, { grant: note, order: signed(grant) });
    const waiting = peer.request('GET', `/v1/deployments/${order.id}?wait=20000&state=receiving`, { waitMs: 20_000, once: true }).then(
      (answer) => answer.status,
      () => 'cut off',
    );
    const again = { grant: note, order: signed(grant, { counter: Number.MAX_SAFE_INTEGER, order: { ...order, id: 'd-after' } }) };
    await say(signRevocations(a.keyring, { counter: 6, at, revoked: [{ key: b.keyring.fingerprint, at }] }));
    expect([200, 403, 'cut off']).toContain(await waiting);
    expect(await owner.get(order.id)).toMatchObject({ state: 'refused', error: { code: 'trust.administrator-revoked' } });
    await expect(give(peer, again)).rejects.toMatchObject({ code: 'trust.administrator-revoked' });
    await expect(peer.json('GET', '/v1/status', AgentStatusSchema)).rejects.toMatchObject({ code: 'trust.administrator-revoked' });
    // A new certificate and a new grant are of the same key.
    await expect((await comeAs(b.keyring)).json('POST', '/v1/rollback', z.unknown(), { body: {} })).rejects.toMatchObject({
      code: 'trust.administrator-revoked',
    });
    expect((await owner.events()).map((e) => e.message)).toContain('The workspace revoked bob.');
  });

  test('a later statement that leaves a key out does not bring it back', async () => {
    expect(await say(signRevocations(a.keyring, { counter: 7, at, revoked: [] }))).toMatchObject({ counter: 7 });
    await expect((await comeAs(b.keyring)).json('GET', '/v1/status', AgentStatusSchema)).rejects.toMatchObject({ code: 'trust.administrator-revoked' });
  });

  test('what serves goes on, also after a restart', async () => {
    await agent.end('SIGKILL');
    agent = await startAgent(agent.dir);
    owner = a.device(agent);
    await expect.poll(async () => (await owner.infer([3])).status, { timeout: 20_000 }).toBe(200);
    expect((await owner.status()).bundles.find((one) => one.state === 'active')).toMatchObject({ deployedBy: 'bob' });
  });
});

/** An order that is whole but for the time of its grant. */
function withGrant(more: { issuedAt: number; until: number }) {
  const { grant, note } = granted(b.keyring, more);
  return { grant: note, order: signed(grant) };
}
