/** The command line killed in the middle of a push and of a pull: run again, it goes on, and little crosses the line twice. */
import { randomBytes } from 'node:crypto';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeTensor, writeNpz } from '#core/datasets';
import { homeLike, serve, type Served } from '../../integration/distribution/serve.ts';
import { cli, ROOT, throwAwayDir } from '../../lib/cli.ts';
import { type Flapping, flapping } from './flapping.ts';

const MIB = 1024 * 1024;
/** More than one piece of an upload (8 MiB). */
const LARGE_BYTES = 24 * MIB;

let work: Awaited<ReturnType<typeof throwAwayDir>>;
let home: string;
let far: Served;
let line: Flapping;
beforeAll(async () => {
  work = await throwAwayDir('killed-client');
  home = join(work.dir, 'home');
  const source = join(work.dir, 'source');
  await cp(join(ROOT, 'assets', 'sample-bundle'), source, { recursive: true });
  await writeNpz(join(source, 'calibration.npz'), new Map([['in_input', makeTensor('uint8', [LARGE_BYTES / 64, 1, 8, 8], randomBytes(LARGE_BYTES))]]));
  expect((await cli(['bundle', 'build', source], { home })).code).toBe(0);
  far = await serve(await homeLike(home, join(work.dir, 'far')));
  line = await flapping(Number(new URL(far.url).port), () => Number.POSITIVE_INFINITY);
});
afterAll(async () => {
  await line.close();
  await far.kill();
  await work.remove();
});

/** Runs a command and kills it as soon as that many bytes have crossed the line. */
async function killedAfter(args: string[], at: string, count: () => number, bytes: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const killed = await cli(args, {
    home: at,
    onStart: (pid) => {
      timer = setInterval(() => {
        if (count() >= bytes) process.kill(pid, 'SIGKILL');
      }, 5);
    },
  });
  clearInterval(timer);
  expect(killed.code, killed.stdout).toBeNull();
}

test('a push', async () => {
  const args = ['bundle', 'push', 'digits@1.0.0', `${line.host}/digits:1.0.0`, '--json'];
  await killedAfter(args, home, () => line.sent, 18 * MIB);
  expect((await far.http('GET', '/v2/digits/manifests/1.0.0')).status).toBe(404);
  const before = line.sent;
  const pushed = await cli(args, { home });
  expect([pushed.code, pushed.json()]).toMatchObject([0, { ok: true }]);
  // Two whole pieces were acknowledged before.
  expect(line.sent - before).toBeLessThan(LARGE_BYTES - 15 * MIB);
  expect((await cli(['bundle', 'show', 'digits@1.0.0', '--json'], { home: join(work.dir, 'far') })).json()).toMatchObject({ state: 'sound', signed: true });
});

test('a pull', async () => {
  const third = await homeLike(home, join(work.dir, 'third'));
  // How far it has come is noted each 5 s: so slow that there is such a note.
  const slow = await flapping(Number(new URL(far.url).port), () => Number.POSITIVE_INFINITY, 25);
  const pull = (host: string) => ['bundle', 'pull', `${host}/digits:1.0.0`, '--json'];
  await killedAfter(pull(slow.host), third, () => slow.received, 20 * MIB);
  await slow.close();
  expect((await cli(['bundle', 'list', '--json'], { home: third })).json()).toMatchObject({ bundles: [] });
  const before = line.received;
  const pulled = await cli(pull(line.host), { home: third });
  expect([pulled.code, pulled.json()]).toMatchObject([0, { ok: true, state: 'sound', signed: true }]);
  expect(line.received - before).toBeLessThan(LARGE_BYTES - 8 * MIB);
});
