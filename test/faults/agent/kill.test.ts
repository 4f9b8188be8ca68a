/**
 * A fast sample of what `kill.long.test.ts` sweeps: the agent killed without warning, its runner killed, its disk gone bad.
 * Afterwards the device serves the old bundle or the new one, whole, and says which.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { cleanUp } from '../../integration/agent/agent-process.ts';
import { waitUntilReady } from '../../integration/agent/workspace.ts';
import { type Bench, FOREVER, openBench, spoil } from './bench.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
  expect(await bench.device.deploy(await bench.next())).toMatchObject({ state: 'active' });
});
afterEach(() => bench.expectWhole());
afterAll(cleanUp);

describe('kill -9 of the agent', () => {
  test('while it tests a bundle: it comes back serving what was last good, and the deployment goes on to its end', async () => {
    const before = bench.version;
    const order = await bench.next();
    await bench.device.deploy(order, (s) => s.state !== 'receiving' && s.state !== 'verifying');
    await bench.restart();
    expect([before, bench.version]).toContain(await bench.servedVersion());
    expect(await bench.device.follow(order.id, (s) => s.state === 'active' || s.error !== undefined)).toMatchObject({ state: 'active' });
    expect(await bench.servedVersion()).toBe(bench.version);
  });
});

describe('coming back', () => {
  test('from the first moment its door is open, nobody hears that its model is unknown, or that it is ready before it is', async () => {
    await bench.end('SIGKILL');
    const heard = new Set<string>();
    let back = false;
    const asking = (async () => {
      while (!back) {
        // Nobody answers while it is down.
        heard.add(
          await bench.device.infer([7]).then(
            (a) => `infer ${a.status}`,
            () => 'down',
          ),
        );
        const ready = await fetch(`http://${bench.agent.ready.inference}/v2/health/ready`).then(
          (r) => r.status,
          () => 0,
        );
        if (ready === 200) heard.add(`ready, then ${(await bench.device.infer([7])).status}`);
      }
    })();
    await bench.start();
    back = true;
    await asking;
    expect([...heard].filter((h) => !['infer 200', 'infer 503', 'down', 'ready, then 200'].includes(h))).toEqual([]);
  });
});

describe.skipIf(process.platform !== 'linux')('a runner that dies', () => {
  test('is started again; on trial it counts, and three deaths roll back', async () => {
    const before = bench.version;
    await bench.killRunners();
    await expect.poll(() => bench.device.infer([7]).then((a) => a.status), { timeout: 20_000, interval: 50 }).toBe(200);
    const order = await bench.next({ watch: FOREVER });
    await bench.device.deploy(order, (s) => s.state === 'on trial');
    for (let death = 0; death < 3; death++) {
      await expect
        .poll(async () => (await bench.device.get(order.id)).state === 'rolled back' || (await bench.device.infer([7])).status === 200, {
          timeout: 20_000,
          interval: 50,
        })
        .toBe(true);
      await bench.killRunners();
    }
    expect(await bench.device.follow(order.id, (s) => s.state !== 'on trial')).toMatchObject({
      state: 'rolled back',
      error: { code: 'device.runner-crashes' },
    });
    await waitUntilReady(bench.agent.ready.inference);
    expect(await bench.servedVersion()).toBe(before);
  });
});

describe('bit rot', () => {
  test('in what serves is found at the next start: the one before serves, and sending it again mends it', async () => {
    const before = await bench.servedVersion();
    const order = await bench.next();
    expect(await bench.device.deploy(order)).toMatchObject({ state: 'active' });
    const [rotten] = order.blobs.toSorted((x, y) => y.size - x.size);
    if (!rotten) throw new Error('no blob to spoil');
    await bench.end('SIGTERM');
    await spoil(bench.blobPath(rotten.digest));
    await bench.start();
    expect(await bench.servedVersion()).toBe(before);
    expect(await bench.device.get(order.id)).toMatchObject({ state: 'rolled back', error: { code: 'device.blob-wrong', owner: 'trust' } });
    expect((await bench.device.events()).some((event) => event.kind === 'bit-rot')).toBe(true);
    const again = { ...order, id: `${order.id}-again` };
    expect((await bench.device.offer(again)).missing).toContain(rotten.digest);
    expect(await bench.device.deploy(again)).toMatchObject({ state: 'active' });
    expect(await bench.servedVersion()).toBe(bench.version);
  });
});
