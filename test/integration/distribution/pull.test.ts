/** Pulling from registries that break, lie, or are none: a bundle comes in whole and right, or not at all, and never for ever. */
import { readdir, readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { asEdgewrightError } from '#contract';
import { type RegistryAccess } from '#core/distribution';
import { type Elsewhere, elsewhere } from '../bundles/sources.ts';
import { admit, dir, keys, registry, source, store } from '../bundles/workspace.ts';
import { type Front, frontOf, send, sourceAt } from './front.ts';

let friend: Elsewhere;
let front: Front;
let index: string;
beforeEach(async () => {
  friend = await elsewhere(join(dir, 'friend'), keys);
  ({ digest: index } = await friend.registry.build(source, { admit }));
  front = await frontOf(friend.store);
});
afterEach(async () => {
  await front.close();
  friend.close();
});

const INDEX = 'application/vnd.oci.image.index.v1+json';
const pull = async (access?: RegistryAccess) => registry.receive(await sourceAt(front.host, access), { admit });
const isBlob = (url: string | undefined) => /\/blobs\/sha256:/.test(url ?? '');

/** Pulls, which must fail so, and leave nothing that can be seen. */
async function fails(code: string | RegExp, access?: RegistryAccess): Promise<void> {
  const error = await pull(access).then(
    () => undefined,
    (thrown: unknown) => asEdgewrightError(thrown),
  );
  expect(error?.code).toMatch(code);
  expect(['network', 'trust', 'input']).toContain(error?.owner);
  expect(error?.message).not.toMatch(/undefined|\[object/);
  expect(registry.list()).toEqual([]);
  expect(await store.readIndex()).toEqual([]);
}

test('a bundle is pulled whole, with its signature, and only what is lacking is fetched', async () => {
  expect(await pull()).toMatchObject({ name: 'digits', version: '1.0.0', digest: index, signed: true, state: 'sound' });
  expect(await registry.verify('digits@1.0.0')).toMatchObject({ ok: true });
  const blobs = front.seen.filter((line) => isBlob(line));
  expect(new Set(blobs).size).toBe(blobs.length);
  front.seen.length = 0;
  await pull();
  expect(front.seen.filter((line) => isBlob(line)).length).toBeLessThan(blobs.length);
});

describe('lines that break', () => {
  test('are gone on with by range from where they broke', async () => {
    const got = new Map<string, number>();
    front.misbehave = (request, response) => {
      if (request.method !== 'GET' || !isBlob(request.url)) return false;
      const digest = request.url?.split('/').at(-1) ?? '';
      const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      expect(start).toBe(got.get(digest) ?? 0);
      void readFile(friend.store.path(digest)).then((bytes) => {
        const end = Math.min(bytes.length, start + 20_000);
        got.set(digest, end);
        const part = start > 0 ? { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {};
        response.writeHead(start > 0 ? 206 : 200, { 'content-length': String(bytes.length - start), ...part });
        response.write(bytes.subarray(start, end), () => (end === bytes.length ? response.end() : response.destroy()));
      });
      return true;
    };
    expect(await pull()).toMatchObject({ state: 'sound' });
    expect(await registry.verify('digits@1.0.0')).toMatchObject({ ok: true });
  });

  test('are gone on with where a registry knows no ranges and starts again each time', async () => {
    const tries = new Map<string, number>();
    front.misbehave = (request, response) => {
      if (request.method !== 'GET' || !isBlob(request.url)) return false;
      const digest = request.url?.split('/').at(-1) ?? '';
      const nth = (tries.get(digest) ?? 0) + 1;
      tries.set(digest, nth);
      void readFile(friend.store.path(digest)).then((bytes) => {
        const end = Math.min(bytes.length, nth * 30_000);
        response.writeHead(200, { 'content-length': String(bytes.length) });
        response.write(bytes.subarray(0, end), () => (end === bytes.length ? response.end() : response.destroy()));
      });
      return true;
    };
    expect(await pull()).toMatchObject({ state: 'sound' });
  });

  test('that stay broken end with what came being kept for the next try', async () => {
    let fetched = 0;
    front.misbehave = (request, response) => {
      const [model] = [...friend.registry.resolve('digits@1.0.0').files.values()].filter((file) => file.role === 'model');
      if (request.url?.endsWith(model?.digest ?? '?') !== true || request.headers.range !== undefined)
        return request.headers.range !== undefined && send(response, 503, '');
      void readFile(friend.store.path(model?.digest ?? '')).then((bytes) => {
        fetched += 40_000;
        response.writeHead(200, { 'content-length': String(bytes.length) });
        response.write(bytes.subarray(0, 40_000), () => response.destroy());
      });
      return true;
    };
    await fails(/network\.(interrupted|registry-busy)/);
    expect(await readdir(join(dir, 'store', 'partial'))).toHaveLength(1);
    front.misbehave = (request) => {
      if (request.headers.range !== undefined) expect(request.headers.range).toBe('bytes=40000-');
      return false;
    };
    expect(await pull()).toMatchObject({ state: 'sound' });
    expect(fetched).toBe(40_000);
  });

  test('and registries that are busy are asked again, as late as they say', async () => {
    let busy = 0;
    front.misbehave = (request, response) => isBlob(request.url) && busy++ % 2 === 0 && send(response, busy % 3 === 0 ? 429 : 503, '', { 'retry-after': '0' });
    expect(await pull()).toMatchObject({ state: 'sound' });
    expect(busy).toBeGreaterThan(10);
  });
});

describe('registries that lie', () => {
  test('another index under the digest that was asked for', async () => {
    const other = Buffer.from('{"schemaVersion":2,"manifests":[]}');
    front.misbehave = (request, response) => request.url?.includes('/manifests/sha256:') === true && send(response, 200, other, { 'content-type': INDEX });
    await fails('store.digest-mismatch');
  });

  test('other bytes, of the right length or not', async () => {
    const flipped = (digest: string, more = 0) =>
      readFile(friend.store.path(digest)).then((bytes) => {
        bytes[0] = (bytes[0] ?? 0) ^ 1;
        return Buffer.concat([bytes, Buffer.alloc(more)]);
      });
    for (const more of [0, 1]) {
      front.misbehave = (request, response) => {
        if (!isBlob(request.url)) return false;
        void flipped(request.url?.split('/').at(-1) ?? '', more).then((bytes) => send(response, 200, bytes));
        return true;
      };
      await fails(/store\.(digest|size)-mismatch|network\.wrong-answer/);
    }
  });

  test('a blob without end is cut off at its size', async () => {
    front.misbehave = (request, response) => isBlob(request.url) && endless(response, Buffer.alloc(64 * 1024, 'x'));
    await fails(/store\.size-mismatch/);
  });

  test('a manifest without end, and one that says it is huge', async () => {
    front.misbehave = (request, response) => request.url?.includes('/manifests/') === true && endless(response, Buffer.alloc(64 * 1024, ' '), INDEX);
    await fails('network.wrong-answer');
    front.misbehave = (request, response) => {
      if (!request.url?.includes('/manifests/')) return false;
      response.writeHead(200, { 'content-type': INDEX, 'content-length': '99999999999' });
      return endless(response, Buffer.alloc(64 * 1024, ' '));
    };
    await fails('network.wrong-answer');
  });

  test('a part that is not the one asked for', async () => {
    let cut = true;
    front.misbehave = (request, response) => {
      if (request.method !== 'GET' || !isBlob(request.url)) return false;
      const digest = request.url?.split('/').at(-1) ?? '';
      if (request.headers.range === undefined && cut) {
        cut = false;
        void readFile(friend.store.path(digest)).then((bytes) => {
          response.writeHead(200, { 'content-length': String(bytes.length) });
          response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy());
        });
        return true;
      }
      return request.headers.range !== undefined && send(response, 206, 'xx', { 'content-range': 'bytes 0-1/2' });
    };
    await fails('network.wrong-answer');
  });

  test('packed answers are not unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(10 * 1024 * 1024));
    for (const pattern of [/\/manifests\//, /\/blobs\//]) {
      front.misbehave = (request, response) =>
        pattern.test(request.url ?? '') && send(response, 200, bomb, { 'content-encoding': 'gzip', 'content-type': INDEX });
      await fails('network.wrong-answer');
    }
    expect(front.headers.every((headers) => headers['accept-encoding'] === 'identity')).toBe(true);
  });

  test('a page for everything, as where one must log in to the network first', async () => {
    front.misbehave = (_request, response) => send(response, 200, '<html>Welcome to our hotel!</html>', { 'content-type': 'text/html' });
    await fails('network.wrong-answer');
    front.misbehave = (request, response) =>
      !request.url?.includes('/manifests/') && send(response, 200, '<html>Welcome!</html>', { 'content-type': 'text/html' });
    await fails(/network\.wrong-answer|store\./);
  });

  test('redirects in a circle, to files, to this computer’s link, or off TLS', async () => {
    for (const [location, code] of [
      ['/v2/digits/manifests/1.0.0', /network\.wrong-answer/],
      ['file:///etc/passwd', /network\.wrong-place/],
      ['http://storage.example/x', /network\.wrong-place/],
      ['https://169.254.169.254/latest/meta-data', /network\.wrong-place/],
      ['https://u:p@storage.example/x', /network\.wrong-place/],
      ['http://', /network\.wrong-answer|network\.wrong-place/],
    ] as const) {
      front.misbehave = (_request, response) => send(response, 307, '', { location });
      await fails(code);
    }
    expect(front.seen.length).toBeLessThan(50);
  });

  test('a redirect to storage is followed, without the login', async () => {
    const storage = await frontOf(friend.store);
    try {
      const from = front;
      from.misbehave = (request, response) => {
        if (request.headers.authorization === undefined) return send(response, 401, '', { 'www-authenticate': 'Basic realm="x"' });
        return isBlob(request.url) && send(response, 307, '', { location: `http://${storage.host}${request.url}` });
      };
      expect(await pull({ login: { user: 'anna', password: 'secret' } })).toMatchObject({ state: 'sound' });
      expect(storage.seen.length).toBeGreaterThan(10);
      expect(storage.headers.some((headers) => headers.authorization !== undefined)).toBe(false);
    } finally {
      await storage.close();
    }
  });

  test('a tag that is not there, and a repository', async () => {
    await expect(sourceAt(front.host, {}, '9.9.9')).rejects.toMatchObject({ code: 'network.registry-not-found', owner: 'network' });
  });

  test('lists of referrers that are none, too long, or point elsewhere, are no harm', async () => {
    for (const [body, type] of [
      ['{"manifests":[{"digest":"sha256:../../x"},{"mediaType":1},null,"x"]}', INDEX],
      ['[]', INDEX],
      ['<html>', 'text/html'],
    ] as const) {
      front.misbehave = (request, response) => request.url?.includes('/referrers/') === true && send(response, 200, body, { 'content-type': type });
      // Its own index lists what its signature is.
      expect(await pull()).toMatchObject({ digest: index, state: 'sound', signed: true });
      await registry.remove('digits@1.0.0');
    }
    let pages = 0;
    front.misbehave = (request, response) =>
      request.url?.includes('/referrers/') === true &&
      send(response, 200, '{"schemaVersion":2,"manifests":[]}', { 'content-type': INDEX, link: `<${request.url}?n=${pages++}>; rel="next"` });
    expect(await pull()).toMatchObject({ state: 'sound' });
    expect(pages).toBeGreaterThan(1);
    expect(pages).toBeLessThan(200);
  });
});

test('a registry that is none, and one that is not there', async () => {
  const host = front.host;
  await front.close();
  await expect(sourceAt(host)).rejects.toMatchObject({ code: 'network.unreachable', owner: 'network' });
  front = await frontOf(friend.store);
});

test('cancelled, it ends at once and shows nothing', async () => {
  const abort = new AbortController();
  front.misbehave = (request, response) => {
    if (!isBlob(request.url)) return false;
    response.writeHead(200);
    response.write('x');
    abort.abort();
    return true;
  };
  const provider = await sourceAt(front.host);
  await expect(registry.receive(provider, { admit, signal: abort.signal })).rejects.toMatchObject({ name: 'AbortError' });
  expect(registry.list()).toEqual([]);
});

function endless(response: ServerResponse, chunk: Buffer, type = 'application/octet-stream'): true {
  if (!response.headersSent) response.writeHead(200, { 'content-type': type });
  const more = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', more);
  more();
  return true;
}
