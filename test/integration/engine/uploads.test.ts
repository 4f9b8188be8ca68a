/** Files that a browser window hands over: whole or not at all, never more than was said, and gone when they are done with. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Uploads } from '../../../app/engine/uploads.ts';

let dir: string;
let uploads: Uploads;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'edgewright-uploads-'));
  uploads = new Uploads(dir);
});
afterEach(async () => {
  await uploads.close();
  await rm(dir, { recursive: true, force: true });
});

const base64 = (text: string) => Buffer.from(text).toString('base64');

test('files of one upload lie beside each other under their own names, piece after piece', async () => {
  const { id, paths } = await uploads.begin([
    { name: 'pump.onnx', bytes: 6 },
    { name: 'pump.onnx.data', bytes: 3 },
  ]);
  expect(paths.map((path) => basename(path))).toEqual(['pump.onnx', 'pump.onnx.data']);
  expect(new Set(paths.map((path) => dirname(path))).size).toBe(1);
  expect(await uploads.write({ id, file: 0, offset: 0, base64: base64('abc') })).toEqual({ bytes: 3 });
  expect(await uploads.write({ id, file: 1, offset: 0, base64: base64('xyz') })).toEqual({ bytes: 3 });
  expect(await uploads.write({ id, file: 0, offset: 3, base64: base64('def') })).toEqual({ bytes: 6 });
  expect(await readFile(paths[0] ?? '', 'utf8')).toBe('abcdef');
  expect(await readFile(paths[1] ?? '', 'utf8')).toBe('xyz');
  await uploads.drop(id);
  expect(await readdir(dir)).toEqual([]);
  await uploads.drop(id);
});

test('a piece in the wrong place, one too many, and two at once are refused; what is there stays as it was', async () => {
  const { id, paths } = await uploads.begin([{ name: 'a.tar', bytes: 4 }]);
  const refused = { code: 'usage.upload-piece', owner: 'usage' };
  await expect(uploads.write({ id, file: 0, offset: 1, base64: base64('a') })).rejects.toMatchObject(refused);
  await expect(uploads.write({ id, file: 0, offset: 0, base64: base64('abcde') })).rejects.toMatchObject(refused);
  const first = uploads.write({ id, file: 0, offset: 0, base64: base64('ab') });
  await expect(uploads.write({ id, file: 0, offset: 0, base64: base64('cd') })).rejects.toMatchObject(refused);
  await first;
  await expect(uploads.write({ id, file: 1, offset: 0, base64: base64('a') })).rejects.toMatchObject({ code: 'usage.unknown-upload' });
  expect(await readFile(paths[0] ?? '', 'utf8')).toBe('ab');
});

test.each([
  ['ü'.repeat(250)],
  ['../../outside.onnx'],
  ['/etc/passwd.onnx'],
  ['..\\up.onnx'],
  ['.hidden.onnx'],
  [`a${'\u202e'}xnno.onnx`],
  ['nul\0.onnx'],
  ['C:evil.onnx'],
  ['a.onnx '],
])('a name that leads elsewhere or deceives is not used: %j', async (name) => {
  const { paths } = await uploads.begin([{ name, bytes: 0 }]);
  expect(basename(paths[0] ?? '')).toMatch(/^file-1(\.onnx)?$/);
  expect(dirname(dirname(paths[0] ?? ''))).toBe(dir);
});

test('two files of one name begin nothing, and leave nothing', async () => {
  await expect(
    uploads.begin([
      { name: 'a', bytes: 1 },
      { name: 'a', bytes: 1 },
    ]),
  ).rejects.toMatchObject({ code: 'usage.upload-name', owner: 'usage' });
  expect(await readdir(dir)).toEqual([]);
});

test('no more than a few at once, and none that the disk cannot hold', async () => {
  await expect(uploads.begin([{ name: 'huge', bytes: Number.MAX_SAFE_INTEGER }])).rejects.toMatchObject({ code: 'machine.disk-full', owner: 'machine' });
  const begun = await Promise.allSettled(Array.from({ length: 6 }, () => uploads.begin([{ name: 'a', bytes: 1 }])));
  expect(begun.filter((one) => one.status === 'fulfilled').length).toBe(4);
  expect(begun.find((one) => one.status === 'rejected')?.reason).toMatchObject({ code: 'usage.too-many-uploads' });
  await uploads.close();
  expect(existsSync(dir) && (await readdir(dir))).toEqual([]);
});
