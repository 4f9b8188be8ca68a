/**
 * A device is killed while it is told who is revoked, and while it takes orders. What it answered it still knows afterwards, and
 * what it knows never goes back. (Killing a process is no power cut: the database is opened with synchronous FULL for that.)
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DeploymentAcceptedSchema, RevocationsAnswerSchema, signOrder } from '#core/protocol';
import { openPeer, type Peer } from '#core/transfer';
import { openIdentity, signGrant, signIdentity, signRevocations } from '#core/trust';
import { type AgentProcess, cleanUp, startAgent, temporaryFolder } from '../../integration/agent/agent-process.ts';
import { enrol, makeWorkspace, type TestWorkspace, WHOLE_TABLE } from '../../integration/agent/workspace.ts';

/** Kills at so many moments, spread over the time that a few requests take, in ms. */
const KILL_AFTER_MS = [0, 3, 7, 12, 20, 35];

let a: TestWorkspace;
let b: TestWorkspace;
let agent: AgentProcess;
beforeAll(async () => {
  [a, b] = await Promise.all([makeWorkspace(), makeWorkspace()]);
  agent = await startAgent(await temporaryFolder('agent'), ['--pair']);
  await enrol(agent, a);
});
afterAll(cleanUp);

/** Kills the agent some time after `work` had its first answer; it goes on asking until it is cut off. */
async function killedDuring(ms: number, work: (answered: () => void) => Promise<void>): Promise<void> {
  const first = Promise.withResolvers<void>();
  const working = work(first.resolve).catch(() => {});
  await first.promise;
  await new Promise((later) => setTimeout(later, ms));
  await agent.end('SIGKILL');
  await working;
  agent = await startAgent(agent.dir);
}

test('the counter of revocations never goes back', async () => {
  let sent = 0;
  let answered = 0;
  for (const ms of KILL_AFTER_MS) {
    const { peer } = a.device(agent);
    const before = answered;
    await killedDuring(ms, async (first) => {
      for (;;) {
        const counter = ++sent;
        const revoked = [{ key: counter.toString(16).padStart(64, '0'), at: Date.now() }];
        const body = { revocations: signRevocations(a.keyring, { counter, at: Date.now(), revoked }) };
        answered = (await peer.json('POST', '/v1/administrators', RevocationsAnswerSchema, { body })).counter;
        first();
      }
    });
    peer.close();
    const after = a.device(agent);
    const known = (await after.status()).administrators?.counter ?? 0;
    expect(known).toBeGreaterThanOrEqual(Math.max(answered, before));
    expect(known).toBeLessThanOrEqual(sent);
    after.peer.close();
  }
  expect(answered).toBeGreaterThanOrEqual(KILL_AFTER_MS.length);
});

test('an order that was taken is taken once, whenever the device was killed', async () => {
  const order = await b.order({ version: '1.0.0', table: WHOLE_TABLE });
  const identity = openIdentity(await signIdentity(b.keyring, { name: 'bob', at: Date.now() }));
  const issuedAt = Math.floor(Date.now() / 1000) * 1000;
  const until = issuedAt + 86_400_000;
  const cert = await a.keyring.issueAdministratorCertificate(identity.request, { requester: identity.workspaceId, key: identity.fingerprint, issuedAt, until });
  const { grant, note } = signGrant(a.keyring, { name: 'bob', signer: b.keyring.publicKeyPem, issuedAt, until });
  const come = (): Peer => {
    const tls = { cert, key: b.keyring.clientTls().key, ca: a.keyring.caCertificatePem };
    return openPeer({ address: agent.ready.management, deviceId: agent.ready.id, label: 'the device', tls });
  };
  const give = (peer: Peer, id: string, counter: number) => {
    const statement = { workspaceId: a.keyring.workspaceId, deviceId: agent.ready.id, grant: grant.serial, counter, order: { ...order, id } };
    return peer.json('POST', '/v1/deployments', DeploymentAcceptedSchema, { body: { grant: note, order: signOrder(b.keyring, statement) } });
  };
  let counter = 0;
  let taken = 0;
  for (const ms of KILL_AFTER_MS) {
    const peer = come();
    await killedDuring(ms, async (first) => {
      for (;;) {
        await give(peer, `d-${++counter}`, counter);
        taken = counter;
        first();
      }
    });
    peer.close();
    const after = come();
    // The same order again is the same deployment; its counter for another one is an old order.
    expect(await give(after, `d-${taken}`, taken)).toMatchObject({ id: `d-${taken}` });
    await expect(give(after, 'd-other', taken)).rejects.toMatchObject({ code: 'trust.order-replayed' });
    // Whether the last one arrived before the kill nobody knows; either way there is one of it.
    counter++;
    await give(after, `d-${counter}`, counter);
    taken = counter;
    after.close();
  }
});
