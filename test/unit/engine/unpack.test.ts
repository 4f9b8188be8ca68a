/** Archives that somebody with the passphrase could have made: what is in them goes where a workspace has it, or nowhere. */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tarStream } from '#core/bundles';
import { unpack } from '../../../app/engine/backup/unpack.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ew-unpack-'));
  await mkdir(join(dir, 'place'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

interface File {
  name: string;
  text: string;
}

function archive(files: readonly File[]): AsyncIterable<Uint8Array> {
  return tarStream(
    files.map(({ name, text }) => ({
      name,
      size: text.length,
      async *open() {
        yield Buffer.from(text);
      },
    })),
  );
}

const BASE = { format: 1, version: '0.1.0', createdAt: 1, workspaceId: 'a'.repeat(32), fingerprint: 'b'.repeat(64), protection: 'plain', bundles: false };
const listed = (...files: { path: string; bytes: number }[]) => ({ name: 'backup.json', text: JSON.stringify({ ...BASE, files }) });
const one = (path: string): File[] => [listed({ path, bytes: 1 }), { name: path, text: 'x' }];

test('what a workspace has is put where it has it', async () => {
  const files = ['fleet.db', 'keys/keyring.json', 'audit/000000001-000010000.jsonl', 'store/index.json'];
  const all = [listed(...files.map((path) => ({ path, bytes: 1 }))), ...files.map((name) => ({ name, text: 'x' }))];
  expect(await unpack(archive(all), join(dir, 'place'), {})).toMatchObject({ altered: [], contents: { workspaceId: BASE.workspaceId } });
  expect((await readdir(join(dir, 'place'), { recursive: true })).sort()).toEqual(
    ['audit', 'audit/000000001-000010000.jsonl', 'fleet.db', 'keys', 'keys/keyring.json', 'store', 'store/index.json'].map((p) => join(p)),
  );
});

test('a blob that is not what its name says is left out, and named', async () => {
  const name = `store/blobs/sha256/${'a'.repeat(64)}`;
  expect(await unpack(archive(one(name)), join(dir, 'place'), {})).toMatchObject({ altered: [`sha256:${'a'.repeat(64)}`] });
  expect(await readdir(join(dir, 'place', 'store', 'blobs', 'sha256'))).toEqual([]);
});

test.each<[string, File[]]>([
  ['leaves the workspace', one('../escaped')],
  ['leaves it by a detour', one('keys/../../escaped')],
  ['is absolute', one('/tmp/ew-escaped')],
  ['has a drive', one('C:/escaped')],
  ['has a backslash', one('keys\\escaped')],
  ['is none of a workspace', one('engine.json')],
  ['is of a part that is never backed up', one('practice-device/agent.db')],
  ['is hidden', one('keys/.ssh')],
  ['lies too deep', one('audit/a/b/c/d')],
  ['is no blob', one('store/blobs/sha256/x')],
  ['is not announced', [listed(), { name: 'fleet.db', text: 'x' }]],
  ['is announced twice', [listed({ path: 'fleet.db', bytes: 1 }, { path: 'fleet.db', bytes: 1 })]],
  ['is another than announced', [listed({ path: 'fleet.db', bytes: 1 }), { name: 'trials.db', text: 'x' }]],
  ['is missing', [listed({ path: 'fleet.db', bytes: 1 })]],
  ['is of another size', [listed({ path: 'fleet.db', bytes: 5 }), { name: 'fleet.db', text: 'x' }]],
  ['is of a negative size', [listed({ path: 'fleet.db', bytes: -1 })]],
  ['is larger than any disk', [listed({ path: 'fleet.db', bytes: 1e15 }), { name: 'fleet.db', text: 'x' }]],
  ['stands before the list', [{ name: 'fleet.db', text: 'x' }, listed()]],
  ['is the list, and no JSON', [{ name: 'backup.json', text: '{' }]],
  ['is the list, and of another format', [{ name: 'backup.json', text: JSON.stringify({ ...BASE, format: 9, files: [] }) }]],
])('a file that %s is refused, and nothing is written outside', async (_what, files) => {
  await expect(unpack(archive(files), join(dir, 'place'), {})).rejects.toMatchObject({ owner: expect.stringMatching(/^(trust|machine)$/) });
  expect(await readdir(dir)).toEqual(['place']);
  expect((await readdir(tmpdir())).includes('ew-escaped')).toBe(false);
});

test('links, devices, folders and what is cut off are refused', async () => {
  const good = await collected(archive([listed({ path: 'fleet.db', bytes: 1 }), { name: 'fleet.db', text: 'x' }]));
  const header = good.indexOf('fleet.db\0', 1_000);
  for (const type of ['1', '2', '3', '5', 'L']) {
    const bad = Buffer.from(good);
    bad.write(type, header + 156);
    let sum = 0;
    for (let i = 0; i < 512; i++) sum += i >= 148 && i < 156 ? 0x20 : (bad[header + i] ?? 0);
    bad.write(`${sum.toString(8).padStart(6, '0')}\0 `, header + 148);
    await expect(unpack(pieces(bad), join(dir, 'place'), {}), `type ${type}`).rejects.toMatchObject({ code: 'trust.backup-malformed' });
  }
  for (const length of [0, 100, 512, 700, good.length - 1024, good.length - 512, good.length - 1]) {
    await rm(join(dir, 'place'), { recursive: true });
    await mkdir(join(dir, 'place'));
    await expect(unpack(pieces(good.subarray(0, length)), join(dir, 'place'), {}), `${length} bytes`).rejects.toMatchObject({ code: 'trust.backup-malformed' });
  }
  await rm(join(dir, 'place'), { recursive: true });
  await mkdir(join(dir, 'place'));
  await expect(unpack(pieces(Buffer.concat([good, Buffer.alloc(512, 1)])), join(dir, 'place'), {})).rejects.toMatchObject({ code: 'trust.backup-malformed' });
});

async function collected(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return Buffer.concat(parts);
}

async function* pieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 333) yield bytes.subarray(at, at + 333);
}
