/**
 * Bundles carried by tools of others: crane, oras, regctl and skopeo between two of our registries and Docker's, and by a disk.
 * However they came, they are whole, signed and in use. What is not on the PATH is skipped, by name.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { buildSample, homeLike, referrersOf, serve, type Served } from '../../integration/distribution/serve.ts';
import { cli, throwAwayDir } from '../../lib/cli.ts';
import { CARRIES, COPIES, dockerRegistry, type DockerRegistry, isOnPath } from './tools.ts';
import { httpTo, INDEX } from '../../integration/distribution/registry.ts';

const present = new Map<string, boolean>();
for (const name of [...Object.keys(COPIES), 'registry-v2', 'registry-v3']) present.set(name, await isOnPath(name));
const has = (name: string) => present.get(name) ?? false;
const reason = (...names: string[]) => {
  const missing = names.filter((name) => !has(name));
  return missing.length === 0 ? '' : ` (skipped: no ${missing.join(', no ')} on the PATH)`;
};

let work: Awaited<ReturnType<typeof throwAwayDir>>;
let source: string;
let from: Served;
let index: string;
let variant: string;
let signatures: string[];
beforeAll(async () => {
  work = await throwAwayDir('tools');
  source = join(work.dir, 'source');
  ({ index, variant } = await buildSample(source));
  from = await serve(source);
  signatures = await referrersOf(from.http, 'digits', variant);
  expect(signatures.length).toBeGreaterThan(0);
});
afterAll(async () => {
  await from.stop();
  await work.remove();
});

let count = 0;
let home: string;
let dir: string;
let to: Served;
beforeEach(async () => {
  dir = join(work.dir, String(count++));
  home = await homeLike(source, join(dir, 'home'));
  to = await serve(home);
});
afterEach(() => to.kill());

const ref = (host: string, repository = 'digits') => `${host}/${repository}:1.0.0`;

/**
 * The bundle is in the second workspace as it was in the first: whole, signed, in use.
 * @param rewritten the tool writes the index anew, as skopeo before 1.14 does; what is signed, the variants, it leaves as they are
 */
async function arrived(rewritten = false): Promise<void> {
  const shown = (await cli(['bundle', 'show', 'digits@1.0.0', '--json'], { home })).json();
  expect(shown).toMatchObject({ ok: true, state: 'sound', signed: true, variants: [{ digest: variant }], ...(!rewritten && { digest: index }) });
  const verified = await cli(['bundle', 'verify', 'digits@1.0.0', '--json'], { home });
  expect([verified.code, verified.stderr]).toEqual([0, '']);
  expect(await referrersOf(to.http, 'digits', variant)).toEqual(expect.arrayContaining(signatures));
}

for (const [name, copy] of Object.entries(COPIES)) {
  describe.skipIf(!has(name))(`${name}${reason(name)}`, () => {
    test('from one of our registries to another', async () => {
      await copy(ref(from.address), ref(to.address), dir);
      await arrived(name === 'skopeo');
      // A second time it has nothing to do, and breaks nothing.
      await copy(ref(from.address), ref(to.address), dir);
      await arrived(name === 'skopeo');
    });

    test('by a disk', async () => {
      await CARRIES[name]?.(ref(from.address), ref(to.address), dir);
      await arrived(name === 'skopeo');
    });

    test('under another name, and from there', async () => {
      await copy(ref(from.address), ref(to.address, 'team/copies/digits'), dir);
      expect((await cli(['bundle', 'list', '--json'], { home })).json()).toMatchObject({ bundles: [] });
      await copy(ref(to.address, 'team/copies/digits'), ref(to.address), dir);
      await arrived(name === 'skopeo');
    });
  });
}

for (const program of ['registry-v2', 'registry-v3']) {
  describe.skipIf(!has(program))(`Docker's ${program}${reason(program)}`, () => {
    let docker: DockerRegistry;
    beforeEach(async () => {
      const at = join(dir, program);
      await mkdir(at);
      docker = await dockerRegistry(program, at);
    });
    afterEach(() => docker.stop());

    const push = async () => {
      const pushed = await cli(['bundle', 'push', 'digits@1.0.0', ref(docker.host, 'models/digits'), '--json'], { home: source });
      expect([pushed.code, pushed.stderr]).toEqual([0, expect.any(String)]);
      return pushed.json() as { digest: string; bytesSent: number; bytesTotal: number; referrers: string };
    };
    const pull = async (rewritten = false) => {
      const pulled = await cli(['bundle', 'pull', ref(docker.host, 'models/digits'), '--json'], { home });
      expect([pulled.code, pulled.json()]).toMatchObject([0, { ok: true, signed: true, state: 'sound', ...(!rewritten && { digest: index }) }]);
    };

    test('push and pull, signatures by the tag that stands in for the referrers API', async () => {
      const pushed = await push();
      expect(pushed).toMatchObject({ digest: index, referrers: 'tag' });
      expect(pushed.bytesSent).toBe(pushed.bytesTotal);
      expect(await push()).toMatchObject({ bytesSent: 0 });
      await pull();
      await arrived();
      const http = httpTo(Number(docker.host.split(':')[1]));
      const list = (await http('GET', `/v2/models/digits/manifests/${variant.replace(':', '-')}`, { headers: { accept: INDEX } })).json() as {
        manifests: { digest: string }[];
      };
      expect(list.manifests.map((one) => one.digest)).toEqual(expect.arrayContaining(signatures));
    });

    for (const [name, copy] of Object.entries(COPIES)) {
      test.skipIf(!has(name))(`between it and ours, by ${name}${reason(name)}`, async () => {
        await copy(ref(from.address), ref(docker.host, 'models/digits'), dir);
        await pull(name === 'skopeo');
        await arrived(name === 'skopeo');
      });

      test.skipIf(!has(name))(`what was pushed there, into ours by ${name}${reason(name)}`, async () => {
        await push();
        await copy(ref(docker.host, 'models/digits'), ref(to.address), dir);
        await arrived(name === 'skopeo');
      });
    }
  });
}
