/** Registries behind a company's proxy: it is used, shown its own password and nothing else's, and left alone where it is said to be. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import bcrypt from 'bcryptjs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { asEdgewrightError } from '#contract';
import { openPullSource, openRegistryClient, type RegistryAccess } from '#core/distribution';
import { systemClock } from '#core/platform';
import { cli, throwAwayDir } from '../../lib/cli.ts';
import { testAuthority } from './certificates.ts';
import { QUICK } from './front.ts';
import { type Proxy, testProxy } from './proxy.ts';
import { buildSample, homeLike, serve, type Served } from './serve.ts';

let work: Awaited<ReturnType<typeof throwAwayDir>>;
let source: string;
let secure: Served;
let plain: Served;
beforeAll(async () => {
  work = await throwAwayDir('proxy');
  source = join(work.dir, 'source');
  await buildSample(source);
  const authority = await testAuthority();
  const issued = await authority.issue(['registry.test']);
  await writeFile(join(work.dir, 'ca.pem'), authority.certificate);
  await writeFile(join(work.dir, 'cert.pem'), issued.certificate);
  await writeFile(join(work.dir, 'key.pem'), issued.key);
  await writeFile(join(work.dir, 'htpasswd'), `anna:${bcrypt.hashSync('registry-s3cret', 8)}\n`);
  const tls = ['--tls-cert', join(work.dir, 'cert.pem'), '--tls-key', join(work.dir, 'key.pem'), '--htpasswd', join(work.dir, 'htpasswd')];
  secure = await serve(await homeLike(source, join(work.dir, 'secure')), ['--listen', '127.0.0.1:0', ...tls]);
  plain = await serve(await homeLike(source, join(work.dir, 'plain')), ['--listen', '127.0.0.1:0', '--htpasswd', join(work.dir, 'htpasswd')]);
});
afterAll(async () => {
  await secure.kill();
  await plain.kill();
  await work.remove();
});

let proxy: Proxy | undefined;
afterEach(async () => {
  await proxy?.close();
  proxy = undefined;
});

const portOf = ({ url }: Served) => Number(new URL(url).port);
const PROXY_SECRET = 'pr0xy-s3cret';
const login = (password = 'registry-s3cret') => ({ args: ['--username', 'anna', '--password-stdin', '--json'], input: `${password}\n` });
const codeOf = ({ json }: { json(): unknown }) => (json() as { error?: { code: string } }).error?.code;

/** Neither what was printed nor any file of the workspace may hold these. */
async function nowhere(home: string, output: string, ...secrets: string[]): Promise<void> {
  for (const secret of secrets) expect(output).not.toContain(secret);
  for (const entry of await readdir(home, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const bytes = await readFile(join(entry.parentPath, entry.name));
    for (const secret of secrets) expect(bytes.includes(secret), `${entry.name} holds ${secret}`).toBe(false);
  }
}

describe('HTTPS_PROXY', { timeout: 180_000 }, () => {
  test('is tunnelled through, with its password, to push and to pull', async () => {
    proxy = await testProxy({ 'registry.test:443': portOf(secure) }, `carl:${PROXY_SECRET}`);
    const env = { HTTPS_PROXY: `http://carl:${PROXY_SECRET}@127.0.0.1:${proxy.port}` };
    const { args, input } = login();
    const ca = ['--ca-file', join(work.dir, 'ca.pem')];
    const pushed = await cli(['bundle', 'push', 'digits@1.0.0', 'registry.test/digits:1.0.0', ...ca, ...args], { home: source, env, input });
    expect([pushed.code, pushed.stderr]).toEqual([0, expect.any(String)]);
    const home = await homeLike(source, join(work.dir, 'through-tunnel'));
    const pulled = await cli(['bundle', 'pull', 'registry.test/digits:1.0.0', ...ca, ...args], { home, env, input });
    expect([pulled.code, pulled.json()]).toMatchObject([0, { state: 'sound', signed: true }]);
    expect(proxy.seen.length).toBeGreaterThan(1);
    expect(new Set(proxy.seen)).toEqual(new Set(['CONNECT registry.test:443']));
    expect(new Set(proxy.shown)).toEqual(new Set([`Basic ${Buffer.from(`carl:${PROXY_SECRET}`).toString('base64')}`]));
    await nowhere(home, pulled.stdout + pulled.stderr, PROXY_SECRET, 'registry-s3cret');
    await nowhere(source, pushed.stdout + pushed.stderr, PROXY_SECRET, 'registry-s3cret');
  });

  test.each<[string, (port: number) => Record<string, string>, string]>([
    [
      'that wants another password says so, and not which was shown',
      (port) => ({ HTTPS_PROXY: `http://carl:wr0ng-s3cret@127.0.0.1:${port}` }),
      'network.proxy',
    ],
    ['that does not know the registry', (port) => ({ HTTPS_PROXY: `http://carl:${PROXY_SECRET}@127.0.0.1:${port}` }), 'network.proxy'],
  ])('%s', async (_what, envFor, code) => {
    proxy = await testProxy({}, `carl:${PROXY_SECRET}`);
    const { args, input } = login();
    const home = join(work.dir, 'failing');
    const failed = await cli(['bundle', 'pull', 'registry.test/digits:1.0.0', ...args], { home, env: envFor(proxy.port), input });
    expect([failed.code, codeOf(failed)]).toEqual([4, code]);
    await nowhere(home, failed.stdout + failed.stderr, 'wr0ng-s3cret', PROXY_SECRET, 'registry-s3cret');
  });

  /** Asks with little patience. @returns why it failed */
  async function failing(proxies: RegistryAccess['proxies']): Promise<unknown> {
    const at = { host: 'registry.test', repository: 'digits', tag: '1.0.0' };
    const client = await openRegistryClient(at, { proxies, dockerConfig: join('/', 'nowhere') }, { clock: systemClock, actions: 'pull' });
    try {
      return await openPullSource(client, at, QUICK).then(
        () => undefined,
        (error: unknown) => error,
      );
    } finally {
      client.close();
    }
  }

  test('that is not there is said to be so, without its password', async () => {
    const error = await failing({ HTTPS_PROXY: 'http://carl:wr0ng-s3cret@127.0.0.1:1' });
    expect(error).toMatchObject({ code: 'network.unreachable' });
    expect(inspect(asEdgewrightError(error).toBody())).not.toContain('wr0ng-s3cret');
  });

  test('is not used for what NO_PROXY names, nor for this computer', async () => {
    proxy = await testProxy({ 'registry.test:443': portOf(secure) });
    const url = `http://127.0.0.1:${proxy.port}`;
    expect(await failing({ HTTPS_PROXY: url, HTTP_PROXY: url, NO_PROXY: 'other.example,registry.test' })).toMatchObject({ code: 'network.unreachable' });
    const { args, input } = login();
    const env = { HTTPS_PROXY: url, HTTP_PROXY: url };
    const own = await cli(['bundle', 'push', 'digits@1.0.0', `${plain.address}/digits:1.0.0`, ...args], { home: source, env, input });
    expect(own.code).toBe(0);
    expect(proxy.seen).toEqual([]);
  });
});

test('HTTP_PROXY passes on plain requests where those were asked for, and never its own password', async () => {
  proxy = await testProxy({ 'registry.test': portOf(plain) }, `carl:${PROXY_SECRET}`);
  const { args, input } = login();
  const env = { http_proxy: `http://carl:${PROXY_SECRET}@localhost:${proxy.port}` };
  const pushed = await cli(['bundle', 'push', 'digits@1.0.0', 'registry.test/digits:1.0.0', '--plain-http', ...args], { home: source, env, input });
  expect([pushed.code, pushed.stderr]).toEqual([0, expect.any(String)]);
  expect(proxy.seen).toContain('PUT http://registry.test/v2/digits/manifests/1.0.0');
  expect(JSON.stringify(proxy.passed)).not.toContain(Buffer.from(`carl:${PROXY_SECRET}`).toString('base64'));
});

test('what a registry redirects to is fetched through the proxy too, wherever that stands', async () => {
  const storage = createServer((asked, answer) => void answer.end(`stored ${asked.headers.authorization ?? 'for anybody'}`));
  const registry = createServer((asked, answer) => {
    if (asked.headers.authorization === undefined) return void answer.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    answer.writeHead(307, { location: 'http://registry.test:81/it' }).end();
  });
  const [registryPort, storagePort] = await Promise.all([registry, storage].map(listening));
  try {
    proxy = await testProxy({ 'registry.test': registryPort ?? 0, 'registry.test:81': storagePort ?? 0 });
    const access = { plainHttp: true, proxies: { HTTP_PROXY: `http://localhost:${proxy.port}` }, login: { user: 'anna', password: 'registry-s3cret' } };
    const client = await openRegistryClient({ host: 'registry.test', repository: 'digits' }, access, { clock: systemClock, actions: 'pull' });
    expect(String((await client.request('GET', '/v2/digits/blobs/x')).body)).toBe('stored for anybody');
    client.close();
    expect(proxy.seen.at(-1)).toBe('GET http://registry.test:81/it');
  } finally {
    for (const server of [registry, storage]) server.close();
  }
});

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
