/** Deployments on a real agent process: tested, switched, watched, rolled back. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AgentProcess, cleanUp, startAgent, temporaryFolder } from './agent-process.ts';
import { enrol, makeWorkspace, type TestWorkspace, waitUntilReady, WHOLE_TABLE } from './workspace.ts';

let workspace: TestWorkspace;
let agent: AgentProcess;
let device: ReturnType<TestWorkspace['device']>;

beforeAll(async () => {
  workspace = await makeWorkspace();
  agent = await startAgent(await temporaryFolder('agent'), ['--pair']);
  await enrol(agent, workspace);
  device = workspace.device(agent);
});
afterAll(cleanUp);

const served = async () => (await device.infer([3])).body.outputs?.[0]?.data[0];
const forever = { seconds: 3600, requests: 1_000_000, maxFailureShare: 0.05, minFailures: 3 };
const table = (base: number) => WHOLE_TABLE.map((_, i) => base + i);

describe('deployments, one after another on one device', () => {
  test('a sound bundle becomes active and serves', async () => {
    const status = await device.deploy(await workspace.order({ version: '1.0.0', table: WHOLE_TABLE }));
    expect(status.error).toBeUndefined();
    expect(status).toMatchObject({ state: 'active', serving: 'lookup@1.0.0#fp32' });
    const { body } = await device.infer([0, 7]);
    expect(body).toEqual({ model_name: 'lookup', model_version: '1.0.0', outputs: [{ name: 'value', shape: [2], datatype: 'FP32', data: [10, 17] }] });
  });

  test('a bundle that fails its golden set on the device never serves', async () => {
    const status = await device.deploy(await workspace.order({ version: '1.1.0', table: table(100), golden: [100, 101, 102.5, 103] }));
    expect(status).toMatchObject({ state: 'refused', serving: 'lookup@1.0.0#fp32', error: { code: 'device.golden-failed', owner: 'gate' } });
    expect(status.error?.message).toContain('value[2] expected 102.5, found 102');
    expect(await served()).toBe(13);
  });

  test('a bundle whose golden set cannot even be run is refused', async () => {
    const status = await device.deploy(await workspace.order({ version: '1.1.1', table: [1, 2], golden: [1, 2, 3] }));
    expect(status).toMatchObject({ state: 'refused', error: { code: 'device.golden-crashed', owner: 'gate' } });
    expect(await served()).toBe(13);
  });

  test("the decision's own limits hold on the device, where the bundle names none", async () => {
    const order = await workspace.order({ version: '1.2.9', table: WHOLE_TABLE }, { limits: { p95Ms: 0.000_001 } });
    expect(await device.deploy(order)).toMatchObject({ state: 'refused', error: { code: 'device.too-slow', owner: 'gate' } });
  });

  test('the same id again changes nothing; another content under it is refused', async () => {
    const order = await workspace.order({ version: '1.1.0', table: table(100), golden: [100, 101, 102.5, 103] });
    await device.deploy(order);
    expect(await device.offer(order)).toMatchObject({ id: order.id, state: 'refused' });
    const other = await workspace.order({ version: '1.2.0', table: table(200) });
    await expect(device.offer({ ...other, id: order.id })).rejects.toMatchObject({ code: 'device.id-reused' });
  });

  test('one that begins to fail after the switch is rolled back by the device itself, and the one before answers at once', async () => {
    // The golden set asks for 0..3 only, and the table ends there.
    const order = await workspace.order({ version: '2.0.0', table: [20, 21, 22, 23] }, { watch: forever });
    const trial = await device.deploy(order, (s) => s.state === 'on trial' || s.error !== undefined);
    expect(trial).toMatchObject({ state: 'on trial', serving: 'lookup@2.0.0#fp32' });
    expect(await served()).toBe(23);
    const answers = [];
    for (let i = 0; i < 3; i++) answers.push((await device.infer([7])).status);
    expect(answers).toEqual([500, 500, 500]);
    // No wait here: the third failure decided.
    expect(await device.infer([7])).toMatchObject({ status: 200, body: { outputs: [{ data: [17] }] } });
    const after = await device.get(order.id);
    expect(after).toMatchObject({ state: 'rolled back', serving: 'lookup@1.0.0#fp32', error: { code: 'device.failures', owner: 'gate' } });
    expect(after.error?.found).toContain('3 of 4');
    expect((await device.events()).at(-1)).toBeDefined();
    expect((await device.events()).some((e) => e.kind === 'rolled-back' && e.message.includes('lookup@2.0.0#fp32 was rolled back to lookup@1.0.0#fp32'))).toBe(
      true,
    );
  });

  test("a wrong request is the client's fault and never rolls anything back", async () => {
    const order = await workspace.order({ version: '2.1.0', table: table(30) }, { watch: forever });
    await device.deploy(order, (s) => s.state === 'on trial');
    for (let i = 0; i < 6; i++) {
      const response = await fetch(`http://${agent.ready.inference}/v2/models/lookup/infer`, {
        method: 'POST',
        body: JSON.stringify({ inputs: [{ name: 'index', datatype: 'FP32', shape: [1], data: [1] }] }),
      });
      expect(response.status).toBe(400);
    }
    expect((await device.get(order.id)).state).toBe('on trial');
    // Left on trial for the next test.
    expect((await device.get(order.id)).requestsLeft).toBe(1_000_000);
  });

  test('a newer deployment takes over from one on trial, and commits after time and requests have both passed', async () => {
    const order = await workspace.order({ version: '2.2.0', table: table(40) }, { watch: { ...forever, seconds: 0, requests: 5 } });
    await device.deploy(order, (s) => s.state === 'on trial');
    const before = (await device.status()).bundles;
    expect(before.map((b) => `${b.version} ${b.state}`)).toContain('1.0.0 previous');
    for (let i = 0; i < 5; i++) {
      expect((await device.get(order.id)).state).toBe('on trial');
      expect(await served()).toBe(43);
    }
    expect(await device.follow(order.id, (s) => s.state !== 'on trial')).toMatchObject({ state: 'active', serving: 'lookup@2.2.0#fp32' });
  });

  test('a rollback by hand puts the one before back, once', async () => {
    // What was only ever on trial is no place to go back to.
    expect(await device.post('/v1/rollback', { model: 'lookup' })).toMatchObject({ model: 'lookup', from: 'lookup@2.2.0#fp32', to: 'lookup@1.0.0#fp32' });
    expect(await served()).toBe(13);
    await expect(device.post('/v1/rollback')).rejects.toMatchObject({ code: 'device.nothing-before', owner: 'device' });
    expect(await served()).toBe(13);
  });

  test('an older version than the committed one needs an explicit decision', async () => {
    await device.deploy(await workspace.order({ version: '3.0.0', table: table(50) }));
    const older = await workspace.order({ version: '2.9.0', table: table(60) });
    await expect(device.offer(older)).rejects.toMatchObject({ code: 'trust.older-version', owner: 'trust' });
    expect(await device.deploy({ ...older, allowDowngrade: true })).toMatchObject({ state: 'active', serving: 'lookup@2.9.0#fp32' });
    expect(await served()).toBe(63);
  });

  test('a newer deployment supersedes one that still receives; cancelling ends one at any state', async () => {
    const stuck = await workspace.order({ version: '3.1.0', table: table(70) });
    expect((await device.offer(stuck)).missing.length).toBeGreaterThan(0);
    const next = await workspace.order({ version: '3.2.0', table: table(80) }, { watch: forever });
    await device.deploy(next, (s) => s.state === 'on trial');
    expect((await device.get(stuck.id)).state).toBe('superseded');
    expect(await served()).toBe(83);
    await device.post(`/v1/deployments/${next.id}/cancel`);
    expect(await device.get(next.id)).toMatchObject({ state: 'cancelled', serving: 'lookup@2.9.0#fp32' });
    expect(await served()).toBe(63);
    const waiting = await workspace.order({ version: '3.3.0', table: table(90) });
    await device.offer(waiting);
    await device.post(`/v1/deployments/${waiting.id}/cancel`);
    expect((await device.get(waiting.id)).state).toBe('cancelled');
  });

  test('the first deployment of a model that fails leaves nothing serving, and says so', async () => {
    const order = await workspace.order({ name: 'other', version: '1.0.0', table: [1, 2, 3, 4] }, { watch: { ...forever, minFailures: 1 } });
    await device.deploy(order, (s) => s.state === 'on trial');
    expect((await device.infer([9], 'other')).status).toBe(500);
    const after = await device.get(order.id);
    expect(after.state).toBe('rolled back');
    expect(after.serving).toBeUndefined();
    expect((await device.infer([1], 'other')).status).toBe(404);
    expect((await device.events()).some((e) => e.message.includes('nothing was there before, so other is not served'))).toBe(true);
    // The other model never noticed.
    expect(await served()).toBe(63);
  });

  test('a bundle signed by another workspace is refused, and so is one the decision misnames', async () => {
    const stranger = await makeWorkspace();
    const foreign = await stranger.order({ version: '4.0.0', table: table(500) });
    await device.push(foreign, (await device.offer(foreign)).missing, stranger.store);
    expect(await device.follow(foreign.id, (s) => s.state === 'refused')).toMatchObject({
      error: { code: 'trust.signer-unknown', owner: 'trust' },
      serving: 'lookup@2.9.0#fp32',
    });
    const own = await workspace.order({ version: '4.1.0', table: table(510) });
    expect(await device.deploy({ ...own, version: '4.2.0' })).toMatchObject({ state: 'refused', error: { code: 'device.not-as-decided', owner: 'trust' } });
    const short = {
      ...own,
      id: `${own.id}-short`,
      blobs: own.blobs.slice(0, -1).some((b) => b.digest === own.manifest.digest) ? own.blobs.slice(0, -1) : own.blobs.slice(1),
    };
    expect((await device.deploy(short)).state).toBe('refused');
    const other = await workspace.order({ version: '4.3.0', table: table(520) });
    const stray = other.blobs.filter((b) => own.blobs.every((o) => o.digest !== b.digest)).slice(0, 1);
    expect(await device.deploy({ ...own, id: `${own.id}-more`, blobs: [...own.blobs, ...stray] })).toMatchObject({
      state: 'refused',
      error: { code: 'device.not-as-decided', found: stray[0]?.digest },
    });
    expect(await served()).toBe(63);
  });

  test('switching and rolling back drop no request', async () => {
    const stop = new AbortController();
    const statuses = new Map<number, number>();
    const client = async () => {
      while (!stop.signal.aborted) {
        const { status } = await device.infer([2]);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    };
    const clients = [client(), client(), client()];
    for (const version of ['5.0.0', '5.1.0']) expect((await device.deploy(await workspace.order({ version, table: table(600) }))).state).toBe('active');
    await device.post('/v1/rollback');
    await device.deploy(await workspace.order({ version: '5.0.1', table: table(60) }, { allowDowngrade: true }));
    stop.abort();
    await Promise.all(clients);
    expect([...statuses.keys()]).toEqual([200]);
  });

  test('after a clean end it serves the same from disk alone, on the same addresses', async () => {
    const { management, inference } = agent.ready;
    expect(await agent.end('SIGTERM')).toBe(0);
    device.peer.close();
    agent = await startAgent(agent.dir);
    device = workspace.device(agent);
    expect(agent.ready).toMatchObject({ management, inference });
    expect(agent.ready.pairing).toBeUndefined();
    await waitUntilReady(agent.ready.inference);
    expect(await served()).toBe(63);
  });

  test('forgetting leaves nothing of the workspace', async () => {
    await device.post('/v1/forget');
    await expect
      .poll(
        () =>
          device.status().then(
            () => 'in',
            (error: { code: string }) => error.code,
          ),
        { timeout: 10_000 },
      )
      .not.toBe('in');
    expect((await device.infer([1])).status).toBe(404);
    expect(await agent.end('SIGTERM')).toBe(0);
    agent = await startAgent(agent.dir, ['--pair']);
    await enrol(agent, workspace);
    expect(await workspace.device(agent).status()).toMatchObject({ bundles: [], serving: [] });
  });
});
