/** A registry that meets a fault in the middle of a push, and what must hold afterwards. Shared by the short and the long sweep. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { type Http, httpTo, MANIFEST, sha256 } from '../../integration/distribution/registry.ts';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
/** Bytes in one PATCH, and of the blob: some pieces and a part. */
const PIECE = 40_000;
const BLOB = Buffer.from(Array.from({ length: 150_000 }, (_, i) => (i * 7919) % 251));
const DIGEST = sha256(BLOB);
const MANIFEST_BYTES = Buffer.from(
  JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config: { mediaType: 'application/octet-stream', digest: DIGEST, size: BLOB.length }, layers: [] }),
);

interface Running {
  /** undefined when it ended before it listened. */
  http: Http | undefined;
  ended: Promise<unknown>;
  kill(): Promise<void>;
}

async function start(dir: string, env: Record<string, string>): Promise<Running> {
  const child = spawn(process.execPath, ['--import', here('../bundles/fault-at.mjs'), here('registry-child.ts'), dir], {
    env: { PATH: process.env.PATH, TMPDIR: tmpdir(), ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = once(child, 'close');
  const first = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended.then(() => undefined)]);
  return {
    http: first ? httpTo(Number(first[0])) : undefined,
    ended,
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** What a client remembers: the address of its upload, and up to where the server has said that it has it. */
interface Memory {
  location?: string | undefined;
  acknowledged: number;
  sent: number;
}

/** Any answer that is none of success. */
class Refused extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`status ${status}`);
    this.status = status;
  }
}

/** Pushes the blob in pieces, then a manifest; goes on from where the server says that it is. @throws Refused, or what the line says */
async function push(http: Http, memory: Memory): Promise<void> {
  const must = async (expected: number, ...asked: Parameters<Http>) => {
    const answer = await http(...asked);
    if (answer.status !== expected) throw new Refused(answer.status);
    return answer;
  };
  if ((await http('HEAD', `/v2/a/blobs/${DIGEST}`)).status !== 200) {
    let offset = 0;
    if (memory.location !== undefined) {
      const status = await http('GET', memory.location);
      if (status.status === 204) {
        const last = Number(/^0-(\d+)$/.exec(String(status.headers.range))?.[1]);
        offset = last === 0 ? 0 : last + 1;
        // What was acknowledged is there, and nothing that was not sent.
        expect(offset).toBeGreaterThanOrEqual(memory.acknowledged);
        expect(offset).toBeLessThanOrEqual(memory.sent);
      } else {
        expect([status.status, memory.acknowledged < BLOB.length]).toEqual([404, false]);
        memory.location = undefined;
      }
    }
    if (memory.location === undefined) {
      memory.location = (await must(202, 'POST', '/v2/a/blobs/uploads/')).headers.location ?? '';
      memory.acknowledged = 0;
    }
    while (offset < BLOB.length) {
      const end = Math.min(offset + PIECE, BLOB.length);
      memory.sent = Math.max(memory.sent, end);
      await must(202, 'PATCH', memory.location, { body: BLOB.subarray(offset, end), headers: { 'content-range': `${offset}-${end - 1}` } });
      memory.acknowledged = end;
      offset = end;
    }
    await must(201, 'PUT', `${memory.location}?digest=${DIGEST}`);
  }
  await must(201, 'PUT', '/v2/a/manifests/one', { body: MANIFEST_BYTES, headers: { 'content-type': MANIFEST } });
}

/** What an undisturbed push does to the file system, in order. @returns where the push itself begins, and the number of all steps */
export async function undisturbed(dir: string): Promise<{ from: number; steps: number }> {
  const work = await mkdtemp(join(dir, 'whole-'));
  const log = join(work, 'steps.log');
  const server = await start(work, { FAULT_LOG: log });
  const lines = async () => (await readFile(log, 'utf8')).trim().split('\n').length;
  const from = await lines();
  if (server.http) await push(server.http, { acknowledged: 0, sent: 0 });
  const steps = await lines();
  await server.kill();
  return { from, steps };
}

/** A push that meets a fault at step `at`; then another server, without one, that it goes on with. */
export async function pushWithFault(dir: string, kind: 'kill' | 'full', at: number): Promise<void> {
  const work = await mkdtemp(join(dir, `${kind}-${at}-`));
  const memory: Memory = { acknowledged: 0, sent: 0 };
  const first = await start(work, { FAULT_AT: String(at), FAULT_KIND: kind });
  const error: unknown =
    first.http &&
    (await push(first.http, memory).then(
      () => undefined,
      (thrown: unknown) => thrown,
    ));
  if (kind === 'kill') await first.ended;
  // A full disk is said, and the server goes on.
  else if (error !== undefined) expect(error).toMatchObject({ status: 507 });
  if (kind === 'full' && first.http) expect((await first.http('GET', '/v2/')).status).toBe(200);
  await first.kill();

  const second = await start(work, {});
  const http = second.http;
  if (!http) throw new Error('it did not start again');
  try {
    // Nothing half: what is there is whole, and a tag leads to what it names.
    const blob = await http('GET', `/v2/a/blobs/${DIGEST}`);
    expect([200, 404]).toContain(blob.status);
    if (blob.status === 200) expect(blob.body.equals(BLOB)).toBe(true);
    if ((await http('GET', '/v2/a/manifests/one')).status === 200) expect(blob.status).toBe(200);
    await push(http, memory);
    expect((await http('GET', `/v2/a/blobs/${DIGEST}`)).body.equals(BLOB)).toBe(true);
    expect((await http('GET', '/v2/a/manifests/one')).body.equals(MANIFEST_BYTES)).toBe(true);
    await onlyWholeBlobs(join(work, 'store'));
  } finally {
    await second.kill();
  }
}

/** Every blob of the store has the bytes that its name says, and nothing that was begun stands beside them as one. */
async function onlyWholeBlobs(store: string): Promise<void> {
  const names = await readdir(join(store, 'blobs', 'sha256'));
  for (const name of names) expect(sha256(await readFile(join(store, 'blobs', 'sha256', name)))).toBe(`sha256:${name}`);
  expect(names.sort()).toEqual([DIGEST, sha256(MANIFEST_BYTES)].map((digest) => digest.slice('sha256:'.length)).sort());
}
