/**
 * The agent killed without warning at every stage and at arbitrary moments: afterwards it serves the old bundle or the new
 * one, whole, and says which. Killing a process is not a power cut: what it wrote is still there.
 */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { AgentDeploymentState } from '#core/protocol';
import { cleanUp } from '../../integration/agent/agent-process.ts';
import { type Bench, FOREVER, openBench } from './bench.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
  expect(await bench.device.deploy(await bench.next())).toMatchObject({ state: 'active' });
});
afterEach(() => bench.expectWhole());
afterAll(cleanUp);

describe.skipIf(process.platform !== 'linux')('kill -9 of the agent', () => {
  const states: AgentDeploymentState[] = ['receiving', 'verifying', 'testing', 'activating', 'on trial'];
  test.each(states)('in or after the state %s: old or new serves, whole, and the deployment goes on to its end', async (state) => {
    const before = bench.version;
    const order = await bench.next();
    const { missing } = await bench.device.offer(order);
    // One blob short of whole, so that `receiving` has something to lose.
    await bench.device.push(order, missing.slice(0, -1));
    if (state !== 'receiving') {
      await bench.device.push(order, missing.slice(-1));
      await bench.device.follow(order.id, (s) => states.indexOf(s.state) >= states.indexOf(state) || !states.includes(s.state));
    }
    await bench.restart();
    expect([before, bench.version]).toContain(await bench.servedVersion());
    const again = await bench.device.offer(order);
    if (state === 'receiving') expect(again.missing).toEqual(missing.slice(-1));
    await bench.device.push(order, again.missing);
    expect(await bench.device.follow(order.id, (s) => s.state === 'active' || s.error !== undefined)).toMatchObject({ state: 'active' });
    expect(await bench.servedVersion()).toBe(bench.version);
  });

  test('at arbitrary moments, again and again', async () => {
    const before = bench.version;
    const order = await bench.next();
    for (const ms of [35, 110, 190, 330, 520]) {
      const push = bench.device
        .offer(order)
        .then(({ missing }) => bench.device.push(order, missing))
        .catch(() => {});
      // The moment is the fault that is injected, not a wait for anything.
      await new Promise((done) => setTimeout(done, ms));
      await bench.restart();
      await push;
      expect([before, bench.version]).toContain(await bench.servedVersion());
    }
    const { missing } = await bench.device.offer(order);
    await bench.device.push(order, missing);
    await bench.device.follow(order.id, (s) => s.state === 'active' || s.error !== undefined);
  });

  test('three times while a bundle is on trial counts as a crash loop; a clean end does not', async () => {
    const before = bench.version;
    const order = await bench.next({ watch: FOREVER });
    await bench.device.deploy(order, (s) => s.state === 'on trial');
    await bench.restart('SIGTERM');
    await bench.restart();
    await bench.restart();
    expect(await bench.device.get(order.id)).toMatchObject({ state: 'on trial' });
    expect(await bench.servedVersion()).toBe(bench.version);
    await bench.restart();
    expect(await bench.device.get(order.id)).toMatchObject({ state: 'rolled back', error: { code: 'device.crash-loop' } });
    expect(await bench.servedVersion()).toBe(before);
  });

  test('a database that takes nothing, as on a full disk: the agent lives on, and its runner comes back', async () => {
    const db = new Database(join(bench.agent.dir, 'agent.db'));
    db.exec('BEGIN IMMEDIATE');
    try {
      await bench.killRunners();
      // The agent waits in vain for the database first.
      await expect
        .poll(
          () =>
            bench.device.infer([7]).then(
              (a) => a.status,
              () => 0,
            ),
          { timeout: 40_000, interval: 50 },
        )
        .toBe(200);
    } finally {
      db.exec('ROLLBACK');
      db.close();
    }
  });

  test('what a watch has counted survives', async () => {
    const order = await bench.next({ watch: { ...FOREVER, seconds: 0, requests: 40 } });
    await bench.device.deploy(order, (s) => s.state === 'on trial');
    for (let i = 0; i < 39; i++) await bench.device.infer([1]);
    await expect.poll(async () => (await bench.device.get(order.id)).requestsLeft).toBe(1);
    await bench.restart('SIGTERM');
    expect((await bench.device.get(order.id)).requestsLeft).toBe(1);
    await bench.device.infer([1]);
    expect(await bench.device.follow(order.id, (s) => s.state !== 'on trial')).toMatchObject({ state: 'active' });
  });
});
