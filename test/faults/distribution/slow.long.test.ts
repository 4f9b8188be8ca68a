/** Connections that are slow on purpose: each is cut off, and others are served meanwhile. */
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testRegistry, type TestRegistry } from '../../integration/distribution/registry.ts';

let registry: TestRegistry;
beforeAll(async () => {
  registry = await testRegistry();
});
afterAll(() => registry.remove());

/** Opens a connection that sends one byte of `text` each second; resolves once it is closed. */
async function drip(begin: string, text: string): Promise<void> {
  const socket: Socket = connect(registry.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  socket.write(begin);
  let at = 0;
  const timer = setInterval(() => socket.write(text[at++ % text.length] ?? ''), 1_000);
  await new Promise((resolve) => socket.once('close', resolve));
  clearInterval(timer);
}

test('one that sends nothing, one slow over its headers, and one slow over its body', async () => {
  const { headers } = await registry.http('POST', '/v2/a/blobs/uploads/');
  const body = `PATCH ${headers.location} HTTP/1.1\r\nHost: 127.0.0.1:${registry.port}\r\nContent-Length: 1000000\r\n\r\n`;
  const slow = [drip('', ''), drip(`GET /v2/ HTTP/1.1\r\nHost: 127.0.0.1:${registry.port}\r\nX: `, 'a'), ...Array.from({ length: 20 }, () => drip(body, 'a'))];
  expect((await registry.http('GET', '/v2/')).status).toBe(200);
  await Promise.all(slow);
  expect((await registry.http('GET', '/v2/')).status).toBe(200);
});
