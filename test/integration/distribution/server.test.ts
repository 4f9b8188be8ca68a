import { once } from 'node:events';
import { connect } from 'node:net';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { codeOf, INDEX, MANIFEST, putArtifact, putBlob, sha256, sha512, testRegistry, type TestRegistry } from './registry.ts';

let registry: TestRegistry;
let http: TestRegistry['http'];
beforeEach(async () => {
  registry = await testRegistry({ allowDelete: true });
  http = registry.http;
});
afterEach(() => registry.remove());

/** Begins an upload. @returns its address */
async function begin(repository = 'a'): Promise<string> {
  const { status, headers } = await http('POST', `/v2/${repository}/blobs/uploads/`);
  expect(status).toBe(202);
  return headers.location ?? '';
}

describe('blobs', () => {
  test('are taken at once, whole or in part, and given back so', async () => {
    const bytes = Buffer.from('0123456789');
    const digest = sha256(bytes);
    expect((await http('HEAD', `/v2/a/blobs/${digest}`)).status).toBe(404);
    const put = await http('POST', `/v2/a/blobs/uploads/?digest=${digest}`, { body: bytes });
    expect(put).toMatchObject({ status: 201, headers: { location: `/v2/a/blobs/${digest}`, 'docker-content-digest': digest } });
    expect(await http('HEAD', `/v2/a/blobs/${digest}`)).toMatchObject({ status: 200, headers: { 'content-length': '10' } });
    expect((await http('GET', `/v2/a/blobs/${digest}`)).body).toEqual(bytes);
    const part = await http('GET', `/v2/a/blobs/${digest}`, { headers: { range: 'bytes=2-4' } });
    expect(part).toMatchObject({ status: 206, headers: { 'content-range': 'bytes 2-4/10', 'content-length': '3' } });
    expect(part.body.toString()).toBe('234');
    const changed = await http('GET', `/v2/a/blobs/${digest}`, { headers: { range: 'bytes=2-4', 'if-range': '"other"' } });
    expect(changed).toMatchObject({ status: 200, headers: { 'content-length': '10' } });
    expect(await http('GET', `/v2/a/blobs/${digest}`, { headers: { range: 'bytes=10-' } })).toMatchObject({
      status: 416,
      headers: { 'content-range': 'bytes */10' },
    });
    expect((await http('GET', `/v2/other/blobs/${digest}`)).status).toBe(404);
  });

  test('are taken in pieces, in order only, and an upload says how far it is', async () => {
    const bytes = Buffer.from('abcdefghij');
    let location = await begin();
    expect(await http('GET', location)).toMatchObject({ status: 204, headers: { range: '0-0' } });
    const send = (from: number, to: number) => http('PATCH', location, { body: bytes.subarray(from, to), headers: { 'content-range': `${from}-${to - 1}` } });
    expect(await send(4, 6)).toMatchObject({ status: 416, headers: { range: '0-0' } });
    const first = await send(0, 4);
    expect(first).toMatchObject({ status: 202, headers: { range: '0-3' } });
    location = first.headers.location ?? '';
    expect(await send(0, 4)).toMatchObject({ status: 416, headers: { range: '0-3' } });
    expect(await http('PATCH', location, { body: 'xy', headers: { 'content-range': '4-8' } })).toMatchObject({ status: 400 });
    expect(await http('PATCH', location, { body: 'xy', headers: { 'content-range': 'nonsense' } })).toMatchObject({ status: 400 });
    expect(await http('GET', location)).toMatchObject({ status: 204, headers: { range: '0-3', location } });
    const last = await http('PUT', `${location}?digest=${sha256(bytes)}`, { body: bytes.subarray(4), headers: { 'content-range': '4-9' } });
    expect(last.status).toBe(201);
    expect((await http('GET', last.headers.location ?? '')).body).toEqual(bytes);
    expect((await http('GET', location)).status).toBe(404);
  });

  test('of SHA-512 too, and of nothing at all', async () => {
    for (const bytes of ['some bytes', '']) {
      const digest = sha512(bytes);
      const location = await begin();
      expect((await http('PUT', `${location}?digest=${digest}`, { body: bytes })).status).toBe(201);
      expect(await http('GET', `/v2/a/blobs/${digest}`)).toMatchObject({ status: 200, headers: { 'docker-content-digest': digest }, body: Buffer.from(bytes) });
    }
  });

  test('that are not what their digest says leave nothing', async () => {
    const location = await begin();
    const answer = await http('PUT', `${location}?digest=${sha256('other')}`, { body: 'bytes' });
    expect([answer.status, codeOf(answer)]).toEqual([400, 'DIGEST_INVALID']);
    expect((await http('GET', location)).status).toBe(404);
    for (const digest of ['', 'sha256:1234', 'md5:d41d8cd98f00b204e9800998ecf8427e', `${sha256('x')}0`]) {
      const other = await begin();
      expect(codeOf(await http('PUT', `${other}?digest=${digest}`, { body: 'x' }))).toBe('DIGEST_INVALID');
      expect(await http('DELETE', other)).toMatchObject({ status: 204 });
    }
    expect(await readdir(join(registry.dir, 'store', 'blobs', 'sha256'))).toEqual([]);
    expect(await readdir(join(registry.dir, 'store', 'uploads'))).toEqual([]);
  });

  test('are mounted from another repository or from any, and where there is none an upload begins', async () => {
    const { digest } = await putBlob(http, 'a', 'shared');
    expect(await http('POST', `/v2/b/blobs/uploads/?mount=${digest}&from=a`)).toMatchObject({ status: 201, headers: { location: `/v2/b/blobs/${digest}` } });
    expect(await http('POST', `/v2/c/blobs/uploads/?mount=${digest}`)).toMatchObject({ status: 201 });
    expect((await http('GET', `/v2/c/blobs/${digest}`)).body.toString()).toBe('shared');
    const lacking = await http('POST', `/v2/d/blobs/uploads/?mount=${sha256('none')}&from=a`);
    expect(lacking.status).toBe(202);
    expect((await http('PUT', `${lacking.headers.location}?digest=${sha256('none')}`, { body: 'none' })).status).toBe(201);
    expect((await http('POST', `/v2/d/blobs/uploads/?mount=${digest}&from=../a`)).status).toBe(400);
  });

  test('of an upload in another repository are not to be had', async () => {
    const location = await begin('a');
    expect((await http('PATCH', location.replace('/v2/a/', '/v2/b/'), { body: 'x' })).status).toBe(404);
    expect((await http('PUT', `${location}?digest=${sha256('x')}`, { body: 'x' })).status).toBe(201);
  });

  test('that come cut off are kept as far as they came', async () => {
    const location = await begin();
    const socket = connect(registry.port, '127.0.0.1');
    socket.write(`PATCH ${location} HTTP/1.1\r\nHost: 127.0.0.1:${registry.port}\r\nContent-Length: 100\r\n\r\nhalf`);
    const folder = join(registry.dir, 'store', 'uploads');
    await expect.poll(async () => (await stat(join(folder, (await readdir(folder))[0] ?? '', 'data'))).size).toBe(4);
    socket.destroy();
    await expect.poll(async () => (await http('GET', location)).headers.range).toBe('0-3');
    expect((await http('PUT', `${location}?digest=${sha256('half and half')}`, { body: ' and half' })).status).toBe(201);
  });
});

describe('manifests', () => {
  test('are had by tag and by digest, with the type they were put with', async () => {
    const { digest, manifest, answer } = await putArtifact(http, 'a', 'one');
    expect(answer).toMatchObject({ status: 201, headers: { location: `/v2/a/manifests/${digest}`, 'docker-content-digest': digest } });
    for (const reference of ['one', digest]) {
      const got = await http('GET', `/v2/a/manifests/${reference}`);
      expect(got).toMatchObject({ status: 200, headers: { 'content-type': MANIFEST, 'docker-content-digest': digest }, body: manifest });
      expect(await http('HEAD', `/v2/a/manifests/${reference}`)).toMatchObject({ status: 200, headers: { 'content-length': String(manifest.length) } });
    }
    expect(codeOf(await http('GET', '/v2/a/manifests/other'))).toBe('MANIFEST_UNKNOWN');
    expect(codeOf(await http('GET', '/v2/b/manifests/other'))).toBe('NAME_UNKNOWN');
  });

  test('of Docker are kept as they are', async () => {
    const type = 'application/vnd.docker.distribution.manifest.v2+json';
    const config = await putBlob(http, 'a', '{}', 'application/vnd.docker.container.image.v1+json');
    const foreign = { mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', digest: sha256('elsewhere'), size: 9 };
    const body = JSON.stringify({ schemaVersion: 2, mediaType: type, config, layers: [foreign] }, null, 3);
    expect((await http('PUT', '/v2/a/manifests/docker', { body, headers: { 'content-type': type } })).status).toBe(201);
    expect(await http('GET', '/v2/a/manifests/docker')).toMatchObject({ headers: { 'content-type': type }, body: Buffer.from(body) });
  });

  test('that name what is not there, or another size, are refused', async () => {
    const config = await putBlob(http, 'a', '{}');
    const put = (layers: unknown[]) =>
      http('PUT', '/v2/a/manifests/x', { body: JSON.stringify({ schemaVersion: 2, config, layers }), headers: { 'content-type': MANIFEST } });
    const lacking = await put([{ mediaType: 'x/y', digest: sha256('no'), size: 2 }]);
    expect([lacking.status, codeOf(lacking)]).toEqual([404, 'MANIFEST_BLOB_UNKNOWN']);
    expect(codeOf(await put([{ ...config, size: 3 }]))).toBe('SIZE_INVALID');
    expect((await put([])).status).toBe(201);
    const index = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [{ mediaType: MANIFEST, digest: sha256('no'), size: 2 }] });
    expect(codeOf(await http('PUT', '/v2/a/manifests/i', { body: index, headers: { 'content-type': INDEX } }))).toBe('MANIFEST_BLOB_UNKNOWN');
  });

  test.each<[string, string, string]>([
    ['no JSON', '{', MANIFEST],
    ['no object', '[]', MANIFEST],
    ['of an unknown type', '{"schemaVersion":2}', 'application/json'],
    ['of Docker schema 1', '{"schemaVersion":1}', 'application/vnd.docker.distribution.manifest.v1+prettyjws'],
    ['of two types at once', `{"schemaVersion":2,"mediaType":"${INDEX}","manifests":[]}`, MANIFEST],
    ['both an index and a manifest', '{"schemaVersion":2,"manifests":[],"layers":[]}', INDEX],
    ['with a digest that is a path', '{"schemaVersion":2,"manifests":[{"mediaType":"x/y","digest":"sha256:../../../../etc/passwd","size":1}]}', INDEX],
  ])('that are %s are refused', async (_what, body, type) => {
    const answer = await http('PUT', '/v2/a/manifests/x', { body, headers: { 'content-type': type } });
    expect([answer.status, codeOf(answer)]).toEqual([400, 'MANIFEST_INVALID']);
  });

  test('too large are refused before they are read', async () => {
    const answer = await http('PUT', '/v2/a/manifests/x', { body: Buffer.alloc(4 * 1024 * 1024 + 1, 32), headers: { 'content-type': MANIFEST } });
    expect(answer.status).toBe(413);
  });

  test('under another digest, or under what can be none, are refused; reading that finds nothing', async () => {
    const { manifest } = await putArtifact(http, 'a', 'one');
    const put = (reference: string) => http('PUT', `/v2/a/manifests/${reference}`, { body: manifest, headers: { 'content-type': MANIFEST } });
    expect(codeOf(await put(sha256('other')))).toBe('DIGEST_INVALID');
    expect(codeOf(await put('sha256:bad'))).toBe('DIGEST_INVALID');
    expect((await put('.hidden')).status).toBe(400);
    expect((await put(sha512(manifest))).status).toBe(201);
    for (const reference of ['.hidden', 'sha256:bad']) expect((await http('GET', `/v2/a/manifests/${reference}`)).status).toBe(404);
  });
});

describe('lists', () => {
  test('of tags are in the order of their bytes, in pages', async () => {
    for (const tag of ['b', 'a', 'B', '_', '1']) await putArtifact(http, 'a', tag);
    expect((await http('GET', '/v2/a/tags/list')).json()).toEqual({ name: 'a', tags: ['1', 'B', '_', 'a', 'b'] });
    const seen: string[] = [];
    let path: string | undefined = '/v2/a/tags/list?n=2';
    while (path !== undefined) {
      const page = await http('GET', path);
      seen.push(...(page.json() as { tags: string[] }).tags);
      path = /^<([^>]+)>; rel="next"$/.exec(String(page.headers.link ?? ''))?.[1];
    }
    expect(seen).toEqual(['1', 'B', '_', 'a', 'b']);
    expect((await http('GET', '/v2/a/tags/list?n=0')).json()).toEqual({ name: 'a', tags: [] });
    expect((await http('GET', '/v2/a/tags/list?last=_')).json()).toEqual({ name: 'a', tags: ['a', 'b'] });
    expect((await http('GET', '/v2/a/tags/list?n=x')).status).toBe(400);
    expect((await http('GET', '/v2/none/tags/list')).status).toBe(404);
  });

  test('of referrers follow the subject, which need not be there, and can be filtered', async () => {
    const subject = { mediaType: MANIFEST, digest: sha256('absent'), size: 6 };
    const list = async (query = '') => {
      const answer = await http('GET', `/v2/a/referrers/${subject.digest}${query}`);
      expect(answer).toMatchObject({ status: 200, headers: { 'content-type': INDEX } });
      return { ...answer, manifests: (answer.json() as { manifests: Record<string, unknown>[] }).manifests };
    };
    expect((await list()).manifests).toEqual([]);
    const signature = await putArtifact(http, 'a', undefined, { subject, artifactType: 'x/signature', annotations: { k: 'v' } });
    expect(signature.answer.headers['oci-subject']).toBe(subject.digest);
    await putArtifact(http, 'a', 'bom', { subject, artifactType: 'x/bom' });
    const { manifests } = await list();
    expect(manifests).toHaveLength(2);
    expect(manifests).toContainEqual({
      mediaType: MANIFEST,
      digest: signature.digest,
      size: signature.manifest.length,
      artifactType: 'x/signature',
      annotations: { k: 'v' },
    });
    const filtered = await list('?artifactType=x/bom');
    expect(filtered.headers['oci-filters-applied']).toBe('artifactType');
    expect(filtered.manifests.map((one) => one.artifactType)).toEqual(['x/bom']);
    expect((await http('DELETE', `/v2/a/manifests/${signature.digest}`)).status).toBe(202);
    expect((await list()).manifests).toHaveLength(1);
    expect((await http('GET', '/v2/a/referrers/nothing')).status).toBe(400);
    expect((await http('GET', `/v2/none/referrers/${subject.digest}`)).status).toBe(200);
  });
});

describe('deletion', () => {
  test('of tags, manifests and blobs, and of no blob that a manifest needs', async () => {
    const { digest, layer } = await putArtifact(http, 'a', 'one');
    await http('PUT', '/v2/a/manifests/two', { body: (await http('GET', '/v2/a/manifests/one')).body, headers: { 'content-type': MANIFEST } });
    expect((await http('DELETE', `/v2/a/blobs/${layer.digest}`)).status).toBe(405);
    expect((await http('DELETE', '/v2/a/manifests/one')).status).toBe(202);
    expect((await http('GET', '/v2/a/manifests/one')).status).toBe(404);
    expect((await http('GET', '/v2/a/manifests/two')).status).toBe(200);
    expect((await http('DELETE', `/v2/a/manifests/${digest}`)).status).toBe(202);
    expect((await http('GET', '/v2/a/manifests/two')).status).toBe(404);
    expect((await http('DELETE', `/v2/a/manifests/${digest}`)).status).toBe(404);
    expect((await http('DELETE', `/v2/a/blobs/${layer.digest}`)).status).toBe(202);
    expect((await http('HEAD', `/v2/a/blobs/${layer.digest}`)).status).toBe(404);
    expect((await http('DELETE', `/v2/a/blobs/${layer.digest}`)).status).toBe(404);
  });

  test('only where it was allowed', async () => {
    const strict = await testRegistry();
    try {
      const { digest, layer } = await putArtifact(strict.http, 'a', 'one');
      for (const path of ['manifests/one', `manifests/${digest}`, `blobs/${layer.digest}`]) {
        const answer = await strict.http('DELETE', `/v2/a/${path}`);
        expect([answer.status, codeOf(answer)]).toEqual([405, 'UNSUPPORTED']);
        expect((await strict.http('HEAD', `/v2/a/${path}`)).status).toBe(200);
      }
    } finally {
      await strict.remove();
    }
  });
});

describe('what a repository needs', () => {
  test('stays when garbage is collected, and goes once nothing needs it', async () => {
    const { layer, digest } = await putArtifact(http, 'a', 'one');
    const all = async () => {
      const digests: string[] = [];
      for await (const blob of registry.store.list()) digests.push(blob.digest);
      return digests;
    };
    for (const blob of await all()) expect(await registry.store.remove(blob)).toBe(0);
    expect((await http('GET', `/v2/a/blobs/${layer.digest}`)).status).toBe(200);
    await http('DELETE', `/v2/a/manifests/${digest}`);
    await http('DELETE', `/v2/a/blobs/${layer.digest}`);
    expect(await registry.store.remove(layer.digest)).toBeGreaterThan(0);
    expect(await registry.store.remove(digest)).toBeGreaterThan(0);
  });
});

describe('the door', () => {
  test.each([
    ['GET', '/v2/../../etc/passwd', 404],
    ['GET', '/v2/%2e%2e/blobs/x', 400],
    ['GET', '/v2/A/tags/list', 400],
    ['GET', '/v2/%zz/tags/list', 400],
    ['GET', '/', 404],
    ['POST', '/v2/', 405],
    ['OPTIONS', '/v2/', 405],
    ['PUT', '/v2/a/tags/list', 405],
  ])('%s %s is answered with %i', async (method, path, status) => expect((await http(method, path)).status).toBe(status));

  test('speaks to programs of this computer under its own name only, and to no web page', async () => {
    expect((await http('GET', '/v2/', { headers: { host: 'evil.example' } })).status).toBe(403);
    for (const host of ['localhost.evil.example', 'evil.example:127', '127.0.0.1.evil.example', '[::1]x'])
      expect((await http('GET', '/v2/', { headers: { host } })).status).toBeGreaterThanOrEqual(400);
    // Through a tunnel it is another port.
    for (const host of [`localhost:${registry.port}`, '127.0.0.1:1', '[::1]:5000', 'LOCALHOST'])
      expect((await http('GET', '/v2/', { headers: { host } })).status).toBe(200);
    expect((await http('POST', '/v2/a/blobs/uploads/', { headers: { origin: 'http://evil.example' } })).status).toBe(403);
  });

  test('says what it is, as clients look for', async () => {
    expect(await http('GET', '/v2/')).toMatchObject({ status: 200, headers: { 'docker-distribution-api-version': 'registry/2.0' } });
  });

  test('answers a client that speaks TLS to it at once, so that it tries without', async () => {
    const socket = connect(registry.port, '127.0.0.1');
    socket.write(Buffer.from('16030100c8010000c403', 'hex'));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 400 /);
    socket.destroy();
  });

  test('refuses a body nobody asked for before it has come', async () => {
    const socket = connect(registry.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(`PUT /v2/a/manifests/x HTTP/1.1\r\nHost: 127.0.0.1:${registry.port}\r\nContent-Type: ${MANIFEST}\r\nContent-Length: 99999999\r\n\r\n`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 413 /);
    const junk = setInterval(() => socket.write(Buffer.alloc(256 * 1024)), 5);
    await once(socket, 'close');
    clearInterval(junk);
  });
});
