import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type SmallAgent, smallAgent } from './small-agent.ts';
import { openWorkspace, type Workspace } from './workspace.ts';

/** Far longer than anything here takes: only a failing test waits so long. */
const eventually = (check: () => void) => vi.waitFor(check, { timeout: 20_000, interval: 10 });

let w: Workspace;
let agent: SmallAgent;

beforeEach(async () => {
  [w, agent] = await Promise.all([openWorkspace(), smallAgent()]);
  await w.fleet.add({ address: agent.address, name: 'pump-3', code: agent.code });
});
afterEach(async () => {
  await w.close();
  await agent.stop();
});

test('the device’s history is copied whole and once', async () => {
  for (let i = 1; i <= 1200; i++) agent.addEvent('note', `event ${i}`);
  await w.fleet.refresh('pump-3');
  await w.fleet.refresh();
  const { events } = w.fleet.show('pump-3');
  expect(events.at(-1)).toMatchObject({ seq: 1200, message: 'event 1200' });
  expect(events.map((e) => e.seq)).toEqual([...new Set(events.map((e) => e.seq))].sort((a, b) => a - b));
  expect(agent.asked.filter((a) => a === 'GET /v1/events')).toHaveLength(3);
  agent.addEvent('note', 'one more');
  await (await w.reopen()).refresh('pump-3');
  expect(w.fleet.show('pump-3').events.at(-1)?.message).toBe('one more');
});

test('a device that tells the same again and again is not asked for ever', async () => {
  const events = Array.from({ length: 500 }, (_, i) => ({ seq: i + 1, at: 0, kind: 'note', message: 'again' }));
  agent.status.lastEventSeq = 1_000_000;
  agent.intercept = (_request, response, url) => {
    if (url.pathname !== '/v1/events') return false;
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ events }));
    return true;
  };
  await w.fleet.refresh('pump-3');
  expect(agent.asked.filter((a) => a === 'GET /v1/events')).toHaveLength(2);
  expect(w.fleet.show('pump-3').events.at(-1)?.seq).toBe(500);
});

test('while it is followed, an event shows at once', async () => {
  const fleet = await w.reopen({ follow: true });
  await eventually(() => expect(agent.asked.at(-1)).toBe('GET /v1/events'));
  agent.addEvent('runner-ended', 'The runner ended.');
  await eventually(() => expect(fleet.show('pump-3').events.at(-1)?.message).toBe('The runner ended.'));
});

test('a device that is off is not seen, with since when; back on it is reachable again', async () => {
  const seen = w.fleet.show('pump-3').lastSeenAt;
  await agent.registry.stop();
  const [off] = await w.fleet.refresh();
  expect(off).toMatchObject({ state: 'not seen', lastSeenAt: seen, problem: expect.stringContaining('cannot be reached') });
  await agent.registry.restart();
  expect(await w.fleet.refresh('pump-3')).toEqual([expect.objectContaining({ state: 'reachable' })]);
  expect(w.fleet.list()[0]?.problem).toBeUndefined();
});

test('what was reachable long ago does not count as reachable now', async () => {
  const later = Date.now() + 10 * 60_000;
  const fleet = await w.reopen({ clock: { now: () => later, monotonic: () => performance.now() } });
  expect(fleet.list()[0]).toMatchObject({ state: 'not seen' });
});

test('a device that belongs to another workspace now does not trust us', async () => {
  const other = await openWorkspace();
  await agent.registry.stop();
  // Same address, same device, enrolled elsewhere: it shows another CA's certificate.
  const { createDeviceIdentity } = await import('#core/trust');
  const { smallRegistry } = await import('../transfer/small-registry.ts');
  const identity = await createDeviceIdentity('dev-a');
  const moved = await smallRegistry({
    key: identity.privateKeyPem,
    cert: await w.keyring.issueDeviceCertificate(identity.csrPem, 'dev-a'),
    ca: other.keyring.caCertificatePem,
  });
  const fleet = await w.reopen();
  const port = agent.registry.port;
  await moved.stop();
  moved.port = port;
  await moved.restart();
  expect(await fleet.refresh()).toEqual([
    expect.objectContaining({ state: 'does not trust us', problem: expect.stringContaining('does not trust this workspace') }),
  ]);
  await moved.stop();
  await agent.registry.restart();
  await other.close();
});

test('a removed device is told; one that is off is removed all the same, and that is said', async () => {
  expect(await w.fleet.remove('pump-3')).toEqual({ name: 'pump-3', told: true });
  expect(agent.asked).toContain('POST /v1/forget');
  expect(w.fleet.list()).toEqual([]);
  expect(() => w.fleet.show('pump-3')).toThrow(expect.objectContaining({ code: 'device.unknown', owner: 'usage' }));

  await w.fleet.add({ address: agent.address, name: 'pump-4', code: agent.code });
  await agent.registry.stop();
  expect(await w.fleet.remove('pump-4')).toMatchObject({ told: false, detail: expect.stringContaining('cannot be reached') });
  expect(w.fleet.list()).toEqual([]);
  await agent.registry.restart();
});
