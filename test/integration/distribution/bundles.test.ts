/** Bundles as repositories: what one workspace serves, another takes in as a bundle. */
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { cli, throwAwayDir } from '../../lib/cli.ts';
import { codeOf, INDEX } from './registry.ts';
import { buildSample, copyTree, homeLike, referrersOf, serve, type Served } from './serve.ts';

let work: Awaited<ReturnType<typeof throwAwayDir>>;
let source: string;
let from: Served;
let index: string;
let variant: string;
beforeAll(async () => {
  work = await throwAwayDir('registry');
  source = join(work.dir, 'source');
  ({ index, variant } = await buildSample(source));
  from = await serve(source);
});
afterAll(async () => {
  expect(await from.stop()).toBe(0);
  await work.remove();
});

let count = 0;
let home: string;
let to: Served;
beforeEach(async () => {
  home = await homeLike(source, join(work.dir, `home-${count++}`));
  to = await serve(home, ['--listen', '127.0.0.1:0', '--allow-delete']);
});
afterEach(() => to.kill());

const show = async () =>
  (await cli(['bundle', 'show', 'digits@1.0.0', '--json'], { home })).json() as { ok: boolean; state?: string; signed?: boolean; digest?: string };
const list = async () => (await cli(['bundle', 'list', '--json'], { home })).json() as { bundles: { state: string }[] };

test('a bundle is a repository: its versions are tags, its signature and its bill of materials refer to its variant', async () => {
  expect((await from.http('GET', '/v2/digits/tags/list')).json()).toEqual({ name: 'digits', tags: ['1.0.0'] });
  expect(await from.http('HEAD', '/v2/digits/manifests/1.0.0')).toMatchObject({
    status: 200,
    headers: { 'docker-content-digest': index, 'content-type': INDEX },
  });
  expect((await from.http('GET', `/v2/digits/manifests/${variant}`)).status).toBe(200);
  // The bill is two: the document, and the signed statement of it.
  expect(await referrersOf(from.http, 'digits', variant)).toHaveLength(3);
  expect((await from.http('GET', '/v2/_catalog')).json()).toEqual({ repositories: ['digits'] });
});

test('pushed with its signature first, it is a sound bundle as soon as its tag is there', async () => {
  await copyTree(from.http, to.http, 'digits', variant);
  for (const signature of await referrersOf(from.http, 'digits', variant)) await copyTree(from.http, to.http, 'digits', signature);
  expect((await list()).bundles).toEqual([]);
  expect(await copyTree(from.http, to.http, 'digits', index, '1.0.0')).toBe(201);
  expect(await show()).toMatchObject({ ok: true, state: 'sound', signed: true, digest: index });
  expect((await cli(['bundle', 'verify', 'digits@1.0.0'], { home })).code).toBe(0);
  expect(await referrersOf(to.http, 'digits', variant)).toEqual(await referrersOf(from.http, 'digits', variant));
  // Taken up by the bundle, nothing of it is kept a second time: removing the bundle frees it all.
  expect((await cli(['bundle', 'remove', 'digits@1.0.0'], { home })).code).toBe(0);
  expect((await to.http('GET', '/v2/digits/tags/list')).status).toBe(404);
  expect((await to.http('GET', `/v2/digits/manifests/${variant}`)).status).toBe(404);
});

test('pushed without its signature it is quarantined, and released when the signature comes', async () => {
  await copyTree(from.http, to.http, 'digits', variant);
  const document = (await from.http('GET', `/v2/digits/manifests/${index}`)).json() as { manifests: { digest: string }[] };
  const unsigned = { ...document, manifests: document.manifests.filter((one) => one.digest === variant) };
  expect((await to.http('PUT', '/v2/digits/manifests/1.0.0', { body: JSON.stringify(unsigned), headers: { 'content-type': INDEX } })).status).toBe(201);
  expect(await show()).toMatchObject({ state: 'quarantined', signed: false });
  for (const signature of await referrersOf(from.http, 'digits', variant)) await copyTree(from.http, to.http, 'digits', signature);
  expect(await show()).toMatchObject({ state: 'sound', signed: true });
});

test('what is pushed under another name or tag is kept as it is and is no bundle', async () => {
  for (const repository of ['team/digits', 'other']) {
    const http: typeof from.http = (method, path, asked) => from.http(method, path.replace(`/v2/${repository}/`, '/v2/digits/'), asked);
    expect(await copyTree(http, to.http, repository, index, '1.0.0')).toBe(201);
    expect(await to.http('HEAD', `/v2/${repository}/manifests/1.0.0`)).toMatchObject({ status: 200, headers: { 'docker-content-digest': index } });
  }
  expect(await copyTree(from.http, to.http, 'digits', index, 'latest')).toBe(201);
  expect((await list()).bundles).toEqual([]);
});

test('a bundle that is not what it says is refused, and its tag with it', async () => {
  await copyTree(from.http, to.http, 'digits', index);
  const document = (await from.http('GET', `/v2/digits/manifests/${index}`)).json() as { annotations: Record<string, string> };
  const renamed = { ...document, annotations: { ...document.annotations, 'dev.edgewright.version': '2.0.0' } };
  const answer = await to.http('PUT', '/v2/digits/manifests/2.0.0', { body: JSON.stringify(renamed), headers: { 'content-type': INDEX } });
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(codeOf(answer)).toMatch(/DENIED|MANIFEST_INVALID/);
  expect((await to.http('GET', '/v2/digits/manifests/2.0.0')).status).toBe(404);
  expect((await list()).bundles).toEqual([]);
});

test('deleting its tag or its index removes the bundle; parts of it stay', async () => {
  await copyTree(from.http, to.http, 'digits', index, '1.0.0');
  const [signature] = await referrersOf(from.http, 'digits', variant);
  await copyTree(from.http, to.http, 'digits', signature ?? '');
  expect((await to.http('DELETE', `/v2/digits/manifests/${variant}`)).status).toBe(405);
  expect((await to.http('DELETE', `/v2/digits/manifests/${index}`)).status).toBe(202);
  expect((await to.http('GET', '/v2/digits/manifests/1.0.0')).status).toBe(404);
  expect((await list()).bundles).toEqual([]);
});
