import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type BlobStore, openStore } from '#core/bundles';

const sha256 = (data: Uint8Array) => `sha256:${createHash('sha256').update(data).digest('hex')}`;

let dir: string;
let store: BlobStore;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ew-store-'));
  store = await openStore(dir);
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function* pieces(data: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
}

async function leftovers(): Promise<string[]> {
  return [...(await readdir(join(dir, 'ingest'))), ...(await readdir(join(dir, 'blobs', 'sha256')))];
}

test('a new store is an OCI image layout', async () => {
  expect(JSON.parse(await readFile(join(dir, 'oci-layout'), 'utf8'))).toEqual({ imageLayoutVersion: '1.0.0' });
  expect(JSON.parse(await readFile(join(dir, 'index.json'), 'utf8'))).toEqual({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [],
  });
});

test('whatever is put can be read, streamed, verified, listed and removed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), fc.integer({ min: 1, max: 700 }), async (data, size) => {
      const blob = await store.put(pieces(data, size));
      expect(blob).toEqual({ digest: sha256(data), size: data.length });
      expect(Buffer.compare(await store.read(blob.digest), data)).toBe(0);
      expect(Buffer.concat(await store.stream(blob.digest).toArray())).toEqual(Buffer.from(data));
      expect(await store.verify(blob.digest)).toBe(true);
      const listed = [];
      for await (const entry of store.list()) listed.push(entry);
      expect(listed).toEqual([blob]);
      expect(await store.remove(blob.digest)).toBe(data.length);
      expect(await store.has(blob.digest)).toBe(false);
      expect(await store.verify(blob.digest)).toBe(false);
    }),
    { numRuns: 25 },
  );
});

test('a file and bytes with the same content are one blob', async () => {
  const data = randomBytes(3 * 1024 * 1024);
  await writeFile(join(dir, 'f'), data);
  const [a, b] = [await store.put({ file: join(dir, 'f') }), await store.put(data)];
  expect(a).toEqual(b);
  expect((await stat(store.path(a.digest))).mode & 0o222).toBe(0);
});

test('one byte too many, too few, or wrong is refused, and nothing is left', async () => {
  const data = Buffer.from('what was promised');
  const digest = sha256(data);
  const put = (bytes: Uint8Array) => store.put(pieces(bytes, 4), { digest, size: data.length });
  await expect(put(Buffer.concat([data, Buffer.from('!')]))).rejects.toMatchObject({ code: 'store.size-mismatch', owner: 'trust' });
  await expect(put(data.subarray(1))).rejects.toMatchObject({ code: 'store.size-mismatch' });
  await expect(put(Buffer.from('what was promiseD'))).rejects.toMatchObject({ code: 'store.digest-mismatch', owner: 'trust' });
  expect(await leftovers()).toEqual([]);
});

test('an endless stream is stopped at its first byte too many', async () => {
  let sent = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      sent += 1000;
      yield Buffer.alloc(1000);
    }
  }
  await expect(store.put(endless(), { size: 2500 })).rejects.toMatchObject({ code: 'store.size-mismatch' });
  expect(sent).toBe(3000);
  expect(await leftovers()).toEqual([]);
});

test('a source that fails or is cancelled leaves nothing', async () => {
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('a');
    throw new Error('the line was cut');
  }
  await expect(store.put(failing())).rejects.toThrow('the line was cut');
  const controller = new AbortController();
  controller.abort();
  await expect(store.put(pieces(Buffer.from('abc'), 1), { signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' });
  expect(await leftovers()).toEqual([]);
});

test('changed bytes are noticed when read', async () => {
  const { digest } = await store.put(Buffer.from('original'));
  await rm(store.path(digest));
  await writeFile(store.path(digest), 'origimal');
  await expect(store.read(digest)).rejects.toMatchObject({ code: 'store.blob-altered', owner: 'trust' });
  expect(await store.verify(digest)).toBe(false);
});

test('a digest never becomes a path outside the store', async () => {
  for (const digest of ['../x', 'sha256:../../x', `sha256:${'a'.repeat(63)}`, `sha512:${'a'.repeat(64)}`, `sha256:${'a'.repeat(64)}/..`]) {
    expect(() => store.path(digest)).toThrow(expect.objectContaining({ code: 'usage.digest' }));
    await expect(store.read(digest)).rejects.toMatchObject({ code: 'usage.digest' });
  }
});

test('a missing blob and one larger than asked for are refused', async () => {
  await expect(store.read(sha256(Buffer.from('x')))).rejects.toMatchObject({ code: 'store.blob-missing', owner: 'machine' });
  const { digest } = await store.put(Buffer.alloc(1000));
  await expect(store.read(digest, 999)).rejects.toMatchObject({ code: 'input.too-large' });
});

test('changes of the index from several places queue up and none is lost', async () => {
  const second = await openStore(dir);
  const add = (s: BlobStore, n: number) =>
    s.exclusively(async () =>
      s.writeIndex([...(await s.readIndex()), { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: sha256(Buffer.from([n])), size: n }]),
    );
  await Promise.all(Array.from({ length: 12 }, (_, n) => add(n % 2 ? store : second, n)));
  expect((await store.readIndex()).map((entry) => entry.size).sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, n) => n));
});

test('a sweep removes what dead processes left, and not what live ones hold', async () => {
  const ingest = join(dir, 'ingest');
  const mine = await store.stagingFolder();
  await mkdir(join(ingest, '999999999-1-00000000-abcdef'));
  await writeFile(join(ingest, `${process.pid}-1-00000000-abcdef`), 'an earlier run with our pid');
  await writeFile(join(ingest, 'stray'), '');
  await writeFile(join(dir, '.tmp-index.json-123'), '');
  await store.sweepTemp();
  expect((await readdir(ingest)).map((name) => join(ingest, name))).toEqual([mine]);
  expect((await readdir(dir)).filter((name) => name.startsWith('.tmp-'))).toEqual([]);
});
