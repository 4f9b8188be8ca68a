/** Who may talk to the engine: one negative test for each point of the loopback server's defence. */
import { once } from 'node:events';
import { readFile, rm, stat } from 'node:fs/promises';
import { mkdtemp } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/websocket';
import type { ContractRouterClient } from '@orpc/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import type { Contract } from '#contract';
import { type Engine, startEngine } from '../../../app/engine/engine.ts';

let home: string;
let engine: Engine;
let port: number;
let token: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'edgewright-server-'));
  engine = await startEngine({ home, practice: false, sample: false });
  const url = new URL(engine.link);
  port = Number(url.port);
  token = url.hash.slice(1);
});
afterAll(async () => {
  await engine.close();
  await rm(home, { recursive: true, force: true });
});

function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<{ status: number; headers: Record<string, unknown>; body: string }> {
  return new Promise((resolve, reject) => {
    const req = request({ host: '127.0.0.1', port, path, method, headers, setHost: headers.host === undefined }, (res) => {
      let body = '';
      res.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body }));
    });
    req.on('error', reject);
    req.end();
  });
}

/** What became of a connection: the HTTP status that refused it, the close code, or the first message. */
function socket(
  first: string | Buffer | undefined,
  options: { headers?: Record<string, string>; origin?: string; path?: string } = {},
): Promise<{ refused?: number; closed?: number; message?: string }> {
  return new Promise((resolve) => {
    const ws = new WebSocket(`ws://127.0.0.1:${port}${options.path ?? '/rpc'}`, {
      headers: options.headers,
      ...(options.origin !== undefined && { origin: options.origin }),
    });
    ws.on('unexpected-response', (_req, res) => resolve({ refused: res.statusCode ?? 0 }));
    ws.on('error', () => {});
    ws.on('open', () => {
      if (first !== undefined) ws.send(first);
    });
    ws.on('message', (data: Buffer) => {
      resolve({ message: data.toString() });
      ws.close();
    });
    ws.on('close', (code) => resolve({ closed: code }));
  });
}

const hello = () => JSON.stringify({ token });

/** A client that was let in; with an origin it is a page. */
async function client(origin?: string): Promise<{ client: ContractRouterClient<Contract>; close: () => void }> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}/rpc`, origin === undefined ? {} : { origin });
  ws.once('open', () => ws.send(hello()));
  await once(ws, 'message');
  return { client: createORPCClient(new RPCLink({ websocket: ws as unknown as globalThis.WebSocket })), close: () => ws.close() };
}

describe('the loopback server', () => {
  test('writes down who did what: a page is the desktop, a client without a page the command line', async () => {
    const [page, program] = await Promise.all([client(`http://127.0.0.1:${port}`), client()]);
    await page.client.bundles.buildSample();
    await program.client.bundles.remove({ ref: 'digits@1.0.0' });
    const log = await page.client.activity.list({ limit: 2 });
    expect(log.map(({ kind, actor }) => `${kind} by ${actor}`)).toEqual(['bundle.removed by command line', 'bundle.built by desktop']);
    page.close();
    program.close();
  });

  test('lets in who has the token', async () => {
    expect(await socket(hello())).toEqual({ message: '{"ok":true}' });
    expect(await socket(hello(), { origin: `http://127.0.0.1:${port}` })).toEqual({ message: '{"ok":true}' });
  });

  test.each(['evil.example', 'evil.example:80', '127.0.0.1', '127.0.0.1:1', '[::1]'])('refuses the Host %j (DNS rebinding)', async (host) => {
    expect((await get('/', { host })).status).toBeGreaterThanOrEqual(400);
    expect(await socket(hello(), { headers: { host } })).toEqual({ refused: expect.any(Number) as number });
  });

  test.each(['http://evil.example', 'null', 'https://127.0.0.1', 'http://127.0.0.1', 'http://127.0.0.1:1', 'file://'])(
    'refuses a WebSocket of the page %j',
    async (origin) => {
      expect(await socket(hello(), { origin })).toEqual({ refused: 403 });
    },
  );

  test.each([
    ['a wrong token', JSON.stringify({ token: 'x'.repeat(43) })],
    ['no JSON', 'hello'],
    ['no token', '{}'],
    ['a token of another type', '{"token":1}'],
    ['bytes', Buffer.alloc(100)],
  ])('closes on %s as the first message', async (_what, first) => {
    expect(await socket(first)).toEqual({ closed: 4001 });
  });

  test('closes when no token comes in time', async () => {
    expect(await socket(undefined)).toEqual({ closed: 4001 });
  });

  test('does not answer a call before the token', async () => {
    expect(await socket(JSON.stringify({ i: '1', p: { u: '/system/status' } }))).toEqual({ closed: 4001 });
  });

  test('refuses a message beyond its bound', async () => {
    expect(await socket(Buffer.alloc(35 * 1024 * 1024))).toEqual({ closed: 1009 });
  });

  test('has one path for sockets, and none to change anything over plain HTTP', async () => {
    expect(await socket(hello(), { path: '/other' })).toEqual({ refused: 404 });
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) expect((await get('/', {}, method)).status).toBe(405);
  });

  test('never gives out a file beside the screens', async () => {
    for (const path of [
      '/../package.json',
      '/..%2f..%2fpackage.json',
      '/%2e%2e/%2e%2e/etc/passwd',
      '//etc/passwd',
      '/\0',
      '/%zz',
      '/assets/../../package.json',
    ]) {
      const answer = await get(path).catch(() => ({ status: 400, body: '' }));
      expect([400, 404]).toContain(answer.status);
      expect(answer.body).not.toContain('edgewright"');
    }
  });

  test('sends the headers that keep other pages out, and no CORS', async () => {
    const { headers } = await get('/');
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(headers['content-security-policy']).not.toContain('unsafe');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['referrer-policy']).toBe('no-referrer');
    expect(headers['cross-origin-resource-policy']).toBe('same-origin');
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect(Object.keys(headers)).not.toContain('set-cookie');
  });

  test('listens on 127.0.0.1 only', async () => {
    const others = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).filter((a) => !a.internal && a.family === 'IPv4').map((a) => a.address));
    for (const host of others) {
      const reached = await new Promise<boolean>((resolve) => {
        const client = connect({ host, port, timeout: 1000 });
        client.on('connect', () => resolve(true));
        client.on('error', () => resolve(false));
        client.on('timeout', () => resolve(false));
      });
      expect(reached).toBe(false);
    }
  });

  test('keeps its token where only its owner can read it, and out of the log', async () => {
    const info = await stat(join(home, 'engine.json'));
    if (process.platform !== 'win32') expect(info.mode & 0o077).toBe(0);
    expect(await readFile(join(home, 'logs', 'engine.log'), 'utf8').catch(() => '')).not.toContain(token);
  });

  test('a flood of connections without a token does not lock out who has it', async () => {
    const flood = Array.from({ length: 40 }, () => new WebSocket(`ws://127.0.0.1:${port}/rpc`));
    for (const ws of flood) ws.on('error', () => {});
    await Promise.all(flood.map((ws) => new Promise((resolve) => ws.once('open', resolve).once('error', resolve))));
    for (const ws of flood) ws.terminate();
    await expect.poll(() => socket(hello()), { timeout: 5_000 }).toEqual({ message: '{"ok":true}' });
  });

  test('a client that calls and never reads is cut off, and the engine goes on', async () => {
    const ws = new WebSocket(`ws://127.0.0.1:${port}/rpc`);
    ws.on('error', () => {});
    await new Promise((resolve) => ws.once('open', resolve));
    ws.send(hello());
    await new Promise((resolve) => ws.once('message', resolve));
    ws.pause();
    const closed = new Promise<void>((resolve) => ws.once('close', () => resolve()));
    // Each answer names the unknown job again: 1,000 calls of 100 kB are more than may wait unread.
    const id = 'x'.repeat(150);
    const call = (n: number) => JSON.stringify({ i: `${n}-${'y'.repeat(100_000)}`, p: { u: '/jobs/get', b: { json: { id } } } });
    for (let n = 0; n < 2_000 && ws.readyState === WebSocket.OPEN; n++) {
      ws.send(call(n));
      if (n % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    ws.resume();
    await closed;
    expect(await socket(hello())).toEqual({ message: '{"ok":true}' });
  });

  test('a second engine on the same workspace answers with the link of the first', async () => {
    const second = await startEngine({ home, practice: false, sample: false });
    expect(second).toMatchObject({ already: true, link: engine.link });
  });
});
