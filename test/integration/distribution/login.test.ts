/** Logging in to registries: what is shown to whom, and what never leaves. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type RegistryAccess } from '#core/distribution';
import { throwAwayDir } from '../../lib/cli.ts';
import { clientTo, send } from './front.ts';

let work: Awaited<ReturnType<typeof throwAwayDir>>;
beforeAll(async () => {
  work = await throwAwayDir('login');
});
afterAll(() => work.remove());

interface Small {
  host: string;
  seen: { method: string; url: string; authorization: string | undefined; body: string }[];
  close(): void;
}

const open: Small[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

async function small(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<Small> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      one.seen.push({
        method: request.method ?? '',
        url: request.url ?? '',
        authorization: request.headers.authorization,
        body: Buffer.concat(parts).toString(),
      });
      handle(request, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const one: Small = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: [],
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  open.push(one);
  return one;
}

const login = { user: 'anna', password: 's3cret:ü' };
const BASIC = `Basic ${Buffer.from('anna:s3cret:ü').toString('base64')}`;
const wants = (header: string) => (request: IncomingMessage, response: ServerResponse) =>
  request.headers.authorization === undefined ? send(response, 401, '', { 'www-authenticate': header }) : send(response, 200, '{}');

async function ask(host: string, access: RegistryAccess = {}): Promise<number> {
  const client = await clientTo(host, access);
  try {
    return (await client.request('GET', '/v2/digits/tags/list')).status;
  } finally {
    client.close();
  }
}

describe('Basic', () => {
  test('is shown when it is asked for, and not before', async () => {
    const registry = await small(wants('Basic realm="x"'));
    expect(await ask(registry.host, { login })).toBe(200);
    expect(registry.seen.map((one) => one.authorization)).toEqual([undefined, BASIC]);
  });

  test('is shown once where it is not accepted', async () => {
    const registry = await small((_request, response) => send(response, 401, '', { 'www-authenticate': 'Basic realm="x"' }));
    expect(await ask(registry.host, { login })).toBe(401);
    expect(registry.seen).toHaveLength(2);
  });

  test('of Docker’s keeping is used where nobody is named', async () => {
    const registry = await small(wants('Basic realm="x"'));
    const dockerConfig = join(work.dir, 'docker');
    await mkdir(dockerConfig, { recursive: true });
    await writeFile(
      join(dockerConfig, 'config.json'),
      JSON.stringify({ auths: { [registry.host]: { auth: Buffer.from('anna:s3cret:ü').toString('base64') }, other: null } }),
    );
    expect(await ask(registry.host, { dockerConfig })).toBe(200);
    expect(registry.seen.at(-1)?.authorization).toBe(BASIC);
    await writeFile(join(dockerConfig, 'config.json'), '{"auths":');
    await expect(ask(registry.host, { dockerConfig })).rejects.toMatchObject({ code: 'usage.docker-config' });
  });
});

describe('tokens', () => {
  const bearer = (realm: string) => `Bearer realm="${realm}",service="registry",scope="repository:digits:pull"`;
  const answering = (body: unknown) => (_request: IncomingMessage, response: ServerResponse) => send(response, 200, String(JSON.stringify(body)));

  test('are fetched from the host of the registry with the password, and shown until they end', async () => {
    const tokens = await small(answering({ token: 'abc.def', expires_in: 300 }));
    const registry = await small(wants(bearer(`http://${tokens.host}/token`)));
    const client = await clientTo(registry.host, { login });
    for (let i = 0; i < 3; i++) expect((await client.request('GET', '/v2/digits/tags/list')).status).toBe(200);
    client.close();
    expect(tokens.seen).toHaveLength(1);
    const asked = new URL(tokens.seen[0]?.url ?? '', 'http://x');
    expect(tokens.seen[0]?.authorization).toBe(BASIC);
    expect(Object.fromEntries(asked.searchParams)).toEqual({ service: 'registry', scope: 'repository:digits:pull,push', account: 'anna' });
    expect(registry.seen.map((one) => one.authorization)).toEqual([undefined, ...Array<string>(3).fill('Bearer abc.def')]);
  });

  test('are fetched by whoever has no password too', async () => {
    const tokens = await small(answering({ access_token: 'anonymous' }));
    const registry = await small(wants(bearer(`http://${tokens.host}/token`)));
    expect(await ask(registry.host)).toBe(200);
    expect(tokens.seen[0]?.authorization).toBeUndefined();
  });

  test('are renewed when they are refused, and not for ever', async () => {
    const tokens = await small(answering({ token: 'abc' }));
    const registry = await small((_request, response) => send(response, 401, '', { 'www-authenticate': bearer(`http://${tokens.host}/token`) }));
    expect(await ask(registry.host, { login })).toBe(401);
    expect(tokens.seen.length).toBeLessThanOrEqual(2);
    expect(registry.seen.length).toBeLessThanOrEqual(3);
  });

  test.each([
    ['another host', 'https://evil.example/token', 'trust.token-elsewhere'],
    ['a host that only begins alike', 'https://127.0.0.1.evil.example/token', 'trust.token-elsewhere'],
    ['a host without TLS', 'http://evil.example/token', 'network.wrong-place'],
    ['a user in its name', 'http://127.0.0.1:80@evil.example/token', 'network.wrong-place'],
    ['a file', 'file:///etc/passwd', 'network.wrong-place'],
    ['the cloud’s own service', 'https://169.254.169.254/token', 'network.wrong-place'],
  ])('a password does not go to %s', async (_what, realm, code) => {
    const registry = await small(wants(bearer(realm)));
    await expect(ask(registry.host, { login })).rejects.toMatchObject({ code });
    expect(registry.seen.every((one) => one.authorization === undefined)).toBe(true);
  });

  test.each([
    ['with a line break', { token: 'a\r\nX-Evil: 1' }],
    ['that is none', { token: 7 }],
    ['that is missing', {}],
    ['that is empty', { token: '' }],
    ['without end', { token: 'a'.repeat(20_000) }],
    ['in too large an answer', { token: 'a', more: 'x'.repeat(100_000) }],
    ['that is no JSON', undefined],
  ])('a token %s is not taken', async (_what, body) => {
    const tokens = await small(answering(body));
    const registry = await small(wants(bearer(`http://${tokens.host}/token`)));
    await expect(ask(registry.host, { login })).rejects.toMatchObject({ code: 'network.wrong-answer' });
    expect(registry.seen).toHaveLength(1);
  });

  test.each(['Bearer', 'Bearer realm=', 'Digest realm="x"', '"'.repeat(5000), 'Bearer realm="http://[::1"', ''])(
    'a challenge of %j ends it',
    async (header) => {
      const registry = await small((_request, response) => send(response, 401, '', header === '' ? {} : { 'www-authenticate': header }));
      await ask(registry.host, { login }).then(
        (status) => expect(status).toBe(401),
        (error: unknown) => expect(error).toMatchObject({ owner: 'network' }),
      );
      expect(registry.seen.length).toBeLessThanOrEqual(2);
    },
  );
});

describe.skipIf(process.platform === 'win32')('credential helpers', () => {
  async function helper(script: string): Promise<{ dockerConfig: string; registry: Small }> {
    const registry = await small(wants('Basic realm="x"'));
    const dockerConfig = join(work.dir, `helper-${Math.random()}`);
    await mkdir(dockerConfig);
    await writeFile(join(dockerConfig, 'docker-credential-test'), `#!/bin/sh\n${script}\n`);
    await chmod(join(dockerConfig, 'docker-credential-test'), 0o755);
    await writeFile(join(dockerConfig, 'config.json'), JSON.stringify({ credsStore: 'test', auths: { [registry.host]: {} } }));
    process.env.PATH = `${dockerConfig}:${path}`;
    return { dockerConfig, registry };
  }
  const path = process.env.PATH ?? '';
  afterEach(() => {
    process.env.PATH = path;
  });

  test('are asked by name, without a shell', async () => {
    const { dockerConfig, registry } = await helper(`[ "$1" = get ] && read host && printf '{"ServerURL":"%s","Username":"anna","Secret":"s3cret:ü"}' "$host"`);
    expect(await ask(registry.host, { dockerConfig })).toBe(200);
    expect(registry.seen.at(-1)?.authorization).toBe(BASIC);
  });

  test('that know none lead to no login', async () => {
    const { dockerConfig, registry } = await helper('echo "credentials not found in native keychain"; exit 1');
    expect(await ask(registry.host, { dockerConfig })).toBe(401);
  });

  test.each([
    ['that fail', 'exit 3'],
    ['that answer nonsense', 'echo nonsense'],
    ['that answer without end', 'yes'],
  ])('%s are said to have failed', async (_what, script) => {
    const { dockerConfig, registry } = await helper(script);
    await expect(ask(registry.host, { dockerConfig })).rejects.toMatchObject({ code: 'machine.credential-helper', owner: 'machine' });
  });

  test('whose names are paths or commands are not run', async () => {
    const { dockerConfig, registry } = await helper('exit 0');
    for (const name of ['../../bin/sh', 'a b', 'x;touch y', '']) {
      await writeFile(join(dockerConfig, 'config.json'), JSON.stringify({ credsStore: name }));
      await ask(registry.host, { dockerConfig }).then(
        (status) => expect([status, name]).toEqual([401, '']),
        (error: unknown) => expect(error).toMatchObject({ code: 'machine.credential-helper' }),
      );
    }
  });
});
