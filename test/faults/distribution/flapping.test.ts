/** Push and pull over a line that breaks all the time: they get there, without sending everything again each time. */
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openPullSource, openRegistryMemory, openRepositories, pushBundle } from '#core/distribution';
import { makeTensor, writeNpz } from '#core/datasets';
import { systemClock } from '#core/platform';
import { type Elsewhere, elsewhere } from '../../integration/bundles/sources.ts';
import { admit, dir, keys, registry, source, store } from '../../integration/bundles/workspace.ts';
import { clientTo } from '../../integration/distribution/front.ts';
import { testRegistry, type TestRegistry } from '../../integration/distribution/registry.ts';
import { type Flapping, flapping } from './flapping.ts';

/** More than one piece of an upload. */
const LARGE_BYTES = 12 * 1024 * 1024;
const PATIENT = { clock: systemClock, firstMs: 1, giveUpMs: 20_000 };

let friend: Elsewhere;
let far: TestRegistry;
let line: Flapping;
beforeEach(async () => {
  const noise = randomBytes(LARGE_BYTES);
  await writeNpz(join(source, 'calibration.npz'), new Map([['in_input', makeTensor('uint8', [LARGE_BYTES / 64, 1, 8, 8], noise)]]));
  await registry.build(source, { admit });
  friend = await elsewhere(join(dir, 'friend'), keys);
  far = await testRegistry();
});
afterEach(async () => {
  await line.close();
  await far.remove();
  friend.close();
});

/** Lives that differ, the same in every run. */
function lives(least: number, most: number): () => number {
  let seed = 42;
  return () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return least + (seed % (most - least));
  };
}

test('a push and a pull', async () => {
  line = await flapping(far.port, lives(200_000, 5_000_000));
  const repositories = openRepositories({ store, clock: systemClock });
  const memory = openRegistryMemory(join(dir, 'memory.db'), systemClock);
  const client = await clientTo(line.host);
  const content = await repositories.content('digits', '1.0.0');
  const pushed = await pushBundle(client, content, { retries: PATIENT, tag: '1.0.0', memory: memory.uploads(line.host, 'digits'), mountFrom: () => [] });
  expect(pushed.bytesTotal).toBeGreaterThan(LARGE_BYTES);
  expect(line.cuts).toBeGreaterThan(2);
  // What was cut off within a piece was kept by the registry: little went twice.
  expect(line.sent).toBeLessThan(pushed.bytesTotal * 1.6);
  const cuts = line.cuts;

  const source = await openPullSource(client, { host: line.host, repository: 'digits', tag: '1.0.0' }, PATIENT);
  expect(await friend.registry.receive(source, { admit })).toMatchObject({ digest: pushed.digest, state: 'sound', signed: true });
  expect(await friend.registry.verify('digits@1.0.0')).toMatchObject({ ok: true });
  expect(line.cuts).toBeGreaterThan(cuts);
  expect(line.received).toBeLessThan(pushed.bytesTotal * 1.3);
  client.close();
  repositories.close();
  memory.close();
});
