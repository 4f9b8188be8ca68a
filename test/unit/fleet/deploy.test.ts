import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { rm, writeFile } from 'node:fs/promises';
import { DeploySpecSchema, type DeploySpec } from '#contract';
import { type SmallAgent, smallAgent } from './small-agent.ts';
import { openWorkspace, type Workspace } from './workspace.ts';

/** Far longer than anything here takes: only a failing test waits so long. */
const eventually = (check: () => void) => vi.waitFor(check, { timeout: 20_000, interval: 10 });

let w: Workspace;
let agent: SmallAgent;

beforeEach(async () => {
  [w, agent] = await Promise.all([openWorkspace(), smallAgent()]);
  await w.build('1.0.0');
  await w.fleet.add({ address: agent.address, name: 'pump-3', code: agent.code });
});
afterEach(async () => {
  await w.close();
  await agent.stop();
});

function spec(more: Partial<DeploySpec> = {}): DeploySpec {
  return DeploySpecSchema.parse({ ref: 'digits@1.0.0', devices: ['pump-3'], ...more });
}

async function deploy(more: Partial<DeploySpec> = {}) {
  const [started] = await w.fleet.deploy(spec(more));
  if (!started) throw new Error('nothing started');
  return started;
}

test('the device is told exactly what it gets, and gets exactly that', async () => {
  const progress: number[] = [];
  const { id } = await deploy({ watch: { seconds: 5, requests: 7, maxFailureShare: 0.5, minFailures: 2 } });
  const done = await w.fleet.carryOut(id, { onProgress: (p) => progress.push(p.fraction) });
  const [order] = agent.orders;
  expect(order).toMatchObject({ id, name: 'digits', version: '1.0.0', variant: 'fp32', watch: { seconds: 5, requests: 7 }, allowDowngrade: false });
  const variant = w.registry.list()[0]?.variants[0];
  expect(order?.manifest.digest).toBe(variant?.digest);
  const pushed = new Map([...agent.registry.blobs, ...agent.registry.manifests]);
  expect([...pushed.keys()].sort()).toEqual(order?.blobs.map((b) => b.digest).sort());
  for (const { digest, size } of order?.blobs ?? []) expect(pushed.get(digest)).toHaveLength(size);
  // The variant's own manifest crosses last.
  expect(agent.registry.seen.findLast((s) => s.startsWith('PUT'))).toBe(`PUT /v2/digits/manifests/${variant?.digest ?? ''}`);
  const total = order?.blobs.reduce((sum, b) => sum + b.size, 0);
  expect(done).toMatchObject({
    state: 'active',
    device: 'pump-3',
    ref: 'digits@1.0.0',
    variant: 'fp32',
    bytesTotal: total,
    bytesSent: total,
    serving: 'digits@1.0.0#fp32',
  });
  expect(done.endedAt).toBeDefined();
  expect(progress).toEqual([...progress].sort((a, b) => a - b));
  expect(w.fleet.deployments()).toEqual([done]);
});

test('only what the device lacks is sent', async () => {
  await (await deploy()).ended;
  const first = agent.registry.received;
  await w.build('1.0.1', (dir) => writeFile(`${dir}/labels.txt`, 'zero\none\n').then(() => writeFile(`${dir}/extra.md`, '')));
  const second = await (await deploy({ ref: 'digits@1.0.1' })).ended;
  expect(second.state).toBe('active');
  // The model, the golden set and the rest that did not change stay where they are; what describes and signs them is new.
  expect(second.bytesSent).toBeLessThan(25_000);
  expect(second.bytesTotal).toBeGreaterThan(60_000);
  expect(agent.registry.received).toBeLessThan(first + 30_000);
});

test('a golden set that fails on the device is a gate’s failure', async () => {
  agent.onReceived = (d) => {
    d.state = 'refused';
    d.error = { code: 'gate.golden-failed', message: 'Output logits, element 7: 0.91 expected, 0.02 found.', owner: 'gate' };
  };
  const { id } = await deploy();
  await expect(w.fleet.carryOut(id)).rejects.toMatchObject({
    code: 'gate.golden-failed',
    owner: 'gate',
    message: expect.stringMatching(/^pump-3 refused digits@1.0.0: Output logits/),
  });
  expect(w.fleet.deployment(id)).toMatchObject({ state: 'refused', error: { owner: 'gate' } });
});

test('one that is rolled back on trial says why and what serves now', async () => {
  agent.onReceived = (d) => {
    d.state = 'on trial';
  };
  const { id, activated, ended } = await deploy();
  expect(await activated).toMatchObject({ state: 'on trial' });
  expect((await activated).endedAt).toBeUndefined();
  const slot = agent.deployments.get(id);
  Object.assign(slot ?? {}, {
    state: 'rolled back',
    error: { code: 'gate.failures', message: '3 of 10 requests failed.', owner: 'gate' },
    serving: 'digits@0.9.0#fp32',
  });
  agent.wake();
  expect(await ended).toMatchObject({
    state: 'rolled back',
    serving: 'digits@0.9.0#fp32',
    error: { code: 'gate.failures', owner: 'gate', message: 'pump-3 rolled digits@1.0.0 back: 3 of 10 requests failed. It serves digits@0.9.0#fp32.' },
  });
});

test('trouble of the device itself is not called a gate', async () => {
  agent.intercept = (request, response, url) => {
    if (request.method !== 'POST' || url.pathname !== '/v1/deployments') return false;
    response.writeHead(507).end(JSON.stringify({ error: { code: 'device.disk-full', message: 'Not enough space.', owner: 'machine' } }));
    return true;
  };
  expect(await (await deploy()).ended).toMatchObject({ state: 'refused', error: { code: 'device.disk-full', owner: 'device' } });
});

test('one device that fails stops no other', async () => {
  const other = await smallAgent('dev-b');
  await w.fleet.add({ address: other.address, name: 'pump-4', code: other.code });
  await agent.registry.stop();
  const started = await w.fleet.deploy(spec({ devices: ['pump-3', 'pump-4', 'dev-b'] }));
  expect(started.map((s) => s.device)).toEqual(['pump-3', 'pump-4']);
  const [off, on] = await Promise.all(started.map((s) => s.ended));
  expect(off).toMatchObject({ state: 'failed', error: { code: 'network.unreachable', owner: 'network' } });
  expect(on).toMatchObject({ state: 'active' });
  await agent.registry.restart();
  await other.stop();
});

test('nothing begins with an unknown device or bundle', async () => {
  await expect(deploy({ devices: ['pump-3', 'nobody'] })).rejects.toMatchObject({ code: 'device.unknown', owner: 'usage', expected: 'pump-3' });
  await expect(deploy({ ref: 'digits@9.9.9' })).rejects.toMatchObject({ owner: 'usage' });
  expect(w.fleet.deployments()).toEqual([]);
});

test('a cancel while it is sent ends it on both sides', async () => {
  agent.registry.misbehave = ((manage) => (request, response) => {
    // The first blob never gets an answer.
    if (request.method === 'POST' && request.url?.includes('/uploads/')) return true;
    return manage(request, response);
  })(agent.registry.misbehave);
  const abort = new AbortController();
  const { id, ended } = await deploy();
  const waiting = w.fleet.carryOut(id, { signal: abort.signal });
  await eventually(() => expect(agent.registry.seen.some((s) => s.endsWith('/uploads/'))).toBe(true));
  abort.abort();
  await expect(waiting).rejects.toMatchObject({ owner: 'cancelled' });
  expect(await ended).toMatchObject({ state: 'cancelled' });
  expect(agent.deployments.get(id)?.state).toBe('cancelled');
  expect(await w.fleet.cancel(id)).toMatchObject({ state: 'cancelled' });
});

test('a cancel of one that waits its turn never reaches the device', async () => {
  agent.onReceived = (d) => {
    d.state = 'testing';
  };
  const first = await deploy();
  const second = await deploy();
  await w.fleet.cancel(second.id);
  expect(await second.ended).toMatchObject({ state: 'cancelled', error: { owner: 'cancelled' } });
  expect(agent.orders.map((o) => o.id)).not.toContain(second.id);
  await w.fleet.cancel(first.id);
  expect(await first.ended).toMatchObject({ state: 'cancelled' });
});

test('what a restart of this program cuts off goes on', async () => {
  let hold = true;
  agent.registry.misbehave = ((manage) => (request, response) => {
    if (request.method === 'PUT' && request.url?.includes('/manifests/') && hold) return true;
    return manage(request, response);
  })(agent.registry.misbehave);
  const { id } = await deploy();
  await eventually(() => expect(agent.registry.seen.some((s) => s.startsWith('PUT /v2/digits/manifests'))).toBe(true));
  await w.fleet.close();
  hold = false;
  const sentBefore = agent.registry.seen.length;
  await w.reopen({ follow: true }).catch(() => {});
  await eventually(() => expect(w.fleet.deployment(id).state).toBe('active'));
  // Only the manifests were still missing: the variant's, and those of its signature, its bill of materials and the statement of that.
  expect(agent.registry.seen.slice(sentBefore).filter((s) => s.startsWith('PUT'))).toHaveLength(4);
});

test('a device that was reset meanwhile is not waited for', async () => {
  agent.onReceived = (d) => {
    d.state = 'testing';
  };
  const { id, ended } = await deploy();
  await eventually(() => expect(w.fleet.deployment(id).state).toBe('testing'));
  agent.deployments.clear();
  agent.registry.misbehave = ((manage) => manage)(agent.registry.misbehave);
  await w.fleet.close();
  await w.reopen({ follow: true });
  await eventually(() => expect(w.fleet.deployment(id)).toMatchObject({ state: 'failed', error: { code: 'deployment.lost', owner: 'device' } }));
  await ended;
});

test('without following, a device that is asked says how its deployments stand', async () => {
  agent.onReceived = (d) => {
    d.state = 'on trial';
  };
  const { id, activated } = await deploy();
  await activated;
  const fleet = await w.reopen();
  Object.assign(agent.deployments.get(id) ?? {}, { state: 'active' });
  await fleet.refresh('pump-3');
  await eventually(() => expect(fleet.deployment(id)).toMatchObject({ state: 'active' }));
});

test('a blob that is damaged in our own store is our failure, not the device’s', async () => {
  const golden = (await w.registry.show('digits@1.0.0')).files.find((f) => f.role === 'golden');
  const path = w.store.path(golden?.digest ?? '');
  await rm(path);
  await writeFile(path, Buffer.alloc(golden?.bytes ?? 0));
  expect(await (await deploy()).ended).toMatchObject({ state: 'failed', error: { code: 'machine.blob-damaged', owner: 'machine', found: golden?.digest } });
});

test('a device that takes everything and keeps nothing is given up', async () => {
  agent.onReceived = () => {
    agent.registry.blobs.clear();
  };
  expect(await (await deploy()).ended).toMatchObject({ state: 'failed', error: { code: 'device.loses-blobs', owner: 'device' } });
});

test('removing a device ends what was on its way there', async () => {
  agent.onReceived = (d) => {
    d.state = 'testing';
  };
  const { id } = await deploy();
  await eventually(() => expect(w.fleet.deployment(id).state).toBe('testing'));
  await w.fleet.remove('pump-3');
  expect(w.fleet.deployment(id)).toMatchObject({ state: 'failed', error: { code: 'device.removed' } });
});

test('ended deployments follow what the device says it serves', async () => {
  const first = await (await deploy()).ended;
  await w.build('1.1.0');
  const second = await (await deploy({ ref: 'digits@1.1.0' })).ended;
  const bundle = (d: typeof first, version: string, state: 'active' | 'previous' | 'rolled back', reason?: string) => ({
    name: 'digits',
    version,
    variant: 'fp32',
    digest: d.digest,
    state,
    since: 1,
    ...(reason && { reason }),
  });
  agent.status.bundles = [bundle(first, '1.0.0', 'previous'), bundle(second, '1.1.0', 'active')];
  await w.fleet.refresh();
  expect(w.fleet.deployments().map((d) => d.state)).toEqual(['active', 'superseded']);
  agent.status.bundles = [bundle(first, '1.0.0', 'active'), bundle(second, '1.1.0', 'rolled back', 'It was rolled back by hand.')];
  await w.fleet.refresh();
  expect(w.fleet.deployments()).toEqual([
    expect.objectContaining({
      state: 'rolled back',
      serving: 'digits@1.0.0#fp32',
      error: expect.objectContaining({ message: expect.stringContaining('by hand') }),
    }),
    expect.objectContaining({ state: 'active' }),
  ]);
});
