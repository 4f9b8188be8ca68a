/** Pushing to registries of every kind: what they lack is sent, once, and what others put there stays. */
import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openStore } from '#core/bundles';
import { makeTensor, writeNpz } from '#core/datasets';
import { openPullSource, openRegistryMemory, openRepositories, pushBundle, type RegistryAccess } from '#core/distribution';
import { systemClock } from '#core/platform';
import { type Elsewhere, elsewhere } from '../bundles/sources.ts';
import { admit, dir, keys, registry, source, store } from '../bundles/workspace.ts';
import { clientTo, type Front, frontOf, QUICK, send } from './front.ts';

const MIB = 1024 * 1024;

let friend: Elsewhere;
/** An empty registry, behind a front that may misbehave. */
let front: Front;
let index: string;
let variant: string;
beforeEach(async () => {
  const built = await registry.build(source, { admit });
  index = built.digest;
  variant = built.variants[0]?.digest ?? '';
  friend = await elsewhere(join(dir, 'friend'), keys);
  front = await frontOf(await openStore(join(dir, 'far')));
});
afterEach(async () => {
  await front.close();
  friend.close();
});

async function push(
  options: { repository?: string; access?: RegistryAccess; memory?: ReturnType<typeof openRegistryMemory>; signal?: AbortSignal; giveUpMs?: number } = {},
) {
  const repository = options.repository ?? 'digits';
  const client = await clientTo(front.host, options.access ?? {}, repository);
  const memory = options.memory ?? openRegistryMemory(join(dir, `${randomUUID()}.db`), systemClock);
  const repositories = openRepositories({ store, clock: systemClock });
  try {
    const content = await repositories.content('digits', '1.0.0');
    const result = await pushBundle(client, content, {
      retries: { ...QUICK, signal: options.signal, giveUpMs: options.giveUpMs ?? QUICK.giveUpMs },
      tag: '1.0.0',
      memory: memory.uploads(front.host, repository),
      mountFrom: (digest) => [memory.holder(front.host, digest, repository)].filter((one) => one !== undefined),
    });
    memory.noteSent(
      front.host,
      repository,
      content.blobs.map((blob) => blob.digest),
    );
    return result;
  } finally {
    client.close();
    repositories.close();
    if (!options.memory) memory.close();
  }
}

/** The bundle as another workspace takes it in from there. */
async function pulled() {
  const client = await clientTo(front.host);
  try {
    return await friend.registry.receive(await openPullSource(client, { host: front.host, repository: 'digits', tag: '1.0.0' }, QUICK), { admit });
  } finally {
    client.close();
  }
}

const count = (pattern: RegExp) => front.seen.filter((line) => pattern.test(line)).length;

test('a bundle is pushed with its signature as a referrer, its tag last, and taken in again as it was', async () => {
  const result = await push();
  expect(result).toMatchObject({ digest: index, referrers: 'api', mounted: 0 });
  expect(result.bytesSent).toBe(result.bytesTotal);
  expect(front.seen.at(-1)).toBe('PUT /v2/digits/manifests/1.0.0');
  expect(count(/^PUT .*\/manifests\/1\.0\.0$/)).toBe(1);
  expect(await pulled()).toMatchObject({ digest: index, state: 'sound', signed: true });
});

test('pushed again, nothing is sent; to another repository, blobs are mounted', async () => {
  const memory = openRegistryMemory(join(dir, 'memory.db'), systemClock);
  const first = await push({ memory });
  expect(await push({ memory })).toMatchObject({ bytesSent: 0, mounted: 0 });
  front.seen.length = 0;
  expect(await push({ memory, repository: 'other/digits' })).toMatchObject({ bytesSent: 0, mounted: first.blobs });
  expect(count(/^PATCH /)).toBe(0);
  memory.close();
});

test('a registry that refuses to mount is sent the bytes', async () => {
  const memory = openRegistryMemory(join(dir, 'memory.db'), systemClock);
  await push({ memory });
  front.misbehave = (request, response) => /mount=/.test(request.url ?? '') && send(response, 403, '{"errors":[{"code":"DENIED"}]}');
  const again = await push({ memory, repository: 'other/digits' });
  expect(again).toMatchObject({ mounted: 0, bytesSent: again.bytesTotal });
  memory.close();
});

test('at most three blobs are on their way at once', async () => {
  let now = 0;
  let most = 0;
  front.misbehave = (request, response) => {
    if (request.method !== 'PUT' || !/uploads/.test(request.url ?? '')) return false;
    most = Math.max(most, ++now);
    response.on('close', () => now--);
    return false;
  };
  await push();
  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThanOrEqual(3);
});

describe('a registry without the referrers API', () => {
  /** As Docker's registry: the address is not there, and no manifest is said to refer to anything. */
  const without = () => {
    front.misbehave = (request, response) => {
      if (/\/referrers\//.test(request.url ?? '')) return send(response, 404, '404 page not found', { 'content-type': 'text/plain' });
      const { writeHead } = response;
      response.writeHead = ((status: number, headers: Record<string, string>) => {
        delete headers['oci-subject'];
        return writeHead.call(response, status, headers);
      }) as typeof writeHead;
      return false;
    };
  };
  /** A bill of materials, the statement of it, and the signature of the files. */
  const ATTACHED = ['application/vnd.cyclonedx+json', ...Array<string>(2).fill('application/vnd.dev.sigstore.bundle.v0.3+json')];
  const tag = () => variant.replace(':', '-');
  const listed = async () => {
    const client = await clientTo(front.host);
    const answer = await client.request('GET', `/v2/digits/manifests/${tag()}`);
    client.close();
    return (JSON.parse(answer.body.toString()) as { manifests: { digest: string; artifactType?: string }[] }).manifests;
  };

  test('has its tag instead, and the bundle is found signed', async () => {
    without();
    expect(await push()).toMatchObject({ referrers: 'tag' });
    expect((await listed()).map(({ artifactType }) => artifactType).sort()).toEqual(ATTACHED);
    expect(await pulled()).toMatchObject({ state: 'sound', signed: true });
    await push();
    expect(await listed()).toHaveLength(3);
  });

  test('keeps what others put under that tag, whatever it is', async () => {
    without();
    const client = await clientTo(front.host);
    const blob = Buffer.from('{}');
    const config = {
      mediaType: 'application/vnd.oci.empty.v1+json',
      digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
      size: 2,
    };
    await client.request('POST', `/v2/digits/blobs/uploads/?digest=${config.digest}`, { body: blob });
    const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', config, layers: [] }));
    const headers = { 'content-type': 'application/vnd.oci.image.manifest.v1+json' };
    const { headers: put } = await client.request('PUT', '/v2/digits/manifests/others', { body: manifest, headers });
    const theirs = { mediaType: headers['content-type'], digest: String(put['docker-content-digest']), size: manifest.length, 'x-unknown': [1] };
    const list = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: [theirs] }));
    await client.request('PUT', `/v2/digits/manifests/${tag()}`, { body: list, headers: { 'content-type': 'application/vnd.oci.image.index.v1+json' } });
    client.close();
    await push();
    expect(await listed()).toHaveLength(4);
    expect(await listed()).toContainEqual(theirs);
  });

  test('that loses an entry to somebody else’s is given it again', async () => {
    without();
    const { misbehave } = front;
    let lost = 0;
    front.misbehave = (request, response) => {
      // Somebody else's list came a moment later, and was the last.
      if (request.method === 'PUT' && request.url?.endsWith(tag()) && lost++ < 2) return send(response, 201, '');
      return misbehave(request, response);
    };
    await push();
    // One for each of the three, and one for each that was lost.
    expect(lost).toBe(5);
    expect(await listed()).toHaveLength(3);
  });
});

describe('odd registries', () => {
  describe('and a blob of more than one piece', () => {
    /** A piece is 8 MiB. */
    const LARGE_BYTES = 12 * MIB;
    beforeEach(async () => {
      await registry.remove('digits@1.0.0');
      const noise = makeTensor('uint8', [LARGE_BYTES / 64, 1, 8, 8], randomBytes(LARGE_BYTES));
      await writeNpz(join(source, 'calibration.npz'), new Map([['in_input', noise]]));
      await registry.build(source, { admit });
    });
    /** Bytes in the body of each request of this kind. */
    const lengths = (method: string) =>
      front.headers.filter((_, i) => front.seen[i]?.startsWith(`${method} `)).map((one) => Number(one['content-length'] ?? 0));

    test('one that takes no pieces gets it whole', async () => {
      front.misbehave = (request, response) => request.method === 'PATCH' && send(response, 405, '{"errors":[{"code":"UNSUPPORTED"}]}');
      await push();
      expect(lengths('PATCH')).toEqual([8 * MIB]);
      expect(Math.max(...lengths('PUT'))).toBeGreaterThan(LARGE_BYTES);
      expect(await pulled()).toMatchObject({ state: 'sound' });
    });

    test('one with a smallest piece gets no smaller, but for the last', async () => {
      front.misbehave = (request, response) => {
        if (request.method === 'POST') response.setHeader('oci-chunk-min-length', String(10 * MIB));
        return false;
      };
      await push();
      const [first, last, ...more] = lengths('PATCH');
      expect([first, more]).toEqual([10 * MIB, []]);
      expect(last).toBeGreaterThan(2 * MIB);
      expect(await pulled()).toMatchObject({ state: 'sound' });
    });
  });

  test('one whose uploads lie on another host is not shown the login there', async () => {
    const storage = await frontOf(await openStore(join(dir, 'storage')));
    try {
      front.misbehave = (request, response) => {
        if (request.headers.authorization === undefined) return send(response, 401, '', { 'www-authenticate': 'Basic realm="x"' });
        if (request.method !== 'POST') return false;
        return send(response, 202, '', { location: `http://${storage.host}/v2/digits/blobs/uploads/00000000-0000-4000-8000-000000000000` });
      };
      await push({ access: { login: { user: 'anna', password: 'secret' } } }).catch(() => {});
      expect(storage.seen.length).toBeGreaterThan(0);
      expect(storage.headers.some((headers) => headers.authorization !== undefined)).toBe(false);
    } finally {
      await storage.close();
    }
  });

  test('one that sends to a file or off TLS is not followed', async () => {
    for (const location of ['file:///tmp/x', 'http://storage.example/x', 'https://169.254.169.254/x']) {
      front.misbehave = (request, response) => request.method === 'POST' && send(response, 202, '', { location });
      await expect(push()).rejects.toMatchObject({ code: 'network.wrong-place' });
    }
  });

  test('one that refuses says so in its own words, once', async () => {
    front.misbehave = (request, response) =>
      request.method === 'POST' && send(response, 403, '{"errors":[{"code":"DENIED","message":"quota\\u001b[31m exceeded"}]}');
    await expect(push()).rejects.toMatchObject({ code: 'network.registry-login', found: 'DENIED' });
    expect(count(/^POST /)).toBeLessThanOrEqual(3);
  });

  test('one that is busy now and then gets everything all the same', async () => {
    let n = 0;
    front.misbehave = (_request, response) => n++ % 5 === 4 && send(response, n % 2 === 0 ? 429 : 500, '', { 'retry-after': '0' });
    // A computer that is busy itself must not be taken for a registry that does not get on.
    await push({ giveUpMs: 10_000 });
    front.misbehave = () => false;
    expect(await pulled()).toMatchObject({ state: 'sound' });
  });
});

test('cancelled, it ends at once', async () => {
  const abort = new AbortController();
  front.misbehave = (request) => {
    if (request.method === 'PUT') abort.abort();
    return false;
  };
  await expect(push({ signal: abort.signal })).rejects.toMatchObject({ name: 'AbortError' });
  expect(count(/manifests\/1\.0\.0$/)).toBeLessThanOrEqual(1);
});
