/** Two registries over one store, and an engine beside them on the same workspace. */
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli, throwAwayDir } from '../../lib/cli.ts';
import { startEngine } from '../../../app/engine/engine.ts';
import { codeOf, sha256 } from './registry.ts';
import { buildSample, copyTree, homeLike, referrersOf, serve, type Served } from './serve.ts';

let work: Awaited<ReturnType<typeof throwAwayDir>>;
let home: string;
let first: Served;
let second: Served;
let engine: Awaited<ReturnType<typeof startEngine>>;
let elsewhere: Served;
let index: string;
let variant: string;
beforeAll(async () => {
  work = await throwAwayDir('shared');
  const source = join(work.dir, 'source');
  ({ index, variant } = await buildSample(source));
  elsewhere = await serve(source);
  home = await homeLike(source, join(work.dir, 'home'));
  engine = await startEngine({ home, practice: false, sample: false });
  [first, second] = await Promise.all([serve(home), serve(home, ['--listen', '127.0.0.1:0', '--allow-delete'])]);
});
afterAll(async () => {
  await first.kill();
  await second.kill();
  await elsewhere.kill();
  await engine.close();
  await work.remove();
});

test('an upload that was begun at one is gone on with at the other', async () => {
  const { location = '' } = (await first.http('POST', '/v2/a/blobs/uploads/')).headers;
  expect((await first.http('PATCH', location, { body: 'one ', headers: { 'content-range': '0-3' } })).status).toBe(202);
  expect((await second.http('GET', location)).headers.range).toBe('0-3');
  expect((await second.http('PATCH', location, { body: 'two', headers: { 'content-range': '4-6' } })).status).toBe(202);
  const digest = sha256('one two');
  expect((await first.http('PUT', `${location}?digest=${digest}`)).status).toBe(201);
  for (const one of [first, second]) expect((await one.http('GET', `/v2/a/blobs/${digest}`)).body.toString()).toBe('one two');
});

test('while one works on an upload the other does not', async () => {
  const { location = '' } = (await first.http('POST', '/v2/a/blobs/uploads/')).headers;
  const socket = connect(Number(new URL(first.url).port), '127.0.0.1');
  socket.on('error', () => {});
  socket.write(`PATCH ${location} HTTP/1.1\r\nHost: ${first.address}\r\nContent-Length: 6\r\n\r\nabc`);
  await expect.poll(async () => (await second.http('GET', location)).status).toBe(429);
  const refused = await second.http('PATCH', location, { body: 'x' });
  expect([refused.status, codeOf(refused), refused.headers['retry-after']]).toEqual([429, 'TOOMANYREQUESTS', '1']);
  socket.destroy();
  await expect.poll(async () => (await second.http('GET', location)).headers.range).toBe('0-2');
  expect((await second.http('PUT', `${location}?digest=${sha256('abcdef')}`, { body: 'def' })).status).toBe(201);
});

test('a bundle pushed to one is taken in by the engine, served by both, and gone from both when it is removed', async () => {
  expect(await copyTree(elsewhere.http, second.http, 'digits', index, '1.0.0')).toBe(201);
  expect((await cli(['bundle', 'show', 'digits@1.0.0', '--json'], { home })).json()).toMatchObject({ ok: true, state: 'sound', signed: true });
  for (const one of [first, second]) {
    expect((await one.http('HEAD', '/v2/digits/manifests/1.0.0')).headers['docker-content-digest']).toBe(index);
    expect(await referrersOf(one.http, 'digits', variant)).not.toEqual([]);
  }
  // Only where it was allowed.
  expect((await first.http('DELETE', '/v2/digits/manifests/1.0.0')).status).toBe(405);
  expect((await second.http('DELETE', '/v2/digits/manifests/1.0.0')).status).toBe(202);
  for (const one of [first, second]) expect((await one.http('GET', '/v2/digits/manifests/1.0.0')).status).toBe(404);
  expect((await cli(['bundle', 'list', '--json'], { home })).json()).toMatchObject({ bundles: [] });
});
