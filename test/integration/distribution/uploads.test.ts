/** Uploads that were begun and are not finished: how long they are kept, who may work on one, and what a death leaves. */
import { mkdtemp, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TooLong, UploadBusy, Uploads } from '#core/distribution';
import { startMark, systemClock } from '#core/platform';

const HOUR = 3_600_000;
let dir: string;
let now: number;
const open = (max = 3) => new Uploads(dir, { clock: { ...systemClock, now: () => now }, max, expiresMs: 24 * HOUR, yieldsMs: HOUR });
const note = { repository: 'a', maxBytes: 10 };

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ew-uploads-'));
  now = Date.now();
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function* bytes(...texts: string[]) {
  for (const text of texts) yield Buffer.from(text);
}

/** An upload with so many bytes, last touched then. */
async function begun(uploads: Uploads, text = 'abc'): Promise<string> {
  const upload = await uploads.begin(note);
  if (!upload) throw new Error('no room');
  await uploads.exclusive(upload.id, async (own) => {
    if (own) await uploads.append(own, bytes(text));
  });
  return upload.id;
}

const offsetOf = (uploads: Uploads, id: string) => uploads.exclusive(id, async (upload) => upload?.offset);

test('one that nobody came back for goes after its time, and so does what a death left of beginning one', async () => {
  const uploads = open();
  const old = await begun(uploads);
  await rename(join(dir, await begun(uploads)), join(dir, 'new-half'));
  now += 23 * HOUR;
  const young = await begun(uploads);
  await uploads.sweep();
  expect(await offsetOf(uploads, old)).toBe(3);
  await utimes(join(dir, old, 'data'), (now - 25 * HOUR) / 1000, (now - 25 * HOUR) / 1000);
  await utimes(join(dir, 'new-half'), (now - 25 * HOUR) / 1000, (now - 25 * HOUR) / 1000);
  await uploads.sweep();
  expect(await readdir(dir)).toEqual([young]);
  // A clock that was set back keeps none for ever.
  now -= 40 * HOUR;
  await uploads.sweep();
  expect(await readdir(dir)).toEqual([]);
});

test('where there are too many, the one that rested longest makes room, unless none has rested', async () => {
  const uploads = open(2);
  const [first, second] = [await begun(uploads), await begun(uploads)];
  expect(await uploads.begin(note)).toBeUndefined();
  now += 2 * HOUR;
  await uploads.exclusive(second, async (own) => {
    if (own) await uploads.append(own, bytes('d'));
  });
  expect(await uploads.begin(note)).toBeDefined();
  expect([await offsetOf(uploads, first), await offsetOf(uploads, second)]).toEqual([undefined, 4]);
});

test('one that another living process works on is left alone; what a dead one held is taken over', async () => {
  const uploads = open();
  const id = await begun(uploads);
  const parent = process.ppid;
  const held = join(dir, `${id}.${parent}-${startMark(parent)}`);
  await rename(join(dir, id), held);
  await expect(offsetOf(uploads, id)).rejects.toBeInstanceOf(UploadBusy);
  now += 100 * HOUR;
  await uploads.sweep();
  expect((await stat(held)).isDirectory()).toBe(true);
  now -= 100 * HOUR;
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  await rename(held, join(dir, `${id}.${dead}-123`));
  expect(await offsetOf(uploads, id)).toBe(3);
  expect(await readdir(dir)).toEqual([id]);
});

test('what is no id of an upload is none, whatever lies there', async () => {
  const uploads = open();
  const id = await begun(uploads);
  const held = `${id}.${process.ppid}-${startMark(process.ppid)}`;
  await rename(join(dir, id), join(dir, held));
  for (const other of [held, '..', '.', '', `../${id}`, `${id}/data`, id.toUpperCase(), 'a\0b']) expect(await offsetOf(uploads, other), other).toBeUndefined();
  expect(await readdir(dir)).toEqual([held]);
});

test('a newer request takes over from one whose connection hangs, and keeps what that one got', async () => {
  const uploads = open();
  const id = await begun(uploads);
  const { promise: hangs, reject } = Promise.withResolvers<never>();
  hangs.catch(() => {});
  async function* slow() {
    yield Buffer.from('de');
    await hangs;
  }
  const older = uploads.exclusive(id, async (own, signal) => {
    signal.addEventListener('abort', () => reject(new Error('taken over')));
    if (own) await uploads.append(own, slow());
  });
  older.catch(() => {});
  await expect.poll(async () => (await stat(join(dir, (await readdir(dir))[0] ?? '', 'data'))).size).toBe(5);
  expect(await offsetOf(uploads, id)).toBe(5);
  await expect(older).rejects.toThrow('taken over');
});

test('one byte more than may come is too many, and the piece it was in is not counted', async () => {
  const uploads = open();
  const id = await begun(uploads);
  await uploads.exclusive(id, async (own) => {
    await expect(own && uploads.append(own, bytes('defg', 'hijk'))).rejects.toBeInstanceOf(TooLong);
  });
  expect(await offsetOf(uploads, id)).toBe(7);
});
