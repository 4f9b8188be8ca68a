/** The fleet against the real agent process: pairing, deploying, cutting it off at every place, rolling back. */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type DeploySpec, DeploySpecSchema } from '#contract';
import { readNpz, writeNpz } from '#core/datasets';
import { PIECE_BYTES } from '#core/distribution';
import { generatePairingCode } from '#core/trust';
import { type AgentProcess, cleanUp, startAgent, temporaryFolder } from '../agent/agent-process.ts';
import { openWorkspace, type Workspace } from '../../unit/fleet/workspace.ts';

/** Large enough that a transfer can be caught in its middle. */
const BIG_BYTES = 32 * 1024 * 1024;
const AT_ONCE = { seconds: 0, requests: 0 };

let w: Workspace;
let agent: AgentProcess;
let dir: string;

beforeAll(async () => {
  [w, dir] = await Promise.all([openWorkspace(), temporaryFolder('fleet-agent')]);
  [agent] = await Promise.all([startAgent(dir, ['--pair']), w.build('1.0.0')]);
});
afterAll(async () => {
  await w.close();
  await cleanUp();
});

async function deploy(more: Partial<DeploySpec> = {}) {
  const spec = DeploySpecSchema.parse({ ref: 'digits@1.0.0', devices: ['pump-3'], watch: AT_ONCE, ...more });
  const [started] = await w.fleet.deploy(spec);
  if (!started) throw new Error('nothing started');
  return started;
}

/** What the device answers for an all-zero image: its version, or nothing. */
async function servedVersion(): Promise<string | undefined> {
  const body = JSON.stringify({ inputs: [{ name: 'image', datatype: 'FP32', shape: [1, 1, 8, 8], data: Array.from({ length: 64 }, () => 0) }] });
  const response = await fetch(`http://${agent.ready.inference}/v2/models/digits/infer`, { method: 'POST', body });
  const answer = (await response.json()) as { model_version?: string };
  return answer.model_version;
}

async function buildBig(version: string): Promise<string> {
  return w.build(version, async (folder) => {
    await mkdir(join(folder, 'examples'));
    await writeFile(join(folder, 'examples', 'big.bin'), randomBytes(BIG_BYTES));
    const yaml = join(folder, 'edgewright.yaml');
    await writeFile(yaml, 'examples: examples\n', { flag: 'a' });
  });
}

/** Deploys, and freezes the agent as soon as a new upload has some megabytes. */
async function deployAndFreeze(ref: string) {
  const uploads = join(dir, 'uploads');
  // A folder each, made with the first.
  const there = () => readdir(uploads).catch((): string[] => []);
  const old = new Set(await there());
  const started = await deploy({ ref });
  for (;;) {
    for (const name of await there()) {
      if (old.has(name)) continue;
      const { size } = await stat(join(uploads, name, 'data')).catch(() => ({ size: 0 }));
      if (size > 1_000_000) {
        process.kill(agent.pid, 'SIGSTOP');
        return { ...started, there: size };
      }
    }
  }
}

test('pairing: a wrong code is counted, the right one enrols', async () => {
  const address = agent.ready.pairing?.address ?? '';
  const code = agent.ready.pairing?.code ?? '';
  await expect(w.fleet.add({ address, name: 'pump-3', code: generatePairingCode() })).rejects.toMatchObject({
    code: 'trust.wrong-code',
    owner: 'trust',
    found: '4 tries left',
  });
  expect(w.fleet.list()).toEqual([]);
  const device = await w.fleet.add({ address, name: 'pump-3', code });
  expect(device).toMatchObject({
    id: agent.ready.id,
    state: 'reachable',
    management: `https://${agent.ready.management}`,
    inference: `http://${agent.ready.inference}`,
  });
  await expect(w.fleet.add({ address, name: 'again', code })).rejects.toMatchObject({ code: 'network.unreachable' });
});

test('a deployment is sent, tested on the device, and serves', async () => {
  const [preflight] = await w.fleet.preflight(DeploySpecSchema.parse({ ref: 'digits@1.0.0', devices: ['pump-3'] }));
  expect(preflight).toMatchObject({ ok: true, bytesThere: 0 });
  expect(preflight?.checks.map((c) => c.name)).toEqual(expect.arrayContaining(['sound', 'signed', 'golden set', 'verdict', 'reachable', 'version', 'disk']));
  const states: string[] = [];
  const { id } = await deploy();
  const done = await w.fleet.carryOut(id, { onProgress: (p) => states.push(p.step) });
  expect(['on trial', 'active']).toContain(done.state);
  expect(done).toMatchObject({ bytesSent: done.bytesTotal, serving: 'digits@1.0.0#fp32' });
  expect(done.bytesTotal).toBe(preflight?.bytesToSend);
  await vi.waitFor(() => expect(w.fleet.deployment(id).state).toBe('active'), { timeout: 10_000 });
  expect(await servedVersion()).toBe('1.0.0');
});

test('the second sends only what is new, and a rollback puts the first back', async () => {
  await w.build('1.1.0');
  const [preflight] = await w.fleet.preflight(DeploySpecSchema.parse({ ref: 'digits@1.1.0', devices: ['pump-3'] }));
  const second = await (await deploy({ ref: 'digits@1.1.0' })).ended;
  expect(second).toMatchObject({ state: 'active', serving: 'digits@1.1.0#fp32', bytesSent: preflight?.bytesToSend });
  expect(second.bytesSent).toBeLessThan(25_000);
  expect(second.bytesTotal).toBeGreaterThan(60_000);
  expect(await servedVersion()).toBe('1.1.0');
  expect(await w.fleet.rollback('pump-3')).toMatchObject({ device: 'pump-3', model: 'digits', from: 'digits@1.1.0#fp32', to: 'digits@1.0.0#fp32' });
  expect(await servedVersion()).toBe('1.0.0');
  expect(w.fleet.deployments().map((d) => `${d.ref} ${d.state}`)).toEqual(['digits@1.1.0 rolled back', 'digits@1.0.0 active']);
  expect(w.fleet.show('pump-3').bundles).toEqual(expect.arrayContaining([expect.objectContaining({ version: '1.0.0', state: 'active' })]));
  await expect(w.fleet.rollback('pump-3', 'digits')).rejects.toMatchObject({ code: 'device.nothing-before', owner: 'device' });
});

test('a bundle that fails its golden set on the device never serves', async () => {
  await w.build('2.0.0', async (folder) => {
    const golden = await readNpz(join(folder, 'golden.npz'));
    const logits = golden.get('out_logits');
    if (!logits || !(logits.data instanceof Float32Array)) throw new Error('no logits in the golden set');
    logits.data[7] = (logits.data[7] ?? 0) + 1;
    await writeNpz(join(folder, 'golden.npz'), golden);
  });
  const { id } = await deploy({ ref: 'digits@2.0.0' });
  await expect(w.fleet.carryOut(id)).rejects.toMatchObject({ owner: 'gate', message: expect.stringMatching(/^pump-3 refused digits@2.0.0/) });
  expect(w.fleet.deployment(id)).toMatchObject({ state: 'refused', serving: 'digits@1.0.0#fp32' });
  expect(await servedVersion()).toBe('1.0.0');
});

test('an older version is held back before it is sent', async () => {
  await (await deploy({ ref: 'digits@1.1.0' })).ended;
  expect(await (await deploy({ ref: 'digits@1.0.0' })).ended).toMatchObject({
    state: 'failed',
    bytesSent: 0,
    error: { code: 'deployment.preflight-version', owner: 'trust' },
  });
  // An override is for other checks: going back is a decision of its own.
  expect(await (await deploy({ ref: 'digits@1.0.0', override: 'the pump needs it' })).ended).toMatchObject({ state: 'failed', bytesSent: 0 });
  expect(await (await deploy({ ref: 'digits@1.0.0', allowDowngrade: true })).ended).toMatchObject({ state: 'active', serving: 'digits@1.0.0#fp32' });
});

test('cancelled in the middle of a transfer', async () => {
  const ref = await buildBig('3.0.0');
  const { id, ended, there } = await deployAndFreeze(ref);
  expect(there).toBeLessThan(BIG_BYTES);
  const cancelled = w.fleet.cancel(id);
  process.kill(agent.pid, 'SIGCONT');
  expect(await cancelled).toMatchObject({ state: 'cancelled', error: { owner: 'cancelled' } });
  expect(await ended).toMatchObject({ state: 'cancelled' });
  expect(await servedVersion()).toBe('1.0.0');
});

test('the agent is killed in the middle of a transfer, and the rest is sent when it is back', async () => {
  const ref = await buildBig('3.1.0');
  const { ended, there } = await deployAndFreeze(ref);
  await agent.end('SIGKILL');
  agent = await startAgent(dir);
  const done = await ended;
  expect(done.error).toBeUndefined();
  expect(done).toMatchObject({ state: 'active', serving: 'digits@3.1.0#fp32' });
  // What was on the line when it died may cross twice, what had arrived does not.
  expect(done.bytesSent).toBeGreaterThan(BIG_BYTES);
  expect(done.bytesSent).toBeLessThan(BIG_BYTES + BIG_BYTES - there + PIECE_BYTES);
  expect(await servedVersion()).toBe('3.1.0');
});

test('this program ends in the middle of a transfer, and its next life sends the rest', async () => {
  const ref = await buildBig('3.2.0');
  const { id, there } = await deployAndFreeze(ref);
  await w.fleet.close();
  process.kill(agent.pid, 'SIGCONT');
  await w.reopen({ follow: true }).catch(() => {});
  await vi.waitFor(() => expect(w.fleet.deployment(id)).toMatchObject({ state: 'active' }), { timeout: 30_000, interval: 20 });
  expect(w.fleet.deployment(id).bytesSent).toBeLessThan(2 * BIG_BYTES - there + PIECE_BYTES);
  expect(await servedVersion()).toBe('3.2.0');
});

test('followed, the device’s own history is here, each line once', async () => {
  await vi.waitFor(
    () => {
      const { events } = w.fleet.show('pump-3');
      expect(events.map((e) => e.seq)).toEqual(events.map((_, i) => (events[0]?.seq ?? 0) + i));
      expect(events.some((e) => e.kind === 'committed' && e.message.includes('3.2.0'))).toBe(true);
    },
    { timeout: 10_000 },
  );
});

test('a device that is off is a network failure, and is not seen since', async () => {
  expect(await agent.end('SIGTERM')).toBe(0);
  const failed = await (await deploy({ ref: 'digits@3.2.0' })).ended;
  expect(failed).toMatchObject({ state: 'failed', error: { code: 'network.unreachable', owner: 'network' } });
  const [device] = await w.fleet.refresh('pump-3');
  expect(device).toMatchObject({ state: 'not seen' });
  expect(device?.lastSeenAt).toBeLessThanOrEqual(Date.now());
  agent = await startAgent(dir);
});

test('a device that has been forgotten does not trust us, and can be paired again', async () => {
  const other = await w.reopen({ follow: false });
  expect(await other.remove('pump-3')).toEqual({ name: 'pump-3', told: true });
  await agent.end('SIGTERM');
  agent = await startAgent(dir, ['--pair']);
  const { address = '', code = '' } = agent.ready.pairing ?? {};
  expect(await other.add({ address, name: 'pump-5', code })).toMatchObject({ name: 'pump-5', state: 'reachable', bundles: [] });
});
