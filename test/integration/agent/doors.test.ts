/** The management and inference doors against those who should not come in, and those who send what they should not. */
import { createHash, randomBytes } from 'node:crypto';
import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openKeyring } from '#core/trust';
import { type AgentProcess, cleanUp, startAgent, temporaryFolder } from './agent-process.ts';
import { dial, enrol, makeWorkspace, type TestWorkspace, WHOLE_TABLE } from './workspace.ts';

let workspace: TestWorkspace;
let agent: AgentProcess;
let device: ReturnType<TestWorkspace['device']>;

beforeAll(async () => {
  workspace = await makeWorkspace();
  agent = await startAgent(await temporaryFolder('agent'), ['--pair']);
  await enrol(agent, workspace);
  device = workspace.device(agent);
});
afterAll(cleanUp);

/** GET /v1/status with these TLS options; the error code when it does not come that far. */
function knock(tls: object): Promise<string> {
  const [host, port] = agent.ready.management.split(':');
  return new Promise((done) => {
    const request = tlsRequest({ host, port, path: '/v1/status', agent: false, rejectUnauthorized: false, ...tls }, (response) => {
      response.resume();
      done(`status ${String(response.statusCode)}`);
    });
    request.on('error', (error) => done(`refused ${'code' in error ? String(error.code) : error.message}`));
    request.end();
  });
}

describe('the management door', () => {
  test('opens for the workspace only, over TLS 1.3 only', async () => {
    const own = workspace.keyring.clientTls();
    const stranger = (await openKeyring(await temporaryFolder('keys'))).clientTls();
    expect(await knock({ cert: own.cert, key: own.key })).toBe('status 200');
    expect(await knock({})).toMatch(/^refused/);
    expect(await knock({ cert: stranger.cert, key: stranger.key })).toMatch(/^refused/);
    expect(await knock({ cert: own.cert, key: own.key, maxVersion: 'TLSv1.2', minVersion: 'TLSv1.2' })).toMatch(/^refused/);
  });

  test('a certificate of the same CA with the role of a device is not enough', async () => {
    const other = await startAgent(await temporaryFolder('agent'), ['--pair']);
    await enrol(other, workspace);
    await other.end('SIGTERM');
    const { default: Database } = await import('better-sqlite3');
    const db = new Database(join(other.dir, 'agent.db'), { readonly: true });
    const row = db.prepare<[], { certificate: string; private_key: string }>('SELECT certificate, private_key FROM trust, identity').get();
    db.close();
    expect(await knock({ cert: row?.certificate, key: row?.private_key })).toMatch(/^refused/);
  });

  test('strangers who only hold connections open keep the workspace out of neither door', async () => {
    const pairing = await startAgent(await temporaryFolder('agent'), ['--pair']);
    const hold = async (address: string) => {
      const [host, port] = address.split(':');
      const sockets = Array.from({ length: 300 }, () => connect({ host, port: Number(port) }).on('error', () => {}));
      await Promise.all(sockets.map((socket) => new Promise((done) => socket.once('connect', done).once('close', done))));
      return () => sockets.forEach((socket) => void socket.destroy());
    };
    const release = [await hold(agent.ready.management), await hold(pairing.ready.pairing?.address ?? '')];
    try {
      const own = workspace.keyring.clientTls();
      expect(await knock({ cert: own.cert, key: own.key })).toBe('status 200');
      await enrol(pairing, workspace);
    } finally {
      for (const end of release) end();
      await pairing.end('SIGKILL');
    }
  });

  test('bodies are bounded and checked, unknown addresses and methods are told apart', async () => {
    const answer = async (method: string, path: string, body?: Uint8Array) => (await device.peer.request(method, path, body ? { body } : {})).status;
    expect(await answer('GET', '/v1/nothing')).toBe(404);
    expect(await answer('GET', '/v1/deployments/unknown')).toBe(404);
    expect(await answer('GET', '/v1/deployments')).toBe(405);
    expect(await answer('POST', '/v1/deployments', Buffer.from('{"id":'))).toBe(400);
    expect(await answer('POST', '/v1/deployments', Buffer.from('{"id":"x"}'))).toBe(400);
    expect(await answer('POST', '/v1/deployments', Buffer.alloc(1024 * 1024 + 1, 0x20)).catch(() => 413)).toBe(413);
    expect(await answer('GET', '/v1/events?after=-1')).toBe(400);
    expect(await answer('GET', '/v1/events?after=0&wait=20001')).toBe(400);
    expect(await answer('DELETE', `/v2/lookup/blobs/sha256:${'0'.repeat(64)}`)).toBe(405);
    expect(await answer('GET', '/v2/_catalog')).toBe(404);
    expect(await answer('GET', '//[')).toBe(400);
    expect(await answer('GET', '/v2/')).toBe(200);
  });
});

describe('push', () => {
  const put = (path: string, body: Uint8Array, headers: Record<string, string> = {}) =>
    device.peer.request('PATCH', path, { body, headers: { 'content-type': 'application/octet-stream', ...headers } });
  const begin = async (model = 'lookup', query = '') => device.peer.request('POST', `/v2/${model}/blobs/uploads/${query}`);

  test('takes nothing that no accepted deployment lists', async () => {
    const stray = randomBytes(64);
    const digest = `sha256:${createHash('sha256').update(stray).digest('hex')}`;
    expect((await begin('nobody-asked')).status).toBe(403);
    const order = await workspace.order({ version: '1.0.0', table: WHOLE_TABLE });
    const { missing } = await device.offer(order);
    expect([...missing].sort()).toEqual(order.blobs.map((b) => b.digest).sort());
    expect((await begin('lookup', `?digest=${digest}`)).status).toBe(403);
    const location = (await begin()).headers.location ?? '';
    await put(location, stray);
    expect((await device.peer.request('PUT', `${location}?digest=${digest}`)).status).toBe(403);
    expect((await device.peer.request('PUT', `/v2/lookup/manifests/${digest}`, { body: stray })).status).toBe(403);
    expect((await device.peer.request('HEAD', `/v2/lookup/blobs/${digest}`)).status).toBe(404);
    await device.post(`/v1/deployments/${order.id}/cancel`);
    // With the decision gone, so is the permission.
    expect((await begin()).status).toBe(403);
  });

  test('takes a small blob whole with the request that begins it: of its size, with its bytes, and only one that is awaited', async () => {
    const order = await workspace.order({ version: '1.0.0', table: WHOLE_TABLE });
    await device.offer(order);
    const [model = order.manifest] = order.blobs.toSorted((a, b) => b.size - a.size);
    const bytes = await workspace.store.read(model.digest);
    const post = async (digest: string, body: Uint8Array) => {
      const answer = await device.peer.request('POST', `/v2/lookup/blobs/uploads/?digest=${digest}`, { body });
      return answer.status;
    };
    expect(await post(`sha256:${createHash('sha256').update('stray').digest('hex')}`, bytes)).toBe(403);
    expect(await post(model.digest, bytes.subarray(1))).toBe(400);
    expect(await post(model.digest, Buffer.alloc(model.size))).toBe(400);
    expect((await device.offer(order)).missing).toContain(model.digest);
    expect(await post(model.digest, bytes)).toBe(201);
    expect((await device.offer(order)).missing).not.toContain(model.digest);
    expect(await readdir(join(agent.dir, 'uploads'))).toEqual([]);
    await device.post(`/v1/deployments/${order.id}/cancel`);
  });

  test('stops at the first byte too many, and lets only the right bytes count', async () => {
    const order = await workspace.order({ version: '1.0.1', table: WHOLE_TABLE });
    await device.offer(order);
    const model = order.blobs.toSorted((a, b) => b.size - a.size)[0] ?? order.manifest;
    const first = (await begin('lookup', `?digest=${model.digest}`)).headers.location ?? '';
    expect(
      await put(first, Buffer.alloc(model.size + 1)).then(
        (a) => a.status,
        () => 413,
      ),
    ).toBe(413);
    expect((await device.peer.request('GET', first)).status).toBe(404);
    // Without a digest the bound is the largest blob that is awaited; a chunked body has no length to look at.
    const second = (await begin()).headers.location ?? '';
    const endless = await new Promise<string>((done) => {
      const [host, port] = agent.ready.management.split(':');
      const { cert, key } = workspace.keyring.clientTls();
      const request = tlsRequest({ host, port, path: second, method: 'PATCH', agent: false, cert, key, rejectUnauthorized: false }, (response) => {
        response.resume();
        done(`status ${String(response.statusCode)}`);
      });
      request.on('error', () => done('cut'));
      const more = () => {
        while (!request.destroyed && request.write(Buffer.alloc(64 * 1024)));
      };
      request.on('drain', more);
      more();
    });
    expect(['status 413', 'cut']).toContain(endless);
    expect(await readdir(join(agent.dir, 'uploads'))).toEqual([]);
    // The right length with the wrong bytes.
    const third = (await begin()).headers.location ?? '';
    await put(third, Buffer.alloc(model.size, 7));
    const wrong = await device.peer.request('PUT', `${third}?digest=${model.digest}`);
    expect(wrong.status).toBe(400);
    expect(wrong.body.toString()).toContain('DIGEST_INVALID');
    expect((await device.get(order.id)).missing).toContain(model.digest);
    await device.post(`/v1/deployments/${order.id}/cancel`);
  });

  test('goes on where it was cut, also after kill -9 of the agent', async () => {
    const order = await workspace.order({ version: '1.0.2', table: WHOLE_TABLE });
    await device.offer(order);
    const model = order.blobs.toSorted((a, b) => b.size - a.size)[0] ?? order.manifest;
    const bytes = await workspace.store.read(model.digest);
    const location = (await begin()).headers.location ?? '';
    const half = Math.floor(bytes.length / 2);
    const patched = await put(location, bytes.subarray(0, half), { 'content-range': `0-${half - 1}` });
    expect(patched).toMatchObject({ status: 202, headers: { range: `0-${half - 1}` } });
    // A piece that does not follow what is there.
    expect((await put(location, bytes.subarray(half + 1), { 'content-range': `${half + 1}-${bytes.length - 1}` })).status).toBe(416);
    await agent.end('SIGKILL');
    device.peer.close();
    agent = await startAgent(agent.dir);
    device = workspace.device(agent);
    expect((await device.peer.request('GET', location)).headers.range).toBe(`0-${half - 1}`);
    expect((await put(location, bytes.subarray(half), { 'content-range': `${half}-${bytes.length - 1}` })).status).toBe(202);
    expect((await device.peer.request('PUT', `${location}?digest=${model.digest}`)).status).toBe(201);
    expect((await device.peer.request('HEAD', `/v2/lookup/blobs/${model.digest}`)).headers['content-length']).toBe(String(model.size));
    expect(await device.deploy(order)).toMatchObject({ state: 'active' });
  });
});

describe('the inference door', () => {
  const get = async (path: string) => {
    const response = await fetch(`http://${agent.ready.inference}${path}`);
    const text = await response.text();
    return { status: response.status, text, body: response.headers.get('content-type')?.startsWith('application/json') ? JSON.parse(text) : undefined };
  };
  const infer = async (body: unknown, path = '/v2/models/lookup/infer') => {
    const response = await fetch(`http://${agent.ready.inference}${path}`, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) });
    return { status: response.status, body: await response.json() };
  };

  test('speaks the Open Inference Protocol', async () => {
    expect((await get('/v2')).body).toMatchObject({ name: 'edgewright-agent', extensions: ['generate'] });
    expect(await get('/v2/health/live')).toMatchObject({ status: 200, body: { live: true } });
    expect(await get('/v2/health/ready')).toMatchObject({ status: 200 });
    expect((await get('/v2/models/lookup')).body).toEqual({
      name: 'lookup',
      versions: ['1.0.2'],
      platform: 'onnx_onnxv1',
      inputs: [{ name: 'index', datatype: 'INT64', shape: [-1] }],
      outputs: [{ name: 'value', datatype: 'FP32', shape: [-1] }],
    });
    expect((await get('/v2/models/lookup/versions/1.0.2/ready')).body).toEqual({ name: 'lookup', ready: true });
    expect((await get('/v2/models/lookup/versions/9.9.9')).status).toBe(404);
    expect(await get('/v2/models/nothing')).toMatchObject({ status: 404, body: { error: expect.any(String) } });
    const answer = await infer({ id: 'abc', inputs: [{ name: 'index', shape: [2], datatype: 'INT64', data: [[1], [9]] }], outputs: [{ name: 'value' }] });
    expect(answer).toEqual({
      status: 200,
      body: { model_name: 'lookup', model_version: '1.0.2', id: 'abc', outputs: [{ name: 'value', shape: [2], datatype: 'FP32', data: [11, 19] }] },
    });
  });

  test.each([
    ['not JSON', '{', 400],
    ['no inputs', {}, 400],
    ['an unknown input', { inputs: [{ name: 'x', shape: [1], datatype: 'INT64', data: [1] }] }, 400],
    ['another datatype', { inputs: [{ name: 'index', shape: [1], datatype: 'FP32', data: [1] }] }, 400],
    ['another rank', { inputs: [{ name: 'index', shape: [1, 1], datatype: 'INT64', data: [1] }] }, 400],
    ['too few values', { inputs: [{ name: 'index', shape: [2], datatype: 'INT64', data: [1] }] }, 400],
    ['too many values', { inputs: [{ name: 'index', shape: [1], datatype: 'INT64', data: [1, 2] }] }, 400],
    ['a fraction for an integer', { inputs: [{ name: 'index', shape: [1], datatype: 'INT64', data: [1.5] }] }, 400],
    ['a shape beyond all bounds', { inputs: [{ name: 'index', shape: [2 ** 40], datatype: 'INT64', data: [1] }] }, 400],
    ['an unknown output', { inputs: [{ name: 'index', shape: [1], datatype: 'INT64', data: [1] }], outputs: [{ name: 'y' }] }, 400],
    ['what the model itself fails on', { inputs: [{ name: 'index', shape: [1], datatype: 'INT64', data: [99] }] }, 500],
  ])('answers %s with an error body', async (_what, body, status) => {
    const answer = await infer(body);
    expect(answer.status).toBe(status);
    expect(answer.body).toEqual({ error: expect.any(String) });
  });

  test('refuses wrong methods, large bodies, and requests meant for another host', async () => {
    expect((await fetch(`http://${agent.ready.inference}/v2/models/lookup/infer`)).status).toBe(405);
    expect((await fetch(`http://${agent.ready.inference}/v2/models/lookup`, { method: 'DELETE' })).status).toBe(405);
    const asHost = (host: string, headers: Record<string, string> = {}) =>
      new Promise<number | undefined>((done, fail) => {
        const [, port] = agent.ready.inference.split(':');
        plainRequest({ host: '127.0.0.1', port, path: '/v2/health/live', headers: { host, ...headers } }, (response) => {
          response.resume();
          done(response.statusCode);
        })
          .on('error', fail)
          .end();
      });
    expect(await asHost('localhost')).toBe(200);
    expect(await asHost('[::1]:80')).toBe(200);
    expect(await asHost('rebound.example')).toBe(403);
    expect(await asHost('127.0.0.1.example:80')).toBe(403);
    // What a page that somebody visits could send across, unseen.
    expect(await asHost('127.0.0.1', { origin: 'https://elsewhere.example' })).toBe(403);
    expect(await asHost('127.0.0.1', { origin: 'null' })).toBe(403);
    expect(await asHost('127.0.0.1', { origin: 'http://localhost:3000' })).toBe(200);
    const large = await new Promise<string>((done) => {
      const [, port] = agent.ready.inference.split(':');
      const request = plainRequest(
        { host: '127.0.0.1', port, method: 'POST', path: '/v2/models/lookup/infer', headers: { 'content-length': String(33 * 1024 * 1024) } },
        (response) => done(String(response.statusCode)),
      );
      request.on('error', () => done('cut'));
      request.write('{');
    });
    expect(large).toBe('413');
  });

  test('counts what it did for Prometheus, in seconds', async () => {
    const { text } = await get('/metrics');
    expect(text).toMatch(/edgewright_inference_requests_total\{model="lookup",version="1.0.2",variant="fp32",outcome="success"\} \d+/);
    expect(text).toMatch(/edgewright_inference_duration_seconds_bucket\{le="0.00025",model="lookup"/);
    expect(text).toContain('edgewright_model_ready{model="lookup",version="1.0.2",variant="fp32"} 1');
  });

  test('bounds what waits: beyond that it says 503 and forgets nothing it took', async () => {
    const answers = await Promise.all(Array.from({ length: 200 }, () => infer({ inputs: [{ name: 'index', shape: [1], datatype: 'INT64', data: [5] }] })));
    const counts = Object.groupBy(answers, (a) => String(a.status));
    expect(Object.keys(counts).filter((status) => status !== '200' && status !== '503')).toEqual([]);
    expect((counts['200'] ?? []).every((a) => a.body.outputs[0].data[0] === 15)).toBe(true);
    expect(counts['200']?.length).toBeGreaterThanOrEqual(128);
  });
});

test('the door stays shut for raw TLS without a certificate', async () => {
  const socket = await dial(agent.ready.management, {});
  const end = await new Promise<string>((done) => {
    socket.on('error', () => done('alert'));
    socket.on('close', () => done('closed'));
    socket.write('GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n');
    socket.on('data', () => done('answered'));
  });
  expect(end).not.toBe('answered');
});
