/** A small bundle in a file, and what must hold whatever is given to `bundle import` in its place. For tests that import it first. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, expect } from 'vitest';
import { asEdgewrightError } from '#contract';
import { elsewhere } from '../../integration/bundles/sources.ts';
import { admit, dir, keys, registry, source } from '../../integration/bundles/workspace.ts';
import { filesOf, sumOf } from './forge.ts';

export let whole: Buffer;
/** What is in it, by name. */
export let files: Map<string, Buffer>;
/** A folder for bad files. */
export let bad: string;
let outside: Map<string, string>;

beforeEach(async () => {
  // Small: only what a bundle must have, since hundreds of files are made of it.
  for (const name of await readdir(source)) if (!['model.onnx', 'golden.npz'].includes(name)) await rm(join(source, name), { recursive: true });
  await writeFile(join(source, 'edgewright.yaml'), 'name: digits\nversion: 1.0.0\nmodel: model.onnx\ngolden: golden.npz\n');
  const friend = await elsewhere(join(dir, 'friend'), keys);
  await friend.registry.build(source, { admit });
  const file = join(dir, 'whole.tar');
  await friend.registry.export('digits@1.0.0', file, {});
  friend.close();
  whole = await readFile(file);
  files = await filesOf(file);
  bad = join(dir, 'bad');
  await mkdir(bad);
  outside = await everythingElse();
});

/** What stands outside the store, by path. */
async function everythingElse(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (path.startsWith(join(dir, 'store')) || path.startsWith(join(dir, 'catalogue.db')) || path.startsWith(bad)) continue;
    found.set(path, entry.isFile() ? sumOf(await readFile(path)) : 'no file');
  }
  return found;
}

/**
 * Gives bytes to import. Either they are refused for what they are, and the store is as it was; or a bundle came in of which
 * every blob has its digest, and it goes again.
 * @returns the code of the refusal, or the state of what came in
 */
export async function give(bytes: Uint8Array, name = 'bad.tar'): Promise<string> {
  const file = join(bad, name);
  await writeFile(file, bytes);
  const outcome = await registry.import(file, { admit, ref: undefined }).catch((error: unknown) => asEdgewrightError(error));
  expect(await readdir(join(dir, 'store', 'ingest'))).toEqual([]);
  if (outcome instanceof Error) {
    expect(`${outcome.owner} ${outcome.code}: ${outcome.message}`).toMatch(/^(input|trust|usage) [a-z]+\.[a-z-]+: /);
    expect(registry.list()).toEqual([]);
    expect(await readdir(join(dir, 'store', 'blobs', 'sha256'))).toEqual([]);
    return outcome.code;
  }
  expect(await registry.verifyStore()).toMatchObject({ bad: [], extra: [] });
  const { state } = outcome;
  await registry.remove(`${outcome.name}@${outcome.version}`);
  expect(await readdir(join(dir, 'store', 'blobs', 'sha256'))).toEqual([]);
  return state;
}

/** Nothing was written, changed or removed outside the store. */
export async function nothingOutside(): Promise<void> {
  expect(await everythingElse()).toEqual(outside);
}

const BLOCK = 512;

/** The file, changed in one to four ways. Call it once the file is there. */
export function changedFiles(): fc.Arbitrary<Buffer> {
  const blocks = whole.length / BLOCK;
  const block = fc.nat(blocks - 1);
  const change = fc.oneof(
    fc.record({ kind: fc.constant('flip' as const), at: fc.nat(whole.length - 1), bit: fc.nat(7) }),
    // In the first part stand the headers, the list and most documents.
    fc.record({ kind: fc.constant('set' as const), at: fc.nat(8192), byte: fc.nat(255) }),
    fc.record({ kind: fc.constant('swap' as const), a: block, b: block }),
    fc.record({ kind: fc.constant('copy' as const), a: block, b: block }),
    fc.record({ kind: fc.constant('cut' as const), a: block, count: fc.nat(20) }),
    fc.record({ kind: fc.constant('insert' as const), at: fc.nat(whole.length), bytes: fc.uint8Array({ maxLength: 1024 }) }),
  );
  return fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) => {
    let bytes = Buffer.from(whole);
    for (const one of changes) {
      const at = (n: number) => bytes.subarray(n * BLOCK, n * BLOCK + BLOCK);
      if (one.kind === 'flip') bytes[one.at] = (bytes[one.at] ?? 0) ^ (1 << one.bit);
      if (one.kind === 'set') bytes[one.at] = one.byte;
      if (one.kind === 'swap') {
        const first = Buffer.from(at(one.a));
        at(one.a).set(at(one.b).subarray(0, at(one.a).length));
        at(one.b).set(first.subarray(0, at(one.b).length));
      }
      if (one.kind === 'copy') at(one.b).set(at(one.a).subarray(0, at(one.b).length));
      if (one.kind === 'cut') bytes = Buffer.concat([bytes.subarray(0, one.a * BLOCK), bytes.subarray((one.a + one.count) * BLOCK)]);
      if (one.kind === 'insert') bytes = Buffer.concat([bytes.subarray(0, one.at), one.bytes, bytes.subarray(one.at)]);
    }
    return bytes;
  });
}
