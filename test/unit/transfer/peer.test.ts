import { createServer as createTcp, type Server as TcpServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { splitAddress } from '#core/transfer';
import { createDeviceIdentity } from '#core/trust';
import { type SmallRegistry, smallRegistry, type Trusted, trusted } from './small-registry.ts';

let ours: Trusted;
let other: Trusted;
let registry: SmallRegistry;

beforeAll(async () => {
  [ours, other] = await Promise.all([trusted('dev1'), trusted('dev2')]);
  registry = await smallRegistry({ key: ours.key, cert: ours.cert, ca: ours.keyring.caCertificatePem });
});
afterAll(async () => {
  await registry.stop();
  await Promise.all([ours.clean(), other.clean()]);
});

/** A port on which nothing listens: it was free a moment ago. */
async function closedPort(): Promise<number> {
  const server = createTcp();
  const port = await new Promise<number>((resolve) =>
    server.listen(0, '127.0.0.1', () => {
      const at = server.address();
      resolve(typeof at === 'object' && at !== null ? at.port : 0);
    }),
  );
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

async function withTcp(onSocket: Parameters<typeof createTcp>[1], use: (port: number) => Promise<void>): Promise<void> {
  const sockets: { destroy(): void }[] = [];
  const server: TcpServer = createTcp((socket) => {
    socket.on('error', () => {});
    sockets.push(socket);
    onSocket?.(socket);
  });
  const port = await new Promise<number>((resolve) =>
    server.listen(0, '127.0.0.1', () => {
      const at = server.address();
      resolve(typeof at === 'object' && at !== null ? at.port : 0);
    }),
  );
  try {
    await use(port);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

test('a device that is off is a network failure with exit 4’s owner', async () => {
  const peer = ours.peer(await closedPort());
  await expect(peer.request('GET', '/v1/status')).rejects.toMatchObject({ code: 'network.unreachable', owner: 'network', found: 'ECONNREFUSED' });
  peer.close();
});

test('another device of the same workspace at this address is not taken for it, and nothing is sent', async () => {
  const peer = ours.peer(registry.port, { deviceId: 'dev9' });
  const before = registry.seen.length;
  await expect(peer.request('POST', '/v1/deployments', { body: Buffer.from('secret') })).rejects.toMatchObject({
    code: 'trust.wrong-device',
    owner: 'trust',
    found: 'the certificate of device dev1',
  });
  expect(registry.seen).toHaveLength(before);
  peer.close();
});

test('a machine of another workspace is not taken for it', async () => {
  const stranger = await smallRegistry({ key: other.key, cert: other.cert, ca: ours.keyring.caCertificatePem });
  const peer = ours.peer(stranger.port);
  await expect(peer.request('GET', '/')).rejects.toMatchObject({ code: 'trust.wrong-device', owner: 'trust' });
  peer.close();
  await stranger.stop();
});

test('a self-signed certificate with the right id is not taken for it', async () => {
  const identity = await createDeviceIdentity('dev1');
  const stranger = await smallRegistry({ key: identity.privateKeyPem, cert: identity.selfSignedCertPem, ca: ours.keyring.caCertificatePem });
  const peer = ours.peer(stranger.port);
  await expect(peer.request('GET', '/')).rejects.toMatchObject({ code: 'trust.wrong-device', owner: 'trust' });
  peer.close();
  await stranger.stop();
});

test('a workspace’s own certificate does not pass for a device’s', async () => {
  const { key, cert } = ours.keyring.clientTls();
  const stranger = await smallRegistry({ key, cert, ca: ours.keyring.caCertificatePem });
  const peer = ours.peer(stranger.port);
  await expect(peer.request('GET', '/')).rejects.toMatchObject({ code: 'trust.wrong-device', owner: 'trust' });
  peer.close();
  await stranger.stop();
});

test('a device that refuses our certificate does not trust us', async () => {
  // Its certificate is from our CA, but it believes another workspace.
  const moved = await smallRegistry({ key: ours.key, cert: ours.cert, ca: other.keyring.caCertificatePem });
  const peer = ours.peer(moved.port);
  await expect(peer.request('GET', '/v1/status')).rejects.toMatchObject({ code: 'trust.refused-us', owner: 'trust' });
  expect(moved.seen).toEqual([]);
  peer.close();
  await moved.stop();
});

test('TLS 1.2 is not spoken', async () => {
  const old = await smallRegistry({ key: ours.key, cert: ours.cert, ca: ours.keyring.caCertificatePem, tls12: true });
  const peer = ours.peer(old.port);
  await expect(peer.request('GET', '/')).rejects.toMatchObject({ code: 'device.wrong-answer', owner: 'device' });
  peer.close();
  await old.stop();
});

test('another program at the address is named so', async () => {
  await withTcp(
    (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nhello'),
    async (port) => {
      const peer = ours.peer(port);
      await expect(peer.request('GET', '/')).rejects.toMatchObject({ code: 'device.wrong-answer' });
      peer.close();
    },
  );
});

test('a connection that is never answered ends', async () => {
  await withTcp(
    () => {},
    async (port) => {
      const peer = ours.peer(port, { connectMs: 100 });
      await expect(peer.request('GET', '/')).rejects.toMatchObject({ code: 'network.unreachable', found: 'no connection within 0.1 s' });
      peer.close();
    },
  );
});

test('a peer that falls silent is dropped', async () => {
  registry.misbehave = () => true;
  const peer = ours.peer(registry.port, { idleMs: 100 });
  await expect(peer.request('GET', '/')).rejects.toMatchObject({ code: 'network.interrupted', owner: 'network' });
  registry.misbehave = () => false;
  peer.close();
});

test('an endless answer is cut off', async () => {
  registry.misbehave = (_request, response) => {
    response.writeHead(200);
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(64 * 1024)));
      if (!response.destroyed) response.once('drain', more);
    };
    more();
    return true;
  };
  const peer = ours.peer(registry.port);
  await expect(peer.request('GET', '/')).rejects.toMatchObject({ code: 'device.wrong-answer', found: 'a longer answer' });
  registry.misbehave = () => false;
  peer.close();
});

test('an abort ends a request at once', async () => {
  registry.misbehave = () => true;
  const peer = ours.peer(registry.port);
  const abort = new AbortController();
  const waiting = peer.request('GET', '/v1/events', { waitMs: 20_000, signal: abort.signal });
  abort.abort();
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  await expect(peer.request('GET', '/', { signal: abort.signal })).rejects.toMatchObject({ name: 'AbortError' });
  registry.misbehave = () => false;
  peer.close();
});

test('a connection that went stale while idle is replaced without a word', async () => {
  const peer = ours.peer(registry.port);
  expect((await peer.request('HEAD', '/v2/digits/blobs/sha256:0')).status).toBe(404);
  await registry.stop();
  await registry.restart();
  expect((await peer.request('HEAD', '/v2/digits/blobs/sha256:0')).status).toBe(404);
  peer.close();
});

test('an answer of another shape is refused, and the field is named', async () => {
  registry.misbehave = (_request, response) => {
    response.writeHead(200).end('{"id":7}');
    return true;
  };
  const peer = ours.peer(registry.port);
  await expect(peer.json('GET', '/v1/status', z.object({ id: z.string() }))).rejects.toMatchObject({
    code: 'device.wrong-answer',
    found: expect.stringContaining('id'),
  });
  registry.misbehave = () => false;
  peer.close();
});

test.each([
  ['gate', 409, 'gate'],
  ['trust', 403, 'trust'],
  ['machine', 507, 'device'],
  ['input', 400, 'device'],
  ['bug', 500, 'device'],
] as const)('an error that the device owns as %s is %s here', async (owner, status, here) => {
  registry.misbehave = (_request, response) => {
    response.writeHead(status).end(JSON.stringify({ error: { code: 'x.y', message: 'No.', owner } }));
    return true;
  };
  const peer = ours.peer(registry.port);
  await expect(peer.json('GET', '/v1/status', z.unknown())).rejects.toMatchObject({ code: 'x.y', owner: here, message: 'dev-1: No.' });
  registry.misbehave = () => false;
  peer.close();
});

test('addresses', () => {
  expect(splitAddress('127.0.0.1:80')).toEqual({ host: '127.0.0.1', port: 80 });
  expect(splitAddress('https://pump-3.local:8443/')).toEqual({ host: 'pump-3.local', port: 8443 });
  expect(splitAddress('[fe80::1]:8443')).toEqual({ host: 'fe80::1', port: 8443 });
  for (const bad of ['', 'pump', 'pump:', 'pump:0', 'pump:70000', 'a b:1', 'user@host:1', 'pump:1/path']) {
    expect(() => splitAddress(bad), bad).toThrow(expect.objectContaining({ code: 'device.address-wrong', owner: 'input' }));
  }
});
