import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { systemClock } from '#core/platform';
import { type BlobSource, pushBlob, pushManifest, type UploadMemory, type UploadOptions } from '#core/distribution';
import type { Peer } from '#core/transfer';
import { type SmallRegistry, smallRegistry, type Trusted, trusted } from './small-registry.ts';

let keys: Trusted;
let registry: SmallRegistry;
let peer: Peer;
let remembered: Map<string, string>;

beforeAll(async () => {
  keys = await trusted();
});
afterAll(() => keys.clean());
beforeEach(async () => {
  registry = await smallRegistry({ key: keys.key, cert: keys.cert, ca: keys.keyring.caCertificatePem });
  peer = keys.peer(registry.port);
  remembered = new Map();
});
afterEach(async () => {
  peer.close();
  await registry.stop();
});

function blobOf(bytes: Buffer): BlobSource {
  return {
    digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    size: bytes.length,
    open: (start, end) => Readable.from([bytes.subarray(start, end)]),
  };
}

function options(more: Partial<UploadOptions> = {}): UploadOptions {
  const memory: UploadMemory = { get: (d) => remembered.get(d), set: (d, l) => void remembered.set(d, l), clear: (d) => void remembered.delete(d) };
  return { repository: 'digits', memory, clock: systemClock, pieceBytes: 64 * 1024, firstMs: 1, giveUpMs: 2_000, ...more };
}

test('sends a blob in pieces and reports every byte once', async () => {
  const bytes = randomBytes(200_000);
  const blob = blobOf(bytes);
  const progress: number[] = [];
  const result = await pushBlob(peer, blob, options({ onBytes: (have) => progress.push(have) }));
  expect(result).toEqual({ wasThere: false, sentBytes: 200_000 });
  expect(registry.blobs.get(blob.digest)?.equals(bytes)).toBe(true);
  expect(registry.seen.filter((s) => s.startsWith('PATCH'))).toHaveLength(4);
  expect(progress.at(-1)).toBe(200_000);
  expect(progress).toEqual([...progress].sort((a, b) => a - b));
  expect(remembered.size).toBe(0);
});

test('sends a small blob with the request that begins it, and in pieces to a peer that does not take it so', async () => {
  const bytes = randomBytes(1000);
  const blob = blobOf(bytes);
  const whole = options({ announce: true, lacking: true, wholeBytes: 1000 });
  expect(await pushBlob(peer, blob, whole)).toEqual({ wasThere: false, sentBytes: 1000 });
  expect(registry.seen).toEqual(['POST /v2/digits/blobs/uploads/']);
  expect(registry.blobs.get(blob.digest)?.equals(bytes)).toBe(true);
  registry.takesWhole = false;
  registry.blobs.clear();
  expect(await pushBlob(peer, blob, whole)).toEqual({ wasThere: false, sentBytes: 2000 });
  expect(registry.blobs.get(blob.digest)?.equals(bytes)).toBe(true);
});

test('sends nothing that is there already', async () => {
  const blob = blobOf(randomBytes(1000));
  registry.blobs.set(blob.digest, Buffer.alloc(0));
  expect(await pushBlob(peer, blob, options())).toEqual({ wasThere: true, sentBytes: 0 });
  expect(registry.seen).toEqual([`HEAD /v2/digits/blobs/${blob.digest}`]);
});

test.each([0, 1, 2])('sends a blob of %i bytes', async (size) => {
  const blob = blobOf(randomBytes(size));
  expect(await pushBlob(peer, blob, options())).toEqual({ wasThere: false, sentBytes: size });
  expect(registry.blobs.get(blob.digest)).toHaveLength(size);
});

test('goes on after a cut from the byte the peer has', async () => {
  const bytes = randomBytes(300_000);
  const blob = blobOf(bytes);
  registry.cuts = [undefined, 10_000, undefined, 1];
  await pushBlob(peer, blob, options());
  expect(registry.blobs.get(blob.digest)?.equals(bytes)).toBe(true);
  // What was sent twice is at most the pieces that were cut.
  expect(registry.received).toBeLessThan(300_000 + 2 * 64 * 1024 + 1);
});

test('goes on from a remembered upload in another life of this program', async () => {
  const bytes = randomBytes(300_000);
  const blob = blobOf(bytes);
  const stop = new AbortController();
  const first = pushBlob(peer, blob, options({ signal: stop.signal, onBytes: (have) => have >= 128 * 1024 && stop.abort() }));
  await expect(first).rejects.toMatchObject({ name: 'AbortError' });
  expect(remembered.has(blob.digest)).toBe(true);
  const other = keys.peer(registry.port);
  const second = await pushBlob(other, blob, options());
  other.close();
  expect(second.sentBytes).toBeLessThan(300_000);
  expect(registry.seen.filter((s) => s.startsWith('POST'))).toHaveLength(1);
  expect(registry.blobs.get(blob.digest)?.equals(bytes)).toBe(true);
});

test('begins again when the peer has forgotten the upload', async () => {
  const bytes = randomBytes(200_000);
  const blob = blobOf(bytes);
  registry.misbehave = (request) => {
    if (request.method === 'PATCH' && request.headers['content-range']?.startsWith('65536-')) {
      registry.misbehave = () => false;
      registry.forgetUploads();
    }
    return false;
  };
  await pushBlob(peer, blob, options());
  expect(registry.blobs.get(blob.digest)?.equals(bytes)).toBe(true);
});

test('waits for a peer that restarts', async () => {
  const blob = blobOf(randomBytes(200_000));
  registry.cuts = [30_000];
  let restarted: Promise<void> | undefined;
  registry.misbehave = (request) => {
    if (request.method === 'GET' && !restarted) restarted = registry.stop().then(() => registry.restart());
    return restarted !== undefined && request.method === 'GET' && request.socket.destroyed;
  };
  await pushBlob(peer, blob, options({ giveUpMs: 10_000 }));
  await restarted;
  expect(registry.blobs.has(blob.digest)).toBe(true);
});

test('waits as long as a busy peer asks, then goes on', async () => {
  const blob = blobOf(randomBytes(10));
  let busy = 2;
  registry.misbehave = (_request, response) => {
    if (busy-- <= 0) return false;
    response.writeHead(503, { 'retry-after': '0' }).end();
    return true;
  };
  await pushBlob(peer, blob, options());
  expect(registry.blobs.has(blob.digest)).toBe(true);
});

test('does not try again after a refusal', async () => {
  const blob = blobOf(randomBytes(10));
  registry.misbehave = (request, response) => {
    if (request.method !== 'POST') return false;
    response.writeHead(403, { 'content-type': 'application/json' }).end(JSON.stringify({ errors: [{ code: 'DENIED', message: 'not awaited' }] }));
    return true;
  };
  await expect(pushBlob(peer, blob, options())).rejects.toMatchObject({ code: 'device.refused', owner: 'device', message: 'dev-1: not awaited' });
  expect(registry.seen.filter((s) => s.startsWith('POST'))).toHaveLength(1);
});

test('a full disk on the device is the device’s failure, not this computer’s', async () => {
  const blob = blobOf(randomBytes(10));
  registry.misbehave = (request, response) => {
    if (request.method !== 'PATCH') return false;
    request.resume();
    const detail = { code: 'machine.disk-full', message: 'The disk is full.', owner: 'machine' };
    response.writeHead(507, { 'content-type': 'application/json' }).end(JSON.stringify({ errors: [{ code: 'UNKNOWN', message: 'x', detail }] }));
    return true;
  };
  await expect(pushBlob(peer, blob, options())).rejects.toMatchObject({ code: 'machine.disk-full', owner: 'device', message: 'dev-1: The disk is full.' });
});

test('gives up when nothing moves, and keeps what was sent for next time', async () => {
  const blob = blobOf(randomBytes(200_000));
  registry.cuts = Array.from({ length: 500 }, () => 0);
  await expect(pushBlob(peer, blob, options({ giveUpMs: 150 }))).rejects.toMatchObject({ code: 'network.interrupted', owner: 'network' });
  expect(remembered.has(blob.digest)).toBe(true);
});

test('a peer whose counting is mad is dropped with the reason', async () => {
  const blob = blobOf(randomBytes(1000));
  registry.misbehave = (request, response) => {
    if (request.method !== 'PATCH') return false;
    request.resume();
    response.writeHead(202, { location: '/v2/digits/blobs/uploads/1', range: '0-999999' }).end();
    return true;
  };
  await expect(pushBlob(peer, blob, options())).rejects.toMatchObject({ code: 'device.wrong-answer', found: '0-999999' });
});

test.each(['https://evil.example/v2/x', '//evil.example/x', 'uploads/1', `/${'x'.repeat(3000)}`])(
  'does not follow an upload address elsewhere: %s',
  async (location) => {
    const blob = blobOf(randomBytes(1000));
    registry.misbehave = (request, response) => {
      if (request.method !== 'POST') return false;
      response.writeHead(202, { location }).end();
      return true;
    };
    await expect(pushBlob(peer, blob, options())).rejects.toMatchObject({ code: 'device.wrong-answer' });
  },
);

test('a stale upload that no longer fits its digest is sent anew, once', async () => {
  const bytes = randomBytes(100_000);
  const blob = blobOf(bytes);
  // The remembered upload holds the beginning of another file.
  const start = await peer.request('POST', '/v2/digits/blobs/uploads/');
  await peer.request('PATCH', String(start.headers.location), { body: randomBytes(500), headers: { 'content-range': '0-499' } });
  remembered.set(blob.digest, String(start.headers.location));
  await pushBlob(peer, blob, options());
  expect(registry.blobs.get(blob.digest)?.equals(bytes)).toBe(true);
});

test('a file that is shorter than its manifest says is our own trouble', async () => {
  const blob = { ...blobOf(randomBytes(1000)), size: 2000 };
  await expect(pushBlob(peer, blob, options())).rejects.toMatchObject({ code: 'machine.blob-damaged', owner: 'machine' });
});

test('puts a manifest under its digest', async () => {
  const bytes = Buffer.from('{"mediaType":"application/vnd.oci.image.manifest.v1+json"}');
  const digest = blobOf(bytes).digest;
  await pushManifest(peer, { digest, mediaType: 'application/vnd.oci.image.manifest.v1+json', bytes }, { repository: 'digits', clock: systemClock });
  expect(registry.manifests.get(digest)?.equals(bytes)).toBe(true);
});
