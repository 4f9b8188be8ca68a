/** Files that somebody made to do harm, or that were cut or spoiled on the way, given to `bundle import`. */
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digestOf } from '#core/bundles';
import { admit, dir, registry, store } from '../../integration/bundles/workspace.ts';
import { bad, changedFiles, files, give, nothingOutside, whole } from './archive-ground.ts';
import { deep, END, forge, pax, tarOf, tarPart } from './forge.ts';

/** The archive with something put before its first entry. */
const after = (...parts: Buffer[]) => Buffer.concat([...parts, whole]);
const blob = () => [...files.keys()].find((name) => name.startsWith('blobs/')) ?? '';
const huge = (...bytes: number[]) => Buffer.from([...bytes, ...Array.from({ length: 12 - bytes.length }, () => 0)]);

test('entries that lead out of the archive, or are no plain files, end the reading', async () => {
  const evil = Buffer.from('evil');
  const cases: [string, Buffer][] = [
    ['parent', tarPart({ name: '../escaped', body: evil })],
    ['parent within', tarPart({ name: 'blobs/../../escaped', body: evil })],
    ['absolute', tarPart({ name: join(dir, 'escaped'), body: evil })],
    ['drive', tarPart({ name: 'C:\\escaped', body: evil })],
    ['drive with slash', tarPart({ name: 'C:/escaped', body: evil })],
    ['backslashes', tarPart({ name: '..\\..\\escaped', body: evil })],
    ['by its prefix', tarPart({ name: 'escaped', prefix: '../..', body: evil })],
    ['by a pax path', Buffer.concat([pax({ path: '../../escaped' }), tarPart({ name: 'fine', body: evil })])],
    ['by a pax path with NUL', Buffer.concat([pax({ path: 'index.json\0/../x' }), tarPart({ name: 'fine', body: evil })])],
    ['by a GNU long name', Buffer.concat([tarPart({ name: '././@LongLink', type: 'L', body: Buffer.from('../../escaped\0') }), tarPart({ name: 'fine' })])],
    ['not UTF-8', tarPart({ name: Buffer.from([0x62, 0xff, 0xfe]), body: evil })],
    ['symbolic link', tarPart({ name: 'blobs', type: '2', link: '/etc' })],
    ['hard link', tarPart({ name: blob(), type: '1', link: '/etc/passwd' })],
    ['link by pax', Buffer.concat([pax({ linkpath: '/etc/passwd' }), tarPart({ name: 'fine' })])],
    ['GNU long link', tarPart({ name: '././@LongLink', type: 'K', body: Buffer.from('/etc/passwd\0') })],
    ['character device', tarPart({ name: 'null', type: '3' })],
    ['block device', tarPart({ name: 'disk', type: '4' })],
    ['pipe', tarPart({ name: 'pipe', type: '6' })],
    ['GNU sparse', tarPart({ name: 'sparse', type: 'S' })],
    ['pax sparse', Buffer.concat([pax({ 'GNU.sparse.major': '1', 'GNU.sparse.realsize': '99999999999' }), tarPart({ name: 'sparse' })])],
    ['several volumes', tarPart({ name: 'part', type: 'M' })],
    ['unknown type', tarPart({ name: 'odd', type: 'Z' })],
    ['the same name twice', tarPart({ name: 'index.json', body: Buffer.from('{}') })],
    ['the same name in capitals', tarPart({ name: 'INDEX.JSON', body: Buffer.from('{}') })],
    ['the same name with a dot', tarPart({ name: './index.json', body: Buffer.from('{}') })],
    ['the same blob twice', tarPart({ name: `./${blob()}`, body: evil })],
    ['a folder with content', tarPart({ name: 'folder/', body: evil })],
  ];
  for (const [what, part] of cases) expect(await give(after(part)), what).toBe('archive.refused');
  await nothingOutside();
});

test('headers that lie are refused', async () => {
  const cases: [string, Buffer][] = [
    ['a wrong checksum', tarPart({ name: 'x', checksum: '000000\0 ' })],
    ['no checksum', tarPart({ name: 'x', checksum: '\0\0\0\0\0\0\0\0' })],
    ['a size of letters', tarPart({ name: 'x', size: 'abcdefghijk' })],
    ['a negative size', tarPart({ name: 'x', size: '-0000000001' })],
    ['a negative size of GNU', tarPart({ name: 'x', size: Buffer.alloc(12, 0xff) })],
    ['more than any disk', tarPart({ name: 'x', size: huge(0x80, 0xff, 0xff, 0xff, 0xff) })],
    ['8 GiB', tarPart({ name: 'x', size: '77777777777\0' })],
    ['a pax size beyond the end', Buffer.concat([pax({ size: '999999999999999' }), tarPart({ name: 'x' })])],
    ['a pax size of letters', Buffer.concat([pax({ size: '0x10' }), tarPart({ name: 'x' })])],
    ['a pax record longer than its header', tarPart({ name: 'pax', type: 'x', body: Buffer.from('99 path=x\n') })],
    ['a pax record of no length', tarPart({ name: 'pax', type: 'x', body: Buffer.from('0 path=x\n') })],
    ['a pax record without end', tarPart({ name: 'pax', type: 'x', body: Buffer.from('9 path=xx') })],
    ['megabytes of pax', tarPart({ name: 'pax', type: 'x', body: Buffer.alloc(1 << 20, 0x20) })],
    ['global pax of the same', tarPart({ name: 'pax', type: 'g', body: Buffer.from('5 x\n') })],
  ];
  for (const [what, part] of cases) expect(await give(after(part)), what).toMatch(/^archive\.(malformed|truncated)$/);
  expect(await give(Buffer.concat(Array.from({ length: 100_001 }, () => tarPart({ name: 'x/' }))))).toBe('archive.too-many-entries');
});

test('other tars of the same bundle are taken', async () => {
  const parts = [...files].map(([name, body]) => tarPart({ name: `./${name}`, body }));
  expect(await give(Buffer.concat([...parts, END]))).toBe('sound');
  expect(await give(Buffer.concat([pax({ comment: 'made elsewhere' }, 'g'), ...parts])), 'without an end').toBe('sound');
  expect(await give(Buffer.concat([...parts, END, Buffer.from('whatever stands behind the end')]))).toBe('sound');
  const long = [...files].map(([name, body]) =>
    Buffer.concat([tarPart({ name: '././@LongLink', type: 'L', body: Buffer.from(`${name}\0`) }), tarPart({ name: 'x', body })]),
  );
  expect(await give(Buffer.concat([...long, END]))).toBe('sound');
});

test('cut off where a block ends, it is refused unless nothing is missing', { timeout: 120_000 }, async () => {
  const blocks = whole.length / 512;
  for (let n = 0; n < blocks; n += n < 16 || n > blocks - 6 ? 1 : 13) {
    const code = await give(whole.subarray(0, n * 512));
    if (n >= blocks - 2) expect(code).toBe('sound');
    else expect(code, `${n} of ${blocks} blocks`).toMatch(/^(archive\.|usage\.)/);
  }
});

test('whatever is changed in the file, what comes in has its digests', { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(changedFiles(), async (bytes) => void (await give(bytes))),
    { numRuns: 120 },
  );
  await nothingOutside();
});

test('documents that lie about digests and sizes', async () => {
  const digest = `sha256:${'0'.repeat(64)}`;
  const first = <T>(list: readonly T[]): T => list[0] as T;
  expect(await give(tarOf(forge(files, {})))).toBe('quarantined');
  const cases: [string, Parameters<typeof forge>[1], RegExp][] = [
    ['a layer that is not there', { manifest: (m) => void (first(m.layers).digest = digest) }, /^archive\.blob-missing$/],
    ['a layer of another size', { manifest: (m) => void (first(m.layers).size += 1) }, /^archive\.blob-size$/],
    ['a shorter layer', { manifest: (m) => void (first(m.layers).size -= 1) }, /^archive\.blob-size$/],
    ['a layer of no size', { manifest: (m) => void (first(m.layers).size = 0) }, /mismatch/],
    ['a negative size', { manifest: (m) => void (first(m.layers).size = -5) }, /malformed/],
    ['half a byte', { manifest: (m) => void (first(m.layers).size = 0.5) }, /malformed/],
    ['more than any disk', { manifest: (m) => void (first(m.layers).size = 2 ** 53 - 1) }, /malformed/],
    ['a digest with a path in it', { manifest: (m) => void (first(m.layers).digest = 'sha256:../../../../etc/passwd') }, /malformed/],
    ['a digest in capitals', { manifest: (m) => void (first(m.layers).digest = first(m.layers).digest.toUpperCase()) }, /malformed/],
    ['another hash', { manifest: (m) => void (first(m.layers).digest = `sha512:${'0'.repeat(128)}`) }, /malformed/],
    ['the manifest of another digest', { index: (i) => void (first(i.manifests).digest = digest) }, /^archive\.blob-missing$/],
    ['the manifest of another size', { index: (i) => void (first(i.manifests).size += 1) }, /^archive\.blob-size$/],
    ['the index of another digest', { list: (l) => void (first(l.manifests).digest = digest) }, /^archive\.blob-missing$/],
    ['one digest with two sizes', { manifest: (m) => void m.layers.push({ ...first(m.layers), size: 7 }) }, /malformed|collide/],
    ['the same file twice', { manifest: (m) => void m.layers.push({ ...first(m.layers) }) }, /collide/],
    ['no layers', { manifest: (m) => void (m.layers = []) }, /^bundle\.foreign$/],
    ['more layers than a bundle has', { manifest: (m) => void (m.layers = Array.from({ length: 1026 }, () => first(m.layers))) }, /malformed/],
    ['thousands of variants', { index: (i) => void (i.manifests = Array.from({ length: 5000 }, () => first(i.manifests))) }, /malformed/],
    [
      'an index that lists itself',
      { index: (i) => void i.manifests.push({ ...first(i.manifests), mediaType: 'application/vnd.oci.image.index.v1+json' }) },
      /^bundle\.foreign$/,
    ],
    ['a layout of thousands', { list: (l) => void (l.manifests = Array.from({ length: 20_000 }, () => first(l.manifests))) }, /^archive\.too-many-entries$/],
  ];
  for (const [what, change, code] of cases) expect(await give(tarOf(forge(files, change))), what).toMatch(code);
  // The bytes of one blob under the name of another.
  const names = [...files.keys()].filter((name) => name.startsWith('blobs/'));
  for (const name of names) {
    const other = names[(names.indexOf(name) + 1) % names.length] ?? '';
    expect(await give(tarOf(new Map([...files, [name, files.get(other) ?? Buffer.alloc(0)]]))), name).toMatch(/mismatch|blob-size|truncated/);
  }
});

test('paths and roles in a manifest that would leave the folder', async () => {
  const PATH = 'org.cncf.model.filepath';
  for (const path of [
    '../model.onnx',
    '/etc/cron.d/x',
    'a/../../x',
    'C:\\x',
    'con',
    'model.sig',
    'signer.pub',
    'edgewright.variant.json/x',
    'a\0b',
    'x'.repeat(600),
    '',
  ])
    expect(await give(tarOf(forge(files, { manifest: (m) => void Object.assign(m.layers[0]?.annotations ?? {}, { [PATH]: path }) }))), path).toMatch(
      /^bundle\./,
    );
  const roles = forge(files, { manifest: (m) => void Object.assign(m.layers[0]?.annotations ?? {}, { 'dev.edgewright.role': '__proto__' }) });
  expect(await give(tarOf(roles))).toMatch(/^bundle\./);
  await nothingOutside();
});

test('documents as deep as a well are refused or passed over, and nothing falls', async () => {
  const bomb = deep(300_000);
  const json = (value: unknown) => JSON.stringify(value).replace('{', `{"deep":${bomb},`);
  const cases: [string, Parameters<typeof forge>[1]][] = [
    ['index.json', { list: json }],
    ['the index', { index: json }],
    ['the manifest', { manifest: json }],
    ['index.json, nothing else', { list: () => bomb }],
    ['the manifest, nothing else', { manifest: () => bomb }],
    ['edgewright.yaml', { files: { 'edgewright.yaml': Buffer.from(`name: digits\nversion: 1.0.0\nmodel: ${deep(100_000)}\n`) } }],
    ['edgewright.yaml of mappings', { files: { 'edgewright.yaml': Buffer.from(`x: ${'{a: '.repeat(50_000)}`) } }],
    ['aliases', { files: { 'edgewright.yaml': Buffer.from(aliases()) } }],
    ['edgewright.variant.json', { files: { 'edgewright.variant.json': Buffer.from(bomb) } }],
    ['the model', { files: { 'model.onnx': Buffer.alloc(200_000, 0x0b) } }],
    ['the golden set', { files: { 'golden.npz': Buffer.from(bomb) } }],
  ];
  for (const [what, change] of cases)
    expect(await give(tarOf(forge(files, change))), what).toMatch(/^(quarantined$|bundle\.|archive\.|model\.|input\.|npz\.|golden\.|dataset\.|tensors?\.)/);
});

test('compressed archives that unfold without end, or are not what they seem', { timeout: 60_000 }, async () => {
  expect(await give(gzipSync(whole), 'bad.tar.gz')).toBe('sound');
  // In members, each small.
  const member = gzipSync(Buffer.alloc(1 << 20), { level: 9 });
  expect(await give(Buffer.concat(Array.from({ length: 300 }, () => member)), 'bad.tar.gz')).toMatch(/^archive\./);
  expect(await give(gzipSync(gzipSync(gzipSync(whole))), 'bad.tar.gz')).toMatch(/^(archive|usage)\./);
  const packed = gzipSync(whole);
  for (const length of [2, 3, 9, 10, 11, 100, packed.length - 9, packed.length - 1])
    expect(await give(packed.subarray(0, length), 'bad.tar.gz')).toMatch(/^archive\./);
  const spoiled = Buffer.from(packed);
  spoiled[packed.length >> 1] = (spoiled[packed.length >> 1] ?? 0) ^ 0xff;
  expect(await give(spoiled, 'bad.tar.gz')).toMatch(/^(archive|store)\./);
  expect(await give(Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]), deflateRawSync(whole)]), 'bad.tar.gz')).toMatch(/^archive\./);
  expect(await give(zstdCompressSync(whole), 'bad.tar.zst')).toMatch(/^(archive|usage)\./);
  // Layers that say they are packed are files like any other: nothing unfolds them.
  const layer = gzipSync(Buffer.alloc(100 << 20), { level: 9 });
  const typed = forge(files, {
    files: { 'model.onnx': layer },
    manifest: (m) => void Object.assign(m.layers[0] ?? {}, { mediaType: 'application/vnd.cncf.model.weight.v1.tar+gzip' }),
  });
  expect(await give(tarOf(typed))).toMatch(/^(model|input|bundle)\./);
});

test('an unpacked layout with links and devices in it', async () => {
  const folder = join(bad, 'layout');
  await mkdir(join(folder, 'blobs', 'sha256'), { recursive: true });
  for (const [name, bytes] of files) await writeFile(join(folder, name), bytes);
  const at = join(folder, blob());
  await rm(at);
  await mkdir(at);
  await expect(registry.import(folder, { admit })).rejects.toMatchObject({ owner: expect.stringMatching(/input|usage|trust/) });
  await rm(at, { recursive: true });
  await writeFile(at, 'something else');
  await chmod(at, 0o444);
  await expect(registry.import(folder, { admit })).rejects.toMatchObject({ code: expect.stringMatching(/mismatch|blob-size/) });
  expect(registry.list()).toEqual([]);
  expect(await store.has(digestOf(Buffer.from('something else')))).toBe(false);
});

/** More each time a name is used again. */
function aliases(): string {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 20; i++) lines.push(`a${i}: &a${i} [${Array.from({ length: 9 }, () => `*a${i - 1}`).join(', ')}]`);
  return lines.join('\n');
}
