/** A long push over tokens that end while it goes on, from servers that would like more of us than we came for. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStore } from '#core/bundles';
import { openRegistryClient, openRegistryMemory, openRepositories, pushBundle } from '#core/distribution';
import { systemClock } from '#core/platform';
import { type Elsewhere, elsewhere } from '../bundles/sources.ts';
import { admit, dir, keys, registry, source, store } from '../bundles/workspace.ts';
import { clientTo, type Front, frontOf, QUICK, send, sourceAt } from './front.ts';

const login = { user: 'anna', password: 's3cret' };
const BASIC = `Basic ${Buffer.from('anna:s3cret').toString('base64')}`;

let front: Front;
let friend: Elsewhere;
let tokens: Server;
let tokensAt: string;
/** Questions to the token server. */
let asked: { url: URL; authorization: string | undefined }[];
/** The number of the token that counts now. */
let current: number;

beforeEach(async () => {
  await registry.build(source, { admit });
  friend = await elsewhere(join(dir, 'friend'), keys);
  front = await frontOf(await openStore(join(dir, 'far')));
  asked = [];
  current = 0;
  tokens = createServer((request, response) => {
    asked.push({ url: new URL(request.url ?? '', 'http://x'), authorization: request.headers.authorization });
    send(response, 200, JSON.stringify({ token: `token.${current}`, expires_in: 300, scope: 'registry:catalog:*' }));
  });
  tokens.listen(0, '127.0.0.1');
  await once(tokens, 'listening');
  tokensAt = `http://127.0.0.1:${(tokens.address() as AddressInfo).port}/token`;
});
afterEach(async () => {
  tokens.closeAllConnections();
  tokens.close();
  await front.close();
  friend.close();
});

const challenge = () => ({
  'www-authenticate': `Bearer realm="${tokensAt}",service="registry",scope="repository:digits:* repository:others/secret:pull,push,delete registry:catalog:*",error="invalid_token"`,
});
const isCurrent = (request: IncomingMessage) => request.headers.authorization === `Bearer token.${current}`;

test('a token that ends in the middle is renewed, for what we came for and no more', async () => {
  let uses = 0;
  front.misbehave = (request, response) => {
    if (isCurrent(request) && uses++ < 7) return false;
    if (uses >= 7) current += 1;
    uses = 0;
    return send(response, 401, '{"errors":[{"code":"UNAUTHORIZED"}]}', challenge());
  };
  const client = await clientTo(front.host, { login });
  const repositories = openRepositories({ store, clock: systemClock });
  const memory = openRegistryMemory(join(dir, 'memory.db'), systemClock);
  const content = await repositories.content('digits', '1.0.0');
  const pushed = await pushBundle(client, content, {
    retries: { ...QUICK, giveUpMs: 10_000 },
    tag: '1.0.0',
    memory: memory.uploads(front.host, 'digits'),
    mountFrom: () => [],
  });
  client.close();
  repositories.close();
  memory.close();
  expect(current).toBeGreaterThan(3);
  expect(asked.length).toBeGreaterThan(3);
  for (const { url, authorization } of asked) {
    expect(url.searchParams.getAll('scope')).toEqual(['repository:digits:pull,push']);
    expect(authorization).toBe(BASIC);
  }
  expect(front.headers.some((headers) => headers.authorization === BASIC)).toBe(false);
  front.misbehave = () => false;
  expect(await friend.registry.receive(await sourceAt(front.host), { admit })).toMatchObject({ digest: pushed.digest, state: 'sound' });
});

test('a token whose time has come is renewed before it is refused, once for many requests', async () => {
  let now = 0;
  let refused = 0;
  front.misbehave = (request, response) => {
    if (isCurrent(request)) return false;
    refused += 1;
    return send(response, 401, '{"errors":[{"code":"UNAUTHORIZED"}]}', challenge());
  };
  const clock = { ...systemClock, monotonic: () => now };
  const client = await openRegistryClient({ host: front.host, repository: 'digits' }, { plainHttp: true, login }, { clock, actions: 'pull' });
  const ask = () => client.request('GET', '/v2/digits/tags/list');
  await ask();
  expect([refused, asked.length]).toEqual([1, 1]);
  now += 295_000;
  current = 1;
  await Promise.all([ask(), ask(), ask(), ask()]);
  client.close();
  expect([refused, asked.length]).toEqual([1, 2]);
});
