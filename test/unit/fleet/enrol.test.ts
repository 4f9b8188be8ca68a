import { afterEach, beforeEach, expect, test } from 'vitest';
import { generatePairingCode } from '#core/trust';
import { type SmallAgent, smallAgent } from './small-agent.ts';
import { openWorkspace, type Workspace } from './workspace.ts';

let w: Workspace;
let agent: SmallAgent;

beforeEach(async () => {
  [w, agent] = await Promise.all([openWorkspace(), smallAgent()]);
});
afterEach(async () => {
  await w.close();
  await agent.stop();
});

test('a device is enrolled by its code, however it is typed, and is there after a restart', async () => {
  const device = await w.fleet.add({ address: agent.address, name: 'pump-3', code: agent.code.toLowerCase().replaceAll('-', ' ') });
  expect(device).toMatchObject({ id: 'dev-a', name: 'pump-3', state: 'reachable', practice: false, agentVersion: '0.1.0', bundles: [] });
  expect(device.management).toBe(`https://127.0.0.1:${agent.registry.port}`);
  expect(agent.enrolment).toMatchObject({ ca: w.keyring.caCertificatePem, signer: w.keyring.publicKeyPem, workspaceId: w.keyring.workspaceId });
  expect(w.changes).toContain('devices pump-3');
  const again = await w.reopen();
  expect(again.list()).toEqual([expect.objectContaining({ name: 'pump-3', state: 'reachable' })]);
});

test('a wrong code is not trusted, says how many tries are left, and records nothing', async () => {
  const add = (code: string) => w.fleet.add({ address: agent.address, name: 'pump-3', code });
  await expect(add(generatePairingCode())).rejects.toMatchObject({ code: 'trust.wrong-code', owner: 'trust', found: '4 tries left' });
  await expect(add(generatePairingCode())).rejects.toMatchObject({ found: '3 tries left' });
  await expect(add('not a code')).rejects.toMatchObject({ code: 'trust.code-malformed', owner: 'trust' });
  expect(w.fleet.list()).toEqual([]);
  expect(agent.enrolment).toBeUndefined();
});

test('a device that cannot prove the code gets nothing', async () => {
  agent.pairing.wrongProof = true;
  await expect(w.fleet.add({ address: agent.address, name: 'pump-3', code: agent.code })).rejects.toMatchObject({
    code: 'trust.unproven-device',
    owner: 'trust',
  });
  expect(agent.enrolment).toBeUndefined();
  expect(w.fleet.list()).toEqual([]);
});

test('without the device’s last word it is not enrolled', async () => {
  agent.pairing.hangUpAfterEnrol = true;
  await expect(w.fleet.add({ address: agent.address, name: 'pump-3', code: agent.code })).rejects.toMatchObject({ owner: 'network' });
  expect(w.fleet.list()).toEqual([]);
});

test('a device that is off, and one that says nothing, are the network’s failures', async () => {
  agent.pairing.silent = true;
  const abort = new AbortController();
  const waiting = w.fleet.add({ address: agent.address, name: 'pump-3', code: agent.code }, { signal: abort.signal });
  setTimeout(() => abort.abort(), 50);
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  await agent.stop();
  await expect(w.fleet.add({ address: agent.address, name: 'pump-3', code: agent.code })).rejects.toMatchObject({
    code: 'network.unreachable',
    owner: 'network',
  });
  agent = await smallAgent();
});

test('a name is given once, and a device has one name', async () => {
  await w.fleet.add({ address: agent.address, name: 'pump-3', code: agent.code });
  await expect(w.fleet.add({ address: '127.0.0.1:1', name: 'pump-3', code: agent.code })).rejects.toMatchObject({ code: 'device.name-taken', owner: 'usage' });
  const before = agent.enrolment;
  agent.enrolment = undefined;
  await expect(w.fleet.add({ address: agent.address, name: 'other', code: agent.code })).rejects.toMatchObject({
    code: 'device.already-paired',
    hint: expect.stringContaining('remove pump-3'),
  });
  expect(agent.enrolment).toBeUndefined();
  agent.enrolment = before;
  expect(w.fleet.list().map((d) => d.name)).toEqual(['pump-3']);
});

test('an address that is none is named so before anything is tried', async () => {
  await expect(w.fleet.add({ address: 'pump', name: 'pump-3', code: agent.code })).rejects.toMatchObject({ code: 'device.address-wrong', owner: 'input' });
});
