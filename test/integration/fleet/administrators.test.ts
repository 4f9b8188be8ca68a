/**
 * Two workspaces, each with keys of its own, and one real agent: paired with the first, managed by the second too, until the
 * first takes it back. All over real mutual TLS.
 */
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { DeploySpecSchema } from '#contract';
import { copySqlite } from '#core/platform';
import { AgentStatusSchema } from '#core/protocol';
import { openPeer } from '#core/transfer';
import { openGrantFile, openIdentity, signIdentity } from '#core/trust';
import { openWorkspace, type Workspace } from '../../unit/fleet/workspace.ts';
import { type AgentProcess, cleanUp, startAgent, temporaryFolder } from '../agent/agent-process.ts';

let a: Workspace;
let b: Workspace;
let agent: AgentProcess;
let dir: string;

beforeAll(async () => {
  [a, b, dir] = await Promise.all([openWorkspace(), openWorkspace(), temporaryFolder('administrators-agent')]);
  [agent] = await Promise.all([startAgent(dir, ['--pair']), a.build('1.0.0'), b.build('1.1.0')]);
  const { address = '', code = '' } = agent.ready.pairing ?? {};
  await a.fleet.add({ address, name: 'pump-3', code });
});
afterAll(async () => {
  await Promise.all([a.close(), b.close()]);
  await cleanUp();
});

async function deploy(from: Workspace, ref: string, device = 'pump-3') {
  const [started] = await from.fleet.deploy(DeploySpecSchema.parse({ ref, devices: [device], watch: { seconds: 0, requests: 0 } }));
  if (!started) throw new Error('nothing started');
  return started.ended;
}

async function grantTo(other: Workspace, name = 'bob', days = 30) {
  const identity = openIdentity(await signIdentity(other.keyring, { name, at: Date.now() }));
  const { file } = await a.fleet.administrators.grant(identity, { name, own: 'site', days });
  return openGrantFile(file);
}

test('one who was granted nothing is nobody to the device', async () => {
  expect(a.fleet.administrators.list()).toEqual([]);
  const peer = openPeer({
    address: agent.ready.management,
    deviceId: agent.ready.id,
    label: 'pump-3',
    tls: { ...b.keyring.clientTls(), ca: a.keyring.caCertificatePem },
  });
  await expect(peer.json('GET', '/v1/status', AgentStatusSchema)).rejects.toMatchObject({ code: 'trust.refused-us' });
  peer.close();
});

test('a grant is for one laptop, and brings the devices', async () => {
  await deploy(a, 'digits@1.0.0');
  const file = await grantTo(b);
  await expect(a.fleet.join(file)).rejects.toMatchObject({ code: 'trust.grant-own' });
  const joined = await b.fleet.join(file);
  expect(joined).toMatchObject({ added: ['pump-3'], membership: { name: 'site', state: 'valid', devices: ['pump-3'], fingerprint: a.keyring.fingerprint } });
  const [device] = await b.fleet.refresh();
  expect(device).toMatchObject({ name: 'pump-3', state: 'reachable', workspace: 'site', bundles: [{ version: '1.0.0', state: 'active' }] });
  expect(device?.bundles[0]?.deployedBy).toBeUndefined();
});

test('the second deploys what it signed itself, and the first sees what and by whom', async () => {
  expect(await deploy(b, 'digits@1.1.0')).toMatchObject({ state: 'active', serving: 'digits@1.1.0#fp32' });
  const [device] = await a.fleet.refresh();
  expect(device?.bundles).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ version: '1.1.0', state: 'active', deployedBy: 'bob' }),
      expect.objectContaining({ version: '1.0.0', state: 'previous' }),
    ]),
  );
  expect(a.fleet.deployments().map((d) => `${d.ref} ${d.state}`)).toEqual(['digits@1.0.0 superseded']);
  expect(a.fleet.show('pump-3').events.map((e) => e.message)).toContain('digits@1.1.0#fp32 was accepted, as bob ordered.');
  expect(a.fleet.administrators.list()).toMatchObject([{ name: 'bob', state: 'valid', devices: [{ name: 'pump-3', seenAt: expect.any(Number) }] }]);
});

test('either rolls back, and the device says who did', async () => {
  expect(await b.fleet.rollback('pump-3')).toMatchObject({ from: 'digits@1.1.0#fp32', to: 'digits@1.0.0#fp32' });
  await a.fleet.refresh();
  expect(a.fleet.show('pump-3').events.at(-1)?.message).toMatch(/rolled back.*by bob/);
  expect(a.fleet.deployments()).toMatchObject([{ ref: 'digits@1.0.0', state: 'active' }]);
  expect(await deploy(b, 'digits@1.1.0')).toMatchObject({ state: 'active' });
});

test('what an administrator has deployed is served after the agent was killed', async () => {
  await agent.end('SIGKILL');
  agent = await startAgent(dir);
  await vi.waitFor(async () => expect((await b.fleet.refresh())[0]?.serving).toMatchObject([{ model: 'digits' }]), { timeout: 20_000 });
});

test('two who deploy at once: one follows the other, each is told how it went, and the device serves one', async () => {
  await Promise.all([a.build('1.3.0'), b.build('1.3.0')]);
  const ended = await Promise.all([deploy(a, 'digits@1.3.0'), deploy(b, 'digits@1.3.0')]);
  for (const one of ended) expect(['active', 'superseded']).toContain(one.state);
  const [device] = await a.fleet.refresh();
  const active = device?.bundles.filter((one) => one.state === 'active' || one.state === 'on trial') ?? [];
  expect(active).toHaveLength(1);
  await b.fleet.refresh();
  const [ofA, ofB] = [a.fleet.deployments()[0], b.fleet.deployments()[0]];
  const winner = active[0]?.deployedBy === 'bob' ? ofB : ofA;
  expect([ofA?.state, ofB?.state].sort()).toEqual(['active', 'superseded']);
  expect(winner).toMatchObject({ state: 'active', digest: active[0]?.digest });
  expect(await deploy(b, 'digits@1.3.0')).toMatchObject({ state: 'active' });
});

test('a new grant takes the place of the old one, and devices stay what they are called', async () => {
  const before = b.fleet.memberships.find('site');
  const [other] = b.fleet.list();
  const old = await grantTo(b, 'bob', 30);
  await expect.poll(() => Date.now() - old.grant.issuedAt).toBeGreaterThan(1000);
  const joined = await b.fleet.join(await grantTo(b, 'bob', 60), 'north site');
  expect(joined).toMatchObject({ added: [], renamed: [], left: [], membership: { name: 'north site', devices: [other?.name] } });
  expect(joined.membership.until).toBeGreaterThan(before.until);
  expect((await b.fleet.refresh())[0]).toMatchObject({ state: 'reachable', workspace: 'north site' });
  expect(a.fleet.administrators.list()).toHaveLength(1);
  await expect(b.fleet.join(old)).rejects.toMatchObject({ code: 'trust.grant-older' });
});

test('a file of another key that says it is of a workspace that was joined is refused', async () => {
  const file = await grantTo(b);
  const impostor = await openWorkspace();
  try {
    const { fingerprint, publicKeyPem: signer } = impostor.keyring;
    await expect(b.fleet.join({ ...file, signer, fingerprint })).rejects.toMatchObject({ code: 'trust.grant-changed-hands' });
    await expect(impostor.fleet.join(file)).rejects.toMatchObject({ code: 'trust.grant-other-key' });
    // It lists a device of ours as its own: it stays ours.
    const ours = { id: agent.ready.id, name: 'mine-now', management: '10.6.6.6:1', inference: '10.6.6.6:2' };
    const identity = openIdentity(await signIdentity(b.keyring, { name: 'bob', at: Date.now() }));
    const { file: theirs } = await impostor.fleet.administrators.grant(identity, { name: 'bob', own: 'impostor', days: 1 });
    expect(await b.fleet.join({ ...openGrantFile(theirs), devices: [ours] })).toMatchObject({ added: [], left: [{ name: 'mine-now' }] });
    expect((await b.fleet.refresh()).map((d) => d.state)).toEqual(['reachable']);
    expect(await b.fleet.leave('impostor')).toMatchObject({ devices: [] });
  } finally {
    await impostor.close();
  }
});

test('an administrator cannot let the device go', async () => {
  const other = await openWorkspace();
  try {
    await other.fleet.join(await grantTo(other, 'carol'));
    expect(await other.fleet.remove('pump-3')).toMatchObject({ told: false, detail: 'It still belongs to site.' });
    expect((await a.fleet.refresh())[0]).toMatchObject({ state: 'reachable' });
  } finally {
    await other.close();
  }
});

test('a device that is not reached is listed as not told, and told when it is', async () => {
  await agent.end('SIGTERM');
  const revoked = await a.fleet.administrators.revoke('carol');
  expect(revoked).toMatchObject({ state: 'revoked', devices: [{ name: 'pump-3', told: false }] });
  agent = await startAgent(dir);
  await a.fleet.refresh();
  expect(a.fleet.administrators.list().find((one) => one.name === 'carol')).toMatchObject({ devices: [{ told: true }] });
  expect(a.fleet.administrators.list().find((one) => one.name === 'bob')).toMatchObject({ state: 'valid' });
  expect((await b.fleet.refresh())[0]).toMatchObject({ state: 'reachable' });
});

test('a workspace put back to before a revocation learns of it from the device', async () => {
  const old = join(a.dir, 'fleet-before.db');
  await copySqlite(join(a.dir, 'fleet.db'), old);
  const dave = await openWorkspace();
  try {
    await dave.fleet.join(await grantTo(dave, 'dave'));
    await a.fleet.administrators.revoke('dave');
    await a.fleet.close();
    for (const end of ['', '-wal', '-shm']) await rm(join(a.dir, `fleet.db${end}`), { force: true });
    await copyFile(old, join(a.dir, 'fleet.db'));
    await a.reopen();
    expect(a.fleet.administrators.list().map((one) => one.name)).not.toContain('dave');
    await a.fleet.refresh();
    expect(a.fleet.administrators.byKey(dave.keyring.fingerprint)).toMatchObject({ state: 'revoked', devices: [{ told: true }] });
    // And revokes on, above what the device has seen.
    expect(await a.fleet.administrators.revoke('e'.repeat(64))).toMatchObject({ devices: [{ told: true }] });
    expect((await dave.fleet.refresh())[0]).toMatchObject({ state: 'does not trust us' });
  } finally {
    await dave.close();
  }
});

test('two statements with one counter become one that says both', async () => {
  const old = join(a.dir, 'fleet-before.db');
  await copySqlite(join(a.dir, 'fleet.db'), old);
  const [one = '', other = ''] = ['1', '2'].map((digit) => digit.repeat(64));
  await a.fleet.administrators.revoke(one);
  await a.fleet.close();
  for (const end of ['', '-wal', '-shm']) await rm(join(a.dir, `fleet.db${end}`), { force: true });
  await copyFile(old, join(a.dir, 'fleet.db'));
  await a.reopen();
  // Before any contact it does not know better than to use the same counter again.
  expect(await a.fleet.administrators.revoke(other)).toMatchObject({ devices: [{ told: true }] });
  expect(a.fleet.administrators.byKey(one)).toMatchObject({ state: 'revoked', devices: [{ told: true }] });
});

test('once revoked, neither certificate nor signature counts any more, and what serves goes on', async () => {
  // What serves is his by his key, whatever he is called meanwhile.
  await grantTo(b, 'robert');
  expect(await a.fleet.administrators.revoke('robert')).toMatchObject({
    state: 'revoked',
    devices: [{ name: 'pump-3', told: true, serves: ['digits@1.3.0#fp32'] }],
  });
  const [device] = await b.fleet.refresh();
  expect(device).toMatchObject({ state: 'does not trust us', problem: expect.stringContaining('revoked') });
  await b.build('1.4.0');
  expect(await deploy(b, 'digits@1.4.0')).toMatchObject({ state: 'failed', error: { code: 'trust.administrator-revoked', owner: 'trust' }, bytesSent: 0 });
  await expect(b.fleet.rollback('pump-3')).rejects.toMatchObject({ code: 'trust.administrator-revoked' });
  const [seen] = await a.fleet.refresh();
  expect(seen?.bundles).toEqual(expect.arrayContaining([expect.objectContaining({ version: '1.3.0', state: 'active', deployedBy: 'bob' })]));
  await expect(grantTo(b, 'bob again')).rejects.toMatchObject({ code: 'trust.key-revoked' });
});

test('the device still knows after it was killed, and after it was let go and paired again', async () => {
  await agent.end('SIGKILL');
  agent = await startAgent(dir);
  expect((await b.fleet.refresh())[0]).toMatchObject({ state: 'does not trust us' });
  expect(await a.fleet.remove('pump-3')).toMatchObject({ told: true });
  await agent.end('SIGTERM');
  agent = await startAgent(dir, ['--pair']);
  const { address = '', code = '' } = agent.ready.pairing ?? {};
  expect(await a.fleet.add({ address, name: 'pump-3', code })).toMatchObject({ state: 'reachable' });
  expect(a.fleet.administrators.list().every((one) => one.state === 'revoked' && one.devices.every((d) => d.told))).toBe(true);
});
